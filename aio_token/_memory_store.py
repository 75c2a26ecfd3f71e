"""A store that lasts as long as the process."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_token._credential import Credential


class MemoryTokenStore:
    """Keeps a credential in memory; repositories of one event loop may share it."""

    def __init__(self, credential: Credential | None = None) -> None:
        self._credential = credential
        # An asyncio.Lock belongs to the loop that it first waits on, and one store may serve several loops in turn.
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()

    def __repr__(self) -> str:
        return "MemoryTokenStore()"

    async def load(self) -> Credential | None:
        """Return what is kept."""
        return self._credential

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[MemoryTokenStore]:
        """Exclude every other holder on this event loop."""
        lock = self._locks.setdefault(asyncio.get_running_loop(), asyncio.Lock())
        async with lock:
            yield self

    async def save(self, credential: Credential) -> None:
        """Keep the credential."""
        self._credential = credential

    async def delete(self) -> None:
        """Keep nothing."""
        self._credential = None
