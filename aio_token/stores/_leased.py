"""A store on a server that hosts share: a lease is economy, a save that compares is safety.

Theory of operation. A lease lets one host renew at a time. It lapses when its holder is killed, and also when its
holder only stood still, so it proves nothing: what does is the save, which goes through only if the record is still the
one that this holder has read (law J1). Who comes too late is told `Superseded` and adopts what is there.

Who takes over a lease that lapsed may find that its holder was about to spend the refresh token. The answer may be on
its way to that holder, so the store waits as long as a healthy one may take, and reads again (law J3).

Times are kept by the server's clock (law J5).
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from aio_token._clock import SYSTEM_CLOCK
from aio_token._disk.damage import Damaged
from aio_token._disk.worker import Worker
from aio_token._errors import StoreError, TokenError, raise_alone, without_frames
from aio_token._single_flight import finish
from aio_token.stores._lease import Lease
from aio_token.stores._leased_slot import LeasedSlot
from aio_token.stores._shared import Shared
from aio_token.stores._store_time import StoreTime
from aio_token.stores._turns import Turns
from aio_token.stores.codec import PlainCodec, credential_of, to_json

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from aio_token._clock import Clock
    from aio_token._credential import Credential
    from aio_token._interfaces import Slot
    from aio_token.stores._shelf import Kept, Shelf
    from aio_token.stores.codec import Codec

_T = TypeVar("_T")

LEASE = 15.0
"""Seconds after which the hold of a host that was killed lapses."""

PATIENCE = 22.0
"""Seconds that a healthy holder takes at most from its mark to its save: `Limits.obtain` and `Limits.save`."""

_SOONEST, _LATEST = 0.02, 0.25  # seconds between two looks at a lease that another host holds
_TIDYING = 2.0  # seconds for giving a lease back though the caller is gone

_logger = logging.getLogger("aio_token")


class LeasedStore(Shared):
    """Keeps a credential on a shelf of a server; `identity` names it to the codec, and to people."""

    def __init__(
        self,
        identity: str,
        *,
        codec: Codec | None,
        lease: float,
        patience: float,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._identity = identity
        self._codec: Codec = PlainCodec() if codec is None else codec
        self._lease = lease
        self._patience = patience
        self._clock = clock
        self._time = StoreTime(clock)
        self._turns = Turns()

    def shelf(self) -> Shelf:
        """Return the shelf for the event loop that runs: a client belongs to one."""
        raise NotImplementedError

    async def load(self) -> Credential | None:
        """Return what is kept; a damaged record is left to the next holder. Raises `StoreError`."""
        try:
            return await self.read(await self.asked(self.shelf().read()))
        except Damaged:
            return None

    def exclusive(self) -> AbstractAsyncContextManager[Slot]:
        """Exclude every other holder on any host. Raises `StoreError` if the server cannot be asked."""
        return self._hold()

    async def probe(self) -> None:
        """Find out whether a credential could be kept now, by keeping once more what is there. Raises `StoreError`."""
        async with self._hold() as slot:
            await slot.probe()

    @asynccontextmanager
    async def _hold(self) -> AsyncIterator[LeasedSlot]:
        async with self._turns.turn():
            shelf = self.shelf()
            lease = Lease(shelf, secrets.token_hex(16), self._lease, self._clock)
            try:
                kept = await self._acquired(shelf, lease)
                async with lease.kept_alive():
                    yield LeasedSlot(self, shelf, lease, await self._settled(shelf, kept))
            finally:
                # The wait may have been given up with the lease on its way to us.
                await finish(self._given_back(shelf, lease), grace=_TIDYING)

    async def _acquired(self, shelf: Shelf, lease: Lease) -> Kept:
        wait = _SOONEST
        while True:
            monotonic, wall = self._clock.monotonic(), self._clock.time()
            kept = await self.asked(shelf.acquire(lease.owner, self._lease))
            if kept is not None:
                self._time.learn(kept.now, asked_at=wall, answered_at=self._clock.time())
                lease.begun(monotonic, wall)
                return kept
            await asyncio.sleep(random.uniform(wait / 2, wait))  # noqa: S311  hosts that ask at different moments
            wait = min(wait * 1.5, _LATEST)

    async def _settled(self, shelf: Shelf, kept: Kept) -> Kept:
        """Let a holder whose lease lapsed in the middle of a renewal save its successor, as long as that may take."""
        found = kept
        while kept.taken_over and found.version == kept.version:
            left = self._patience - await self._spending_for(found)
            if left <= 0:
                break
            await asyncio.sleep(min(left, _LATEST))
            found = await self.asked(shelf.read())
        return found

    async def _spending_for(self, kept: Kept) -> float:
        """Return for how many seconds a refresh token has been about to be spent, infinity if none is."""
        try:
            credential = await self.read(kept)
        except (Damaged, StoreError):  # whoever loads is told
            credential = None
        if credential is None or credential.spending_since is None:
            return math.inf
        return self._clock.time() - credential.spending_since

    async def _given_back(self, shelf: Shelf, lease: Lease) -> None:
        try:
            async with asyncio.timeout(_TIDYING):
                await shelf.release(lease.owner)
        except Exception as error:  # noqa: BLE001  it lapses by itself
            _logger.debug("a lease was not given back (%s)", type(error).__name__)

    async def asked(self, step: Awaitable[_T]) -> _T:
        """Await a step of the server's. Raises `StoreError`: a client's own error may show an address with a password."""
        try:
            return await step
        except TokenError:
            raise
        except Exception as error:  # noqa: BLE001  whatever the client raises
            name = type(error).__name__
        raise_alone(StoreError(f"{self!r} cannot be used ({name}); see whether its server is there and takes this client"))

    async def read(self, kept: Kept) -> Credential | None:
        """Return the credential by this host's clock. Raises `Damaged` and `StoreError`."""
        if kept.record is None:
            return None
        credential = credential_of(await self._coded(self._codec.decode, memoryview(kept.record)))
        return credential and self._time.from_store(credential)

    async def written(self, credential: Credential) -> bytes:
        return bytes(await self._coded(self._codec.encode, to_json(self._time.to_store(credential))))

    async def _coded(
        self, code: Callable[[memoryview, str], bytes | memoryview], content: memoryview
    ) -> bytes | memoryview:
        """Have the codec work in a thread, since a key may be read from a disk, or derived for long."""
        try:
            if isinstance(self._codec, PlainCodec):
                return code(content, self._identity)
            async with Worker() as worker:
                return await worker.call(code, content, self._identity)
        except StoreError as error:
            message = f"{self!r}: {error}"
            raise type(error)(message) from without_frames(error).__cause__
