"""One Spring Authorization Server for the session, and a person before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.spring.server import PASSWORD, running_spring
from tests.support.browser import Person

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.spring.server import Spring


@pytest.fixture(scope="session")
def server() -> Iterator[Spring]:
    """Run a server for as long as the tests take."""
    with running_spring() as server:
        yield server


@pytest.fixture
async def alice(server: Spring) -> AsyncIterator[Person]:
    """Sit Alice down before a browser, signed in nowhere."""
    async with Person(server.issuer, PASSWORD) as alice:
        yield alice
