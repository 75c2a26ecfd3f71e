"""One oidc-provider for the session, the addresses of three APIs that it gives tokens for, and a person before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.browser import Page, Person
from tests.support.daemon import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.support.acceptance import Server


class Alice(Person):
    """Alice, who is asked on her way in whether the code of another device is the one that she sees there.

    Once signed in she agrees again to each sign-in.
    """

    async def sign_in_at(self, address: str) -> Page:
        """Open the address, sign in unless she is, and agree."""
        page = await self.open(address)
        if page.asks_for_password:
            page = await self.type_in(page)
        return await self.agree(page)

    async def open(self, address: str) -> Page:
        """Open an address, and say that it is."""
        page = await super().open(address)
        while "xsrf" in page.form.fields:
            page = await self._send(page)
        return page


@pytest.fixture(scope="session")
def resources() -> tuple[str, str, str]:
    """Return the addresses of three APIs, which are the names of the resources."""
    mail, files, others = (f"http://127.0.0.1:{free_port()}" for _ in range(3))
    return mail, files, others


@pytest.fixture(scope="session")
def server(resources: tuple[str, str, str]) -> Iterator[Server]:
    """Run a server for as long as the tests take; of the third resource it knows nothing."""
    from tests.oidc_provider.server import running_oidc_provider  # noqa: PLC0415  only these tests need Node

    with running_oidc_provider(resources[:2]) as server:
        yield server


@pytest.fixture
async def alice(server: Server) -> AsyncIterator[Person]:
    """Sit Alice down before a browser, signed in nowhere."""
    async with Alice(server.issuer, "test only: alice's password") as alice:
        yield alice
