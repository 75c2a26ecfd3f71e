"""Callers who wait for another token than the one they have."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from typing import TYPE_CHECKING

from aio_token._errors import StoreError
from aio_token._ground.backoff import LOOKS_APART

if TYPE_CHECKING:
    from collections.abc import Callable

    from aio_token._keeper import Keeper
    from aio_token._token import Token


class Changes:
    """Wakes those who wait, on whichever event loop they are; `found` is called when a look has found something."""

    __slots__ = ("_found", "_keeper", "_looked_at", "_waiting")

    def __init__(self, keeper: Keeper, found: Callable[[], None]) -> None:
        self._keeper = keeper
        self._found = found
        self._looked_at = -math.inf  # monotonic
        self._waiting: dict[asyncio.Future[None], None] = {}

    async def other_than(self, token: Token | None, lock: asyncio.Lock) -> Token:
        """Return the token once it is another one."""
        while (cached := self._keeper.cached) is None or cached.token.same_as(token):
            try:
                await self._next()
            except TimeoutError:
                await self._look(lock)
        return cached.token

    def announce(self) -> None:
        """Wake them; callable from any thread."""
        for change in list(self._waiting):
            with suppress(RuntimeError):  # its loop is closed
                change.get_loop().call_soon_threadsafe(_wake, change)

    async def _next(self) -> None:
        change = asyncio.get_running_loop().create_future()
        self._waiting[change] = None
        try:
            async with asyncio.timeout(LOOKS_APART):
                await change
        finally:
            del self._waiting[change]

    async def _look(self, lock: asyncio.Lock) -> None:
        """Adopt what another process wrote, at most once a second for all who wait."""
        now = self._keeper.clock.monotonic()
        if now < self._looked_at + LOOKS_APART:
            return
        self._looked_at = now
        with suppress(StoreError):  # it is looked at again
            if await self._keeper.catch_up(lock):
                self._found()


def _wake(change: asyncio.Future[None]) -> None:
    if not change.done():
        change.set_result(None)
