"""A store that lasts as long as the process."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aio_token._public import public

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_token._credential import Credential


@public
class MemoryTokenStore:
    """Keeps a credential in memory; repositories of one event loop may share it."""

    # A service may keep one for each of its users: a table of locks would be larger than the rest of it.
    __slots__ = ("__weakref__", "_credential", "_lock", "_loop")

    def __init__(self, credential: Credential | None = None) -> None:
        self._credential = credential
        # An asyncio.Lock belongs to the loop that it first waits on, and one store may serve several loops in turn.
        self._lock: asyncio.Lock | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def __repr__(self) -> str:
        return "MemoryTokenStore()"

    async def load(self) -> Credential | None:
        """Return what is kept."""
        return self._credential

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[MemoryTokenStore]:
        """Exclude every other holder on this event loop."""
        loop = asyncio.get_running_loop()
        if self._lock is None or self._loop is not loop:
            self._lock, self._loop = asyncio.Lock(), loop
        async with self._lock:
            yield self

    async def save(self, credential: Credential) -> None:
        """Keep the credential."""
        self._credential = credential

    async def delete(self) -> None:
        """Keep nothing."""
        self._credential = None
