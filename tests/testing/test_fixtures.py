"""The fixtures of the testing kit, imported as a user would."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import pytest

from aio_token.testing import AuthorizationServer, ManualClock, ProtectedAPI
from aio_token.testing.fixtures import authorization_server, manual_clock, protected_api  # noqa: F401  asked for by name
from tests.support.plain_client import call

if TYPE_CHECKING:
    from pathlib import Path


def test_there_is_a_clock(manual_clock: ManualClock) -> None:  # noqa: F811
    """`manual_clock` is a clock of the test's own."""
    assert manual_clock.time() == ManualClock().time()


async def test_there_are_servers(authorization_server: AuthorizationServer, protected_api: ProtectedAPI) -> None:  # noqa: F811
    """The API takes the tokens of the authorization server."""
    assert (await call(protected_api.url, authorization_server.issue()["access_token"]))[0] == 200


@pytest.mark.parametrize("authorization_server", [{"lifetime": 2.0}], indirect=True)
@pytest.mark.parametrize("protected_api", [{"always_refuse": True}], indirect=True)
async def test_servers_take_options(authorization_server: AuthorizationServer, protected_api: ProtectedAPI) -> None:  # noqa: F811
    """A test gives options by parametrizing a server indirectly."""
    assert authorization_server.issue()["expires_in"] == 2
    assert protected_api.always_refuse


def test_nothing_is_loaded_by_itself() -> None:
    """The package has no entry point for pytest."""
    assert [entry for entry in entry_points(group="pytest11") if entry.value.startswith("aio_token")] == []


def test_they_are_found_as_a_plugin(tmp_path: Path) -> None:
    """`pytest_plugins` loads them, so that no linter takes an import for unused."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n", encoding="utf-8")
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["aio_token.testing.fixtures"]\n', encoding="utf-8")
    test = "async def test_it(protected_api, manual_clock): assert protected_api.url\n"
    (tmp_path / "test_it.py").write_text(test, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=False)
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout
