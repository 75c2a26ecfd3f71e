"""What the laws of stores are written with: the suite's frame, and a few shorthands."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import TYPE_CHECKING

from aio_token._credential import Credential, IssuedBy
from aio_token._token import Token

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from contextlib import AbstractAsyncContextManager
    from typing import Any, ClassVar

    from aio_token._interfaces import Slot, TokenStore

HANG = 30.0
"""Seconds after which a law that has not come to its end is broken."""
CROWD = 10


class Laws:
    """What a suite is told of a store."""

    token_size: ClassVar[int] = 16_384

    def make(self) -> TokenStore:
        """Return a new handle on the storage of this test; it is called on the loop that will use it."""
        raise NotImplementedError  # the tester's own, in a subclass

    def open(self) -> AbstractAsyncContextManager[TokenStore]:
        """Make a handle and let go of it in the end; for stores that must be closed."""
        return nullcontext(self.make())

    async def lapse(self, slot: Slot) -> None:
        """End a hold as if its time had passed; for stores whose `slot.lasts` is a number of seconds."""
        raise NotImplementedError  # the tester's own, in a subclass


def sample(size: int) -> Credential:
    extra = {"id_token": "é" * 10, "nested": {"list": [1, None, True]}}
    return Credential(
        token=Token(access_token="a" * size, expires_at=1_700_000_000.5, scope="read write", extra=extra),
        obtained_at=1_699_999_000.25,
        refresh_token="r" * 100,
        refresh_expires_at=1_800_000_000.0,
        issued_by=IssuedBy(token_endpoint="https://id.example/token", client_id="bot", scope="", audience=None),
        refused="0123abcd",
        retry_at=1_700_000_001.0,
        failures=3,
        generation=1_700_000_000,
        failed_at=1_700_000_000.0,
        failure="ServerUnavailable",
        sentence="the server answered 503",
        proof="0011223344556677:89ab",
    )


async def save(store: TokenStore, *credentials: Credential) -> None:
    for credential in credentials:
        async with store.exclusive() as slot:
            await slot.save(credential)


def run(law: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(HANG):
            await law

    asyncio.run(bounded())


def demand(kept: bool, law: str) -> None:  # noqa: FBT001  the assertion that a runner need not rewrite to explain
    if not kept:
        raise AssertionError(law)
