"""A store for grants that need nothing stored: while it is down, they go on without it (law F10)."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from aio_token._errors import LockTimeout, StoreError
from aio_token._interfaces import Standalone
from aio_token._lens.store import Lens, SlotLens
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


class Forgiving(Lens):
    """What cannot be read is not there, and what cannot be held is not written; saving says why."""

    __slots__ = ("_limits",)

    def __init__(self, store: TokenStore, limits: Limits) -> None:
        super().__init__(store)
        self._limits = limits

    async def load(self) -> Credential | None:
        """Return what is kept, None while that cannot be read."""
        return await _readable(self._store, self._limits)

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[Slot]:
        """Exclude every other holder, as far as the store can be reached."""
        async with AsyncExitStack() as stack:
            seconds = self._limits.lock * _EARLIER
            try:
                async with within(seconds, LockTimeout(f"{self._store!r} has been locked for {seconds:g} s")):
                    slot = await stack.enter_async_context(self._store.exclusive())
            except Exception as error:  # noqa: BLE001  whatever a stranger's store raises
                yield _Unheld(failure_of(self._store, error))
            else:
                yield _ForgivingSlot(slot, self._limits)


class _ForgivingSlot(SlotLens):
    """A store that is held."""

    __slots__ = ("_limits",)

    def __init__(self, slot: Slot, limits: Limits) -> None:
        super().__init__(slot)
        self._limits = limits

    async def load(self) -> Credential | None:
        """Return what is kept, None while that cannot be read."""
        return await _readable(self._slot, self._limits)


class _Unheld:
    """A store that could not be held."""

    lasts = None

    def __init__(self, failure: StoreError) -> None:
        self._failure = failure

    async def load(self) -> None:
        """Return nothing."""

    async def save(self, credential: Credential) -> None:
        """Say why that cannot be."""
        del credential
        raise self._failure.again()

    async def delete(self) -> None:
        """Say why that cannot be."""
        raise self._failure.again()


async def _readable(place: TokenStore | Slot, limits: Limits) -> Credential | None:
    try:
        async with within(limits.load * _EARLIER, StoreError("it takes too long")):
            return await place.load()
    except Exception:  # noqa: BLE001  whatever a stranger's store raises: nothing stored is needed
        return None
