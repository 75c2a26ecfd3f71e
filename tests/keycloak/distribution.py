"""The Keycloak that the tests run: fetched once through Maven, kept outside the tree, and prepared to start quickly."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from filelock import FileLock

VERSION = "26.7.3"
ARTIFACT = f"org.keycloak:keycloak-quarkus-dist:{VERSION}:tar.gz"
BUILD_OPTIONS = ("--db=dev-mem",)
_PAUSES = (10, 30, 0)  # seconds between attempts to fetch 176 MB over what may be a slow line
_FETCH_LIMIT = 900  # seconds for one attempt


class KeycloakUnavailableError(Exception):
    """There is no Keycloak to run; the message says what is missing."""


def keycloak_home() -> Path:
    """Return the directory of a Keycloak that is ready to start, fetching and preparing it the first time."""
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            message = f"`{program}` was not found: install Maven, through which Keycloak comes, and Java 17, 21 or 25"
            raise KeycloakUnavailableError(message)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aio_token"
    cache.mkdir(parents=True, exist_ok=True)
    home = cache / f"keycloak-{VERSION}"
    with FileLock(cache / f"keycloak-{VERSION}.lock"):
        if not home.exists():
            with tempfile.TemporaryDirectory(dir=cache, prefix="unfinished-") as directory:
                fetched = _fetch(Path(directory))
                _run("preparing", [str(fetched / "bin" / "kc.sh"), "build", *BUILD_OPTIONS])
                fetched.rename(home)
    return home


def _fetch(directory: Path) -> Path:
    command = ["mvn", "-B", "-q", "dependency:copy", f"-Dartifact={ARTIFACT}", f"-DoutputDirectory={directory}"]
    for pause in _PAUSES:
        try:
            _run("fetching", command)
            break
        except (KeycloakUnavailableError, subprocess.TimeoutExpired):
            if not pause:
                raise
            time.sleep(pause)
    archive = next(directory.glob("*.tar.gz"))
    with tarfile.open(archive) as tar:
        tar.extractall(directory, filter="tar")
    return directory / f"keycloak-{VERSION}"


def _run(doing: str, command: list[str]) -> None:
    print(f"{doing} Keycloak {VERSION} ...", file=sys.stderr, flush=True)  # noqa: T201  it takes a while
    done = subprocess.run(
        command,
        cwd=tempfile.gettempdir(),  # Maven looks for a project where it stands
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_FETCH_LIMIT,
        check=False,
    )
    if done.returncode:
        message = f"{doing} Keycloak failed: {' '.join(command)}\n{done.stdout[-4000:]}"
        raise KeycloakUnavailableError(message)
