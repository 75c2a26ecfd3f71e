"""How long the steps of a renewal may take: what is asked of a store and of a grant, each within its limit."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aio_token._errors import LockTimeout, ServerUnavailable, StoreError, raise_alone
from aio_token._interfaces import Probing
from aio_token._public import public
from aio_token._value import Value

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from aio_token._credential import Credential
    from aio_token._errors import TokenError
    from aio_token._interfaces import Grant, Slot, TokenStore
    from aio_token._wish import Wish

_LATE = 0.1
"""Seconds by which a limit that passes late shows that the event loop stood still meanwhile."""

_SECOND_CHANCE = 2.0
"""Seconds for an answer that lies in the socket, or in a thread, to be looked at when the loop runs again."""


@public
class Limits(Value):
    """How long the steps of a renewal may take, in seconds.

    `lock`: waiting for other processes; longer than `obtain` and `save` together, which a healthy holder may need.
    `load`: reading the store. `obtain`: the grant. `save`: writing the store; past it the token is used unsaved and
    saved again later. `shutdown`: what is left to a renewal when its event loop shuts down. `sign_in`: a person's
    sign-in. An event loop that stands still while a limit passes gets two seconds more, once.
    """

    lock: float = 25.0
    load: float = 5.0
    obtain: float = 20.0
    save: float = 2.0
    shutdown: float = 5.0
    sign_in: float = 300.0


@asynccontextmanager
async def within(seconds: float, error: TokenError) -> AsyncIterator[None]:
    """Bound what is done inside; past the limit `error` is raised.

    A limit that passes while the loop stands still, as one does that runs during the calls of a synchronous program
    only, says nothing about the work: its result may be there and only has to be looked at (law C13).
    """
    loop = asyncio.get_running_loop()
    due = loop.time() + seconds
    deadline = asyncio.timeout(None)

    def passes() -> None:
        now = loop.time()
        stood_still = now - due > _LATE
        deadline.reschedule(now + _SECOND_CHANCE if stood_still else now)

    timer = loop.call_at(due, passes)
    try:
        async with deadline:
            yield
    except TimeoutError:
        raise_alone(error)
    finally:
        timer.cancel()


def waiting_for_the_lock(store: TokenStore, limits: Limits) -> AbstractAsyncContextManager[None]:
    """Bound the wait for other processes."""
    message = f"{store!r} has been locked by another process for {limits.lock:g} s; try later"
    return within(limits.lock, LockTimeout(message))


async def read(place: TokenStore | Slot, store: TokenStore, limits: Limits) -> Credential | None:
    """Return what the store holds; a file system that hangs must hang no caller (law F10)."""
    error = StoreError(f"{store!r} could not be read within {limits.load:g} s; see to its storage")
    async with within(limits.load, error):
        return await place.load()


async def probe(store: TokenStore, limits: Limits) -> None:
    """Find out whether the store would keep a credential, as far as it can tell. Raises `StoreError`."""
    await read(store, store, limits)  # what cannot be read, because its key is lost or so, is not replaced either
    if isinstance(store, Probing):
        async with waiting_for_the_lock(store, limits):
            await store.probe()


def saving(store: TokenStore, limits: Limits) -> AbstractAsyncContextManager[None]:
    """Bound what a store takes to write."""
    return within(limits.save, StoreError(f"{store!r} did not take the credential within {limits.save:g} s"))


def failure_of(store: TokenStore, error: Exception) -> StoreError:
    """Return an error of a store as one that can be shown; a foreign message may hold anything."""
    return error if isinstance(error, StoreError) else StoreError(f"{store!r} failed ({type(error).__name__})")


async def obtain(grant: Grant, credential: Credential | None, wish: Wish, limits: Limits) -> Credential:
    """Ask the grant."""
    message = f"the grant did not finish within {limits.obtain:g} s; whether it was carried out is unknown"
    async with within(limits.obtain, ServerUnavailable(message, outcome_unknown=True)):
        return await grant.obtain(credential, wish)
