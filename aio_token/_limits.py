"""How long the steps of a renewal may take: what is asked of a store and of a grant, each within its limit."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING

from aio_token._arguments import demand_seconds
from aio_token._credential import Credential
from aio_token._errors import LockTimeout, ServerUnavailable, StoreError, raise_alone
from aio_token._ground.public import public
from aio_token._ground.value import Value
from aio_token._hold import may_lose_writes
from aio_token._interfaces import Probing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from aio_token._errors import TokenError
    from aio_token._interfaces import Grant, Slot, TokenStore
    from aio_token._wish import Wish

_LATE = 0.1
"""Seconds by which a limit that passes late shows that the event loop stood still meanwhile."""

_SECOND_CHANCE = 2.0
"""Seconds for an answer that lies in the socket, or in a thread, to be looked at when the loop runs again."""

_QUEUEING = 10.0
"""Seconds that a wait for a free thread may add to a limit."""


@public
class Limits(Value):
    """How long the steps of a renewal may take, in seconds.

    `lock`: waiting for other processes; longer than `obtain` and `save` together, which a healthy holder may need.
    `load`: reading the store. `obtain`: the grant. `save`: writing the store; past it the token is used unsaved and
    saved again later. `shutdown`: what is left to a renewal when its event loop shuts down. `sign_in`: a person's
    sign-in. An event loop that stands still while a limit passes gets two seconds more, once. Raises
    `ConfigurationError` for what is no number of seconds.
    """

    lock: float = 25.0
    load: float = 5.0
    obtain: float = 20.0
    save: float = 2.0
    shutdown: float = 5.0
    sign_in: float = 300.0

    def __post_init__(self) -> None:
        for name in ("lock", "load", "obtain", "save", "shutdown", "sign_in"):
            demand_seconds(getattr(self, name), name)


@asynccontextmanager
async def within(seconds: float, error: TokenError) -> AsyncIterator[Limit]:
    """Bound what is done inside; past the limit `error` is raised.

    What is done there is another party's, and may raise CancelledError though this task was not cancelled, as after a
    task of its own was. That is an error of its own then, and no end of the work around it (law C4).

    A limit that passes while the loop stands still, as one does that runs during the calls of a synchronous program
    only, says nothing about the work: its result may be there and only has to be looked at (law C13).
    """
    limit, before = Limit(seconds), _cancellations()
    outer = _RUNNING.set(limit)
    try:
        async with limit.deadline:
            yield limit
    except TimeoutError:
        raise_alone(error)
    except asyncio.CancelledError:
        if _cancellations() > before:
            raise
        raise_alone(RuntimeError("what was waited for has cancelled itself"))
    finally:
        limit.stop()
        with suppress(ValueError):  # this is what is left of a loop that was closed, cleared away in another context
            _RUNNING.reset(outer)


def _cancellations() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task is not None else 0


def uncounted() -> Callable[[], None] | None:
    """Stop the limits that run here, for at most 10 seconds; return what lets them run on, None if there is none.

    For a store whose work waits in a queue of this process: limits count the work, not the queue before it (law C4).
    """
    limit = _RUNNING.get()
    counts = [count for one in limit.and_those_around() if (count := one.suspended())] if limit is not None else []

    def count_all() -> None:
        for count in counts:
            count()

    return count_all if counts else None


class Limit:
    """A deadline that gives a second chance if the loop stood still."""

    def __init__(self, seconds: float) -> None:
        self.deadline = asyncio.timeout(None)
        self.outer = _RUNNING.get()
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time() + seconds
        self._timer = self._loop.call_at(self._due, self._passes)

    def stop(self) -> None:
        """Count no more."""
        self._timer.cancel()

    def lift(self) -> None:
        """Let what is done inside take as long as it may, from now on."""
        self.stop()
        self.deadline.reschedule(None)

    def and_those_around(self) -> list[Limit]:
        """Return this limit, and those within which it runs."""
        return [self, *(self.outer.and_those_around() if self.outer is not None else [])]

    def suspended(self) -> Callable[[], None] | None:
        """Put the limit off; return what ends that, to be called in the loop's thread."""
        if self._timer.cancelled() or self._loop is not asyncio.get_running_loop():
            return None
        since, due = self._loop.time(), self._due
        self._move(due + _QUEUEING)
        timer = self._timer

        def count() -> None:
            if self._timer is timer and not timer.cancelled():
                self._move(due + min(self._loop.time() - since, _QUEUEING))

        return count

    def _move(self, due: float) -> None:
        self._timer.cancel()
        self._due, self._timer = due, self._loop.call_at(due, self._passes)

    def _passes(self) -> None:
        now = self._loop.time()
        stood_still = now - self._due > _LATE
        self.deadline.reschedule(now + _SECOND_CHANCE if stood_still else now)


_RUNNING: ContextVar[Limit | None] = ContextVar("aio_token: the limit that runs", default=None)


def waiting_for_the_lock(
    store: TokenStore, limits: Limits, *, already: float = 0.0
) -> AbstractAsyncContextManager[Limit]:
    """Bound the wait for other processes, some seconds of which have passed `already`."""
    message = f"{store!r} has been locked by another process for {limits.lock:g} s; try later"
    return within(max(limits.lock - already, 0.0), LockTimeout(message))


async def read(place: TokenStore | Slot, store: TokenStore, limits: Limits) -> Credential | None:
    """Return what the store holds; a file system that hangs must hang no caller (law F10)."""
    error = StoreError(f"{store!r} could not be read within {limits.load:g} s; see to its storage")
    async with within(limits.load, error):
        found: object = await place.load()
    if found is None or isinstance(found, Credential):
        return found
    message = f"{store!r} gave a {type(found).__name__} instead of a Credential; see to its load()"
    raise StoreError(message)


async def probe(store: TokenStore, limits: Limits) -> None:
    """Find out whether the store would keep a credential, as far as it can tell. Raises `StoreError`."""
    await read(store, store, limits)  # what cannot be read, because its key is lost or so, is not replaced either
    if isinstance(store, Probing):
        async with waiting_for_the_lock(store, limits):
            await store.probe()


async def save(
    writing: Awaitable[None], store: TokenStore, limits: Limits, *, doing: str = "take"
) -> StoreError | None:
    """Have the store write; return what kept it from `doing` that, whatever a store raises (law C4)."""
    message = f"{store!r} did not {doing} the credential within {limits.save:g} s; see to its storage"
    try:
        async with within(limits.save, StoreError(message)):
            await writing
    except Exception as error:  # noqa: BLE001  it is another party's
        return failure_of(store, error)
    return None


async def remove(
    ours: Credential | None, slot: Slot, store: TokenStore, limits: Limits, now: float
) -> Credential | None:
    """Delete what the store holds, and return what is left: a tombstone, also where the store had not kept ours.

    Raises `StoreError`; what cannot be read or written then is learnt when the store is held next.
    """
    own = ours.tombstone(now, may_lose=may_lose_writes(store)) if ours is not None else None
    if (failure := await save(slot.delete(), store, limits, doing="remove")) is not None:
        raise failure
    with suppress(Exception):
        left = await read(slot, store, limits)
        if own is None or (left is not None and left.generation >= own.generation):
            return left
        return own if await save(slot.save(own), store, limits) is None else left
    return None


def failure_of(store: TokenStore, error: Exception) -> StoreError:
    """Return an error of a store as one that can be shown; a foreign message may hold anything."""
    return error if isinstance(error, StoreError) else StoreError(f"{store!r} failed ({type(error).__name__})")


async def obtain(grant: Grant, credential: Credential | None, wish: Wish, limits: Limits) -> Credential:
    """Ask the grant."""
    message = f"the grant did not finish within {limits.obtain:g} s; whether it was carried out is unknown"
    async with within(limits.obtain, ServerUnavailable(message, outcome_unknown=True)):
        return await grant.obtain(credential, wish)
