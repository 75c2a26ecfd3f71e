"""Stores that many hosts reach: held by a lease, written by comparing (laws J1 to J5).

Theory of operation. A lease is economy: it ends by itself, so that a host that died does not block the others, and it
is prolonged while its holder lives. A holder may be stopped, though, and wake up when the lease is another's. So safety
is in the write: each record has a version, and a write names the version that its holder has read. Whoever was faster
has written another one. What is gone was lost, since removing leaves a tombstone; a write brings it back.

What such a store is asked is said in five commands, `Server`, for which Redis and its kin have scripts and databases
have statements. Each is carried out wholly or not at all, and may be repeated: the answer may have been lost.
"""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from aio_token._clock import SYSTEM_CLOCK
from aio_token._disk.damage import Damaged
from aio_token._disk.durable import MAX_SIZE
from aio_token._disk.lock import waited_for
from aio_token._errors import StoreError, Superseded
from aio_token._ground.value import Value
from aio_token._hold import is_swept_away
from aio_token.stores._arguments import lease_of
from aio_token.stores._records import Records
from aio_token.stores._shared import Shared
from aio_token.stores._store_clock import ahead
from aio_token.stores._turns import Turns
from aio_token.stores.codec import NOTHING, codec_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from aio_token._clock import Clock
    from aio_token._credential import Credential
    from aio_token._ground.codec import Codec
    from aio_token._interfaces import Slot

_logger = logging.getLogger("aio_token")

_TIDYING = 3.0
"""Seconds that the end of a hold waits for the lease to be given back; it ends by itself."""


class Record(Value):
    """What a server holds: the content with its version, None and empty where there is none; and what time it is."""

    content: bytes | None
    version: str
    now: float

    def __repr__(self) -> str:
        return f"<Record {self.version!r}>"


class Server(Protocol):
    """One record of a server, and its lease; everything raises `StoreError`."""

    async def enter(self, owner: str, seconds: float) -> Record | None:
        """Take the lease unless it is another owner's; return what is kept, None if it is."""
        ...

    async def prolong(self, owner: str, seconds: float) -> bool:
        """Let the lease last so long from now; tell whether it still is this owner's."""
        ...

    async def leave(self, owner: str) -> None:
        """Give the lease back, if it is this owner's."""
        ...

    async def read(self) -> Record:
        """Return what is kept."""
        ...

    async def set_aside(self, content: bytes) -> None:
        """Keep what is damaged beside the record, until that is removed or a tombstone takes its place."""
        ...

    async def write(self, content: bytes | None, *, over: str, version: str, lasts: float | None) -> bool:
        """Keep the content, None for nothing, if the version is `over` or there is none; for so many seconds.

        Tell whether it is kept: also if it was already, under this very `version`.
        """
        ...


class LeasedTokenStore(Shared):
    """Keeps a credential on a server that many hosts reach.

    `identity` names its place for the codec, and `shown` is what errors call it.
    """

    def __init__(
        self,
        identity: str,
        codec: Codec | None,
        *,
        shown: str,
        lease: float,
        may_lose: bool = True,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._shown = shown
        self._may_lose = may_lose
        self._lease = lease_of(lease)
        self._clock = clock
        self._records = Records(self, identity, codec_of(codec), clock)
        self._turns = Turns()

    def __repr__(self) -> str:
        return self._shown

    @property
    def may_lose(self) -> bool:
        """Whether a write that was confirmed may be lost: a server that takes over may lack it, and one be emptied."""
        return self._may_lose

    async def load(self) -> Credential | None:
        """Return what is kept. Raises `StoreError`."""
        async with self._server() as server:
            return await self._slot(server, "").load()

    def exclusive(self) -> AbstractAsyncContextManager[Slot]:
        """Exclude every other holder, on any host. Raises `StoreError`."""
        return self._hold()

    @asynccontextmanager
    async def _hold(self) -> AsyncIterator[_Slot]:
        async with self._turns.turn(), self._server() as server:
            slot = self._slot(server, os.urandom(16).hex())
            try:
                await waited_for(slot.enter)
                yield slot
            finally:
                await slot.leave()

    async def probe(self) -> None:
        """Find out whether a credential would be kept: save what is there once more (law F12). Raises `StoreError`."""
        async with self._hold() as slot:
            await slot.probe()

    def _server(self) -> AbstractAsyncContextManager[Server]:
        """Reach the server for one operation."""
        raise NotImplementedError  # each kind of server's own

    def _slot(self, server: Server, owner: str) -> _Slot:
        return _Slot(self._records, server, owner, self._lease, self._clock)


class _Slot:
    """A lease, and the version of the record that was read under it."""

    def __init__(self, records: Records, server: Server, owner: str, seconds: float, clock: Clock) -> None:
        self._records = records
        self._server = server
        self._owner = owner
        self._seconds = seconds
        self._clock = clock
        self._ends = self._ends_wall = 0.0
        self._record: Record | None = None
        self._version = ""
        self._ahead = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._beat: asyncio.TimerHandle | None = None
        self._beating: asyncio.Task[None] | None = None

    @property
    def lasts(self) -> float | None:
        """Seconds that are left of the lease, by the clock that says less."""
        return max(0.0, min(self._ends - SYSTEM_CLOCK.monotonic(), self._ends_wall - SYSTEM_CLOCK.time()))

    async def enter(self) -> bool:
        """Try to take the lease, and read; tell whether it was taken."""
        self._loop = asyncio.get_running_loop()
        asked = SYSTEM_CLOCK.monotonic(), SYSTEM_CLOCK.time()
        asked_at = self._clock.time()
        record = await self._server.enter(self._owner, self._seconds)
        if record is None:
            return False
        self._last_from(asked)
        self._note(record, asked_at)
        self._record = record
        self._beat_later()
        return True

    async def leave(self) -> None:
        """Give the lease back; what hangs is not waited for, and what is left of an event loop waits for nothing."""
        if self._beat is not None:
            self._beat.cancel()
        if is_swept_away(self._loop):
            return
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.wait((self._beating,))
        with suppress(StoreError, TimeoutError):
            async with asyncio.timeout(_TIDYING):
                await self._server.leave(self._owner)

    async def load(self) -> Credential | None:
        """Return what is kept; a holder sets aside what is damaged (law F3). Raises `StoreError`."""
        record, self._record = self._record, None
        if record is None:
            asked_at = self._clock.time()
            record = await self._server.read()
            self._note(record, asked_at)
        if record.content is None:
            return None
        try:
            return await self._records.read(record.content, self._ahead)
        except Damaged as damage:
            _logger.warning("%r is damaged (%s) and treated as empty", self._records, damage)
            if self._owner:
                await self._server.set_aside(record.content)
            return None

    async def save(self, credential: Credential) -> None:
        """Keep the credential. Raises `Superseded` if another holder has written, and `StoreError`."""
        await self._write(await self._records.written(credential, self._ahead), lasts=self._kept_for(credential))

    async def delete(self) -> None:
        """Keep nothing but a tombstone; none if what is kept cannot be read. Raises `Superseded` and `StoreError`."""
        tombstone = content = None
        with suppress(StoreError):  # to delete needs no key
            kept = await self.load()
            tombstone = (
                kept.tombstone(self._clock.time(), may_lose=self._records.may_lose) if kept is not None else None
            )
            content = await self._records.written(tombstone, self._ahead) if tombstone is not None else None
        await self._write(content, lasts=self._kept_for(tombstone))

    async def probe(self) -> None:
        """Save what is there once more; nothing, if nothing is there. Raises `StoreError`."""
        kept = await self.load()
        if kept is not None:
            await self.save(kept)
            return
        nothing = await self._records.encoded(NOTHING)
        if self._version:  # what was set aside would go with the record
            await self._write(nothing, lasts=None)
            return
        await self._write(nothing, lasts=_TIDYING)
        await self._write(None, lasts=None)

    async def _write(self, content: bytes | None, *, lasts: float | None) -> None:
        self._record = None
        if content is not None and len(content) > MAX_SIZE:
            message = f"{self._records!r} is not written: the credential is larger than {MAX_SIZE} bytes"
            raise StoreError(message)
        version = os.urandom(8).hex()
        if not await self._server.write(content, over=self._version, version=version, lasts=lasts):
            message = f"another host has written {self._records!r} since it was read here; read it again"
            raise Superseded(message)
        self._version = version if content is not None else ""

    def _kept_for(self, credential: Credential | None) -> float | None:
        until = credential.removed_until if credential is not None else None
        return None if until is None else max(until - self._clock.time(), 1.0)

    def _note(self, record: Record, asked_at: float) -> None:
        self._version = record.version
        self._ahead = ahead(record.now, asked_at=asked_at, now=self._clock.time())

    def _last_from(self, asked: tuple[float, float]) -> None:
        self._ends, self._ends_wall = asked[0] + self._seconds, asked[1] + self._seconds

    def _beat_later(self) -> None:
        self._beat = asyncio.get_running_loop().call_later(self._seconds / 3, self._beat_now)

    def _beat_now(self) -> None:
        self._beating = asyncio.Task(self._prolong(), name="aio_token: lease")

    async def _prolong(self) -> None:
        """Keep the lease; while the server cannot be reached, what was granted last counts."""
        asked = SYSTEM_CLOCK.monotonic(), SYSTEM_CLOCK.time()
        with suppress(StoreError):
            if not await self._server.prolong(self._owner, self._seconds):
                self._ends = 0.0
                return
            self._last_from(asked)
        self._beat_later()
