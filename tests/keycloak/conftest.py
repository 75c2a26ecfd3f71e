"""One Keycloak for the session, and an administrator's view of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.keycloak.administration import Administration
from tests.keycloak.api import IntrospectingAPI
from tests.keycloak.server import running_keycloak

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

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
