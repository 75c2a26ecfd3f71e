"""The Keycloak that the tests run: fetched once through Maven, kept outside the tree, and prepared to start quickly."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

from tests.support.made import keep, made_once, making, run
from tests.support.maven import fetch, need_java

if TYPE_CHECKING:
    from pathlib import Path

VERSION = "26.7.3"
ARTIFACT = f"org.keycloak:keycloak-quarkus-dist:{VERSION}:tar.gz"
BUILD_OPTIONS = ("--db=dev-mem", "--https-client-auth=request")
_DIRECTORY = f"keycloak-{VERSION}"
_NAME = f"{_DIRECTORY}-asks"  # for certificates, which is decided as it is built


def keycloak_home() -> Path:
    """Return the directory of a Keycloak that is ready to start, fetching and preparing it the first time."""
    need_java()
    with making(_NAME) as directory:
        return made_once(_NAME) or keep(_prepared(directory), _NAME)


def _prepared(directory: Path) -> Path:
    fetch(f"fetching Keycloak {VERSION}", "dependency:copy", f"-Dartifact={ARTIFACT}", f"-DoutputDirectory={directory}")
    archive = next(directory.glob("*.tar.gz"))
    with tarfile.open(archive) as tar:
        tar.extractall(directory, filter="tar")
    home = directory / _DIRECTORY
    run(f"preparing Keycloak {VERSION}", [str(home / "bin" / "kc.sh"), "build", *BUILD_OPTIONS], directory)
    return home
