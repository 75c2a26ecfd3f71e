"""The credentials of many accounts in memory: at rest an account is its record's bytes (law I1)."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from aio_token._clock import SYSTEM_CLOCK
from aio_token._credential import Credential
from aio_token._ground.public import public_in
from aio_token.stores._shared import OwnSlot, Shared
from aio_token.stores._turns import Turns
from aio_token.stores.codec import to_json
from aio_token.stores.many.names import checked_name
from aio_token.stores.many.record import is_due, is_there
from aio_token.stores.memory import warn_of_exchange

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_token._interfaces import TokenStore

_AT_A_TIME = 100
"""Records that are read before others have their turn on the event loop."""


@public_in("stores")
class MemoryTokenStores(Shared):
    """Keeps the credentials of many accounts for as long as the process.

    They are kept as the JSON that a file would hold: two kilobytes that the garbage collector does not walk.
    """

    def __init__(self) -> None:
        self._records: dict[str, bytes] = {}
        self._removed: dict[str, bytes] = {}  # tombstones
        self._in_use: WeakValueDictionary[str, _Record] = WeakValueDictionary()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return "MemoryTokenStores()"

    def of(self, name: str) -> TokenStore:
        """Return the store of one account. Raises `ConfigurationError` for what is no name."""
        with self._lock:
            record = self._in_use.get(name)
            if record is None:
                record = self._in_use[name] = _Record(self._records, self._removed, checked_name(name))
        return record

    async def names(self) -> AsyncIterator[str]:
        """Return the names of the accounts that something is kept of."""
        for name in list(self._records):
            if name in self._records:
                yield name

    async def due(self, before: float) -> AsyncIterator[str]:
        """Return the names of those whose refresh token ends before that moment (POSIX seconds)."""
        for number, name in enumerate(list(self._records)):
            if number % _AT_A_TIME == 0:
                await asyncio.sleep(0)
            credential = await self.of(name).load()
            if is_there(credential) and is_due(credential, before):
                yield name


class _Record(OwnSlot):
    """One account's store; there is one at a time, so that holders know of each other."""

    __slots__ = ("__weakref__", "_name", "_records", "_removed", "_turns")

    def __init__(self, records: dict[str, bytes], removed: dict[str, bytes], name: str) -> None:
        self._records = records
        self._removed = removed
        self._name = name
        self._turns = Turns()

    def __repr__(self) -> str:
        return f"MemoryTokenStores().of({self._name!r})"

    async def load(self) -> Credential | None:
        """Return what is kept."""
        record = memoryview(self._records.get(self._name) or self._removed.get(self._name, b""))
        credential = Credential.from_json(bytes(record)) if record else None
        if credential is not None and credential.has_passed(SYSTEM_CLOCK.time()):
            del self._removed[self._name]
            return None
        return credential

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[_Record]:
        """Exclude every other holder in this process."""
        async with self._turns.turn():
            yield self

    async def save(self, credential: Credential) -> None:
        """Keep the credential; that a refresh token was exchanged for one that ends with the process is told once."""
        warn_of_exchange(await self.load(), credential)
        self._keep(credential)

    async def delete(self) -> None:
        """Keep nothing, or a tombstone."""
        kept = await self.load()
        tombstone = kept.tombstone(SYSTEM_CLOCK.time()) if kept is not None else None
        if tombstone is not None:
            self._keep(tombstone)
        self._records.pop(self._name, None)

    def _keep(self, credential: Credential) -> None:
        book, other = self._records, self._removed
        if credential.is_tombstone:
            book, other = other, book
        book[self._name] = bytes(to_json(credential))
        other.pop(self._name, None)
