"""The repository's side of its store: bounded waits, what was read compared with what is known, saves that may fail."""

from __future__ import annotations

import asyncio
import math
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aio_token._backoff import pause
from aio_token._errors import LockTimeout, StoreError
from aio_token._interfaces import Probing
from aio_token._public import public
from aio_token.events import Adopted, Loaded, Saved, Unsaved

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from aio_token._clock import Clock
    from aio_token._credential import Credential
    from aio_token._holding import Holding
    from aio_token._interfaces import Slot, TokenStore
    from aio_token.events import Event


@public
@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long the steps of a renewal may take, in seconds.

    `lock`: waiting for other processes. `obtain`: the grant. `save`: the store; past it the token is used unsaved and
    saved again later. `shutdown`: what is left to a renewal when its event loop shuts down. `sign_in`: a person's
    sign-in.
    """

    lock: float = 10.0
    obtain: float = 30.0
    save: float = 2.0
    shutdown: float = 5.0
    sign_in: float = 300.0


class Keeper:
    """Keeps a `Holding` and a store in step."""

    __slots__ = ("_clock", "_failed_saves", "_holding", "_limits", "_store", "_tell")

    def __init__(
        self, store: TokenStore, holding: Holding, limits: Limits, clock: Clock, tell: Callable[[Event], None]
    ) -> None:
        self._clock = clock
        self._store = store
        self._holding = holding
        self._limits = limits
        self._tell = tell
        self._failed_saves = 0

    async def look(self) -> None:
        """Read the store without its lock: a token that is good needs none (law F5)."""
        self._learn(await self._store.load())

    async def look_again(self, slot: Slot) -> bool:
        """Read the store under its lock; tell whether somebody else had written it."""
        return self._learn(await slot.load())

    async def probe(self) -> None:
        """Find out whether the store would keep a credential, as far as it can tell. Raises `StoreError`."""
        await self._store.load()  # what cannot be read, its key being lost for one thing, is not replaced either
        if isinstance(self._store, Probing):
            async with self._patient():
                await self._store.probe()

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[Slot]:
        """Hold the store. Raises `LockTimeout` after `limits.lock` seconds."""
        async with AsyncExitStack() as stack:
            async with self._patient():
                slot = await stack.enter_async_context(self._store.exclusive())
            yield slot

    async def save(self, slot: Slot) -> None:
        """Write the newest credential; a failure is told and remembered, and raises nothing (law C4)."""
        holding = self._holding
        if holding.credential is None:
            return
        try:
            async with asyncio.timeout(self._limits.save):
                await slot.save(holding.credential)
        except Exception as error:  # noqa: BLE001  whatever a store raises, the token that was paid for is served
            self._failed_saves += 1
            self._tell(Unsaved(at=self._clock.time(), message=self._why(error)))
        else:
            holding.saved()
            if self._failed_saves:
                self._failed_saves = 0
                self._tell(Saved(at=self._clock.time()))
        self.schedule_next_save()

    def schedule_next_save(self) -> None:
        """Have the hot path left once in a while for as long as something is unsaved: requests are the timer."""
        if self._holding.held is not None:
            self._holding.held.look_again_in(pause(self._failed_saves) if self._holding.unsaved else math.inf)

    async def save_at_last(self) -> None:
        """Take the lock and write what is unsaved; a failure is told and raises nothing."""
        try:
            async with self.exclusive() as slot:
                await self.look_again(slot)
                if self._holding.unsaved:
                    await self.save(slot)
        except Exception as error:  # noqa: BLE001  closing does not fail because of a store
            self._tell(Unsaved(at=self._clock.time(), message=self._why(error)))

    def _learn(self, stored: Credential | None) -> bool:
        first = not self._holding.known
        changed = self._holding.reconcile(stored)
        if changed and (stored is not None or not first):
            token = stored.token if stored is not None else None
            event = Loaded if first else Adopted
            name, expires_at = (token.fingerprint, token.expires_at) if token is not None else (None, None)
            self._tell(event(at=self._clock.time(), fingerprint=name, expires_at=expires_at))
        return changed

    @asynccontextmanager
    async def _patient(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._limits.lock):
                yield
        except TimeoutError:
            message = f"{self._store!r} has been locked by another process for {self._limits.lock:g} s; try later"
            raise LockTimeout(message) from None

    def _why(self, error: Exception) -> str:
        if isinstance(error, StoreError):
            return str(error)
        if isinstance(error, TimeoutError):
            return f"{self._store!r} did not take the credential within {self._limits.save:g} s"
        return f"{self._store!r} failed ({type(error).__name__})"
