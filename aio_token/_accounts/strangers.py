"""Names that no one has signed in under: a visitor may ask for any, and must leave nothing behind (law I3).

Theory of operation. A renewal takes the store's lock, and a lock is a file that is never deleted. For an account that
nothing is kept of, and whose grant can do nothing without that, there is nothing to exclude: its store is looked at
once a second at most, and is held only when something is to be written. Whoever writes first is right; who comes second
finds that out before the save, and takes over what is there.
"""

from __future__ import annotations

import threading
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from aio_token._errors import Superseded
from aio_token._ground.backoff import LOOKS_APART
from aio_token._interfaces import Spending, Standalone
from aio_token._lens.store import Lens, SlotLens
from aio_token.stores.many.record import is_there
from aio_token.stores.memory import MemoryTokenStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from aio_token._credential import Credential
    from aio_token._interfaces import Grant, Slot, TokenStore

_MOST = 1_024
"""Names that are remembered for a second; with more of them in a second, some are looked for twice."""


class Strangers:
    """The names that were looked for in vain within the last second."""

    __slots__ = ("_lock", "_monotonic", "_until")

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._until: dict[str, float] = {}  # from the oldest on
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._until)

    def knows(self, name: str) -> bool:
        """Whether the store need not be asked; those whose second is over are forgotten."""
        if not self._until:
            return False
        with self._lock:
            self._forget_old(self._monotonic())
            return name in self._until

    def add(self, name: str) -> None:
        """Note that nothing is kept under this name."""
        with self._lock:
            now = self._monotonic()
            self._until.pop(name, None)
            self._forget_old(now, leave=_MOST - 1)
            self._until[name] = now + LOOKS_APART

    def discard(self, name: str) -> None:
        """Note that something is to be kept under this name."""
        with self._lock:
            self._until.pop(name, None)

    def _forget_old(self, now: float, leave: int = _MOST) -> None:
        while self._until:
            oldest = next(iter(self._until))
            if self._until[oldest] > now and len(self._until) <= leave:
                break
            del self._until[oldest]


def begins_with_a_sign_in(grant: Grant) -> bool:
    """Whether the grant is known to obtain nothing for an account that nothing is kept of."""
    if isinstance(grant, Standalone) and grant.needs_nothing_stored:
        return False
    return isinstance(grant, Spending) and not grant.spends(None)


class StrangersStore(Lens):
    """The store of an account that begins with a sign-in."""

    __slots__ = ("_name", "_strangers")

    def __init__(self, store: TokenStore, name: str, strangers: Strangers) -> None:
        super().__init__(store)
        self._name = name
        self._strangers = strangers

    async def load(self) -> Credential | None:
        """Return what is kept."""
        if self._strangers.knows(self._name):
            return None
        found = await self._store.load()
        if found is None:
            self._strangers.add(self._name)
        return found

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[Slot]:
        """Exclude every other holder, from the first write on where nothing is kept yet."""
        if await self.load() is not None:
            async with self._store.exclusive() as slot:
                yield slot
            return
        async with AsyncExitStack() as stack:
            slot = _EmptySlot(self._store, stack)
            try:
                yield slot
            finally:
                if slot.has_written:
                    self._strangers.discard(self._name)


class _EmptySlot(SlotLens):
    """A store in which nothing was, held once something is written."""

    __slots__ = ("_stack", "_store", "has_written")

    def __init__(self, store: TokenStore, stack: AsyncExitStack) -> None:
        super().__init__(MemoryTokenStore())  # nothing is in it
        self._store = store
        self._stack = stack
        self.has_written = False

    async def save(self, credential: Credential) -> None:
        """Keep the credential. Raises `Superseded` if another process was first, and `StoreError`."""
        if not self.has_written:
            self._slot = await self._stack.enter_async_context(self._store.exclusive())
            self.has_written = True
            if is_there(await self.load()):
                message = "another process has signed this account in meanwhile"
                raise Superseded(message)
        await super().save(credential)
