"""One Keycloak for the session, and an administrator's view of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.keycloak.administration import Administration
from tests.keycloak.api import IntrospectingAPI
from tests.keycloak.realm import PASSWORD
from tests.keycloak.server import running_keycloak
from tests.keycloak.shell import Shell
from tests.support.browser import Person

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.keycloak.server import Keycloak


@pytest.fixture(scope="session")
def keycloak() -> Iterator[Keycloak]:
    """Run a Keycloak for as long as the tests take."""
    with running_keycloak() as server:
        yield server


@pytest.fixture
async def administration(keycloak: Keycloak) -> AsyncIterator[Administration]:
    """Look at the realm as its administrator, beginning with an empty record of what happened."""
    async with Administration(keycloak) as administration:
        await administration.forget_events()
        yield administration


@pytest.fixture
async def api(keycloak: Keycloak) -> AsyncIterator[IntrospectingAPI]:
    """Run an API that asks Keycloak about each token."""
    async with IntrospectingAPI(keycloak) as api:
        yield api


@pytest.fixture
async def alice(keycloak: Keycloak) -> AsyncIterator[Person]:
    """Sit Alice down before a browser, signed in nowhere, on this device or another one."""
    async with Person(keycloak.url, PASSWORD) as alice:
        yield alice


@pytest.fixture
async def shell(tmp_path: Path, administration: Administration) -> AsyncIterator[Shell]:
    """Open a shell, with tokens that last for a command or two; law G1: it shows and keeps no secret in clear."""
    shell = Shell(tmp_path)
    async with administration.tokens_live(60):
        yield shell
    assert shell.secrets_in_view() == []
