"""A store for grants that need nothing stored: while it is down, they go on without it (law F10)."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from aio_token._errors import LockTimeout, StoreError
from aio_token._hold import may_lose_writes, time_left
from aio_token._interfaces import Standalone
from aio_token._limits import failure_of, within

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_token._credential import Credential
    from aio_token._interfaces import Grant, Slot, TokenStore
    from aio_token._limits import Limits

_EARLIER = 0.8
"""Of a limit: this store has to give up before the repository does."""


def forgiving(store: TokenStore, grant: Grant, limits: Limits) -> TokenStore:
    """Return the store as the grant needs it."""
    if isinstance(grant, Standalone) and grant.needs_nothing_stored:
        return Forgiving(store, limits)
    return store


class Forgiving:
    """What cannot be read is not there, and what cannot be held is not written; saving says why."""

    __slots__ = ("_limits", "_store")

    def __init__(self, store: TokenStore, limits: Limits) -> None:
        self._store = store
        self._limits = limits

    def __repr__(self) -> str:
        return repr(self._store)

    @property
    def may_lose(self) -> bool:
        """What the store says."""
        return may_lose_writes(self._store)

    async def load(self) -> Credential | None:
        """Return what is kept, None while that cannot be read."""
        return await _readable(self._store, self._limits)

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[ForgivingSlot]:
        """Exclude every other holder, as far as the store can be reached."""
        async with AsyncExitStack() as stack:
            seconds = self._limits.lock * _EARLIER
            try:
                async with within(seconds, LockTimeout(f"{self._store!r} has been locked for {seconds:g} s")):
                    slot = await stack.enter_async_context(self._store.exclusive())
            except Exception as error:  # noqa: BLE001  whatever a stranger's store raises
                yield ForgivingSlot(self._limits, None, failure_of(self._store, error))
            else:
                yield ForgivingSlot(self._limits, slot, None)


class ForgivingSlot:
    """A store that is held, or that could not be."""

    __slots__ = ("_failure", "_limits", "_slot")

    def __init__(self, limits: Limits, slot: Slot | None, failure: StoreError | None) -> None:
        self._limits = limits
        self._slot = slot
        self._failure = failure

    @property
    def lasts(self) -> float | None:
        """What the store says."""
        return time_left(self._slot) if self._slot is not None else None

    async def load(self) -> Credential | None:
        """Return what is kept, None while that cannot be read."""
        return await _readable(self._slot, self._limits) if self._slot is not None else None

    async def save(self, credential: Credential) -> None:
        """Keep the credential. Raises `StoreError`."""
        await self._held().save(credential)

    async def delete(self) -> None:
        """Keep nothing. Raises `StoreError`."""
        await self._held().delete()

    def _held(self) -> Slot:
        if self._slot is not None:
            return self._slot
        assert self._failure is not None  # noqa: S101  one of the two is there
        raise self._failure.again()


async def _readable(place: TokenStore | Slot, limits: Limits) -> Credential | None:
    try:
        async with within(limits.load * _EARLIER, StoreError("it takes too long")):
            return await place.load()
    except Exception:  # noqa: BLE001  whatever a stranger's store raises: nothing stored is needed
        return None
