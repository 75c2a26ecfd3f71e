"""Turns: one holder at a time within a process, whichever thread and event loop it is in.

An `asyncio.Lock` belongs to one loop, and a `threading.Lock` blocks the loop that waits for it. Here the lock of the
threads is only ever tried, and those who did not get it wait for a future of their own loop.

1. Within a loop, those who wait enter in the order of asking: only the first of them tries.
2. Between loops the lock is raced for. It is never handed over: its new owner's loop may stand still or be closed, and
   the others would wait for ever. Whoever leaves wakes the first of each loop.
3. No wake-up is lost: a waiter has its future before it tries, and the lock is free before anyone is woken.
4. A loop that was closed with a holder on it never comes to release the lock; garbage collection does, some day. Who
   waits takes the turn over, and what the holder held besides is let go.
"""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

_LOOKS_APART = 1.0
"""Seconds after which a waiter looks whether the holder's loop is still there."""


def nothing() -> None:
    """Let nothing go: there is nothing held besides the turn."""


class Turns:
    """Lets one in at a time; nothing in it belongs to a loop before a loop waits."""

    __slots__ = ("_holder", "_lock", "_waiters")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holder: _Holder | None = None
        self._waiters: list[_Waiter] = []

    @asynccontextmanager
    async def turn(self, let_go: Callable[[], object] = nothing) -> AsyncIterator[None]:
        """Exclude every other holder of this process; a cancelled wait leaves nothing behind.

        Should the event loop be closed meanwhile, the next one calls `let_go`, in whichever thread it is.
        """
        lock = await self._enter()
        self._holder = _Holder(asyncio.get_running_loop(), let_go)
        _HELD.add(self)
        try:
            yield
        finally:
            if lock is self._lock:  # else it no longer counts: this is a forked child, or the turn was taken over
                _HELD.discard(self)
                self._holder = None
            lock.release()
            self._wake()

    def forget(self) -> None:
        """Be free: neither who holds this nor who waits is in this process."""
        self._lock, self._holder, self._waiters = threading.Lock(), None, []

    async def _enter(self) -> threading.Lock:
        if not self._waiters and (lock := self._tried()) is not None:
            return lock
        waiter = _Waiter(asyncio.get_running_loop())
        self._waiters.append(waiter)
        try:
            while True:
                woken = waiter.again()
                if self._is_next(waiter) and (lock := self._tried()) is not None:
                    return lock
                await asyncio.wait((woken,), timeout=_LOOKS_APART)
        finally:
            self._remove(waiter)
            if not self._lock.locked():  # it may have been woken, and gone
                self._wake()

    def _tried(self) -> threading.Lock | None:
        """Return the lock that was taken, None if another one has it."""
        if (lock := self._lock).acquire(blocking=False):
            return lock
        holder = self._holder
        if holder is None or not holder.loop.is_closed():
            return None
        with _TAKING_OVER:
            if self._holder is not holder:  # another thread was faster
                return None
            self._holder, self._lock = None, (lock := threading.Lock())
            lock.acquire()
        holder.let_go()
        return lock

    def _is_next(self, waiter: _Waiter) -> bool:
        return waiter is next((other for other in list(self._waiters) if other.loop is waiter.loop), waiter)

    def _remove(self, waiter: _Waiter) -> None:
        with suppress(ValueError):  # its loop was found closed, or this is a fork
            self._waiters.remove(waiter)

    def _wake(self) -> None:
        woken = set()
        for waiter in list(self._waiters):
            if waiter.loop in woken:
                continue
            if waiter.wake():
                woken.add(waiter.loop)
            else:
                self._remove(waiter)


class _Holder(NamedTuple):
    loop: asyncio.AbstractEventLoop
    let_go: Callable[[], object]


class _Waiter:
    __slots__ = ("_woken", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._woken: asyncio.Future[None] = loop.create_future()

    def again(self) -> asyncio.Future[None]:
        """Return what to wait for: done already if this waiter was woken since it was last asked."""
        if self._woken.done():
            self._woken = self.loop.create_future()
        return self._woken

    def wake(self) -> bool:
        """Wake the waiter, from any thread; tell whether its loop is there to do so."""
        try:
            self.loop.call_soon_threadsafe(self._set)
        except RuntimeError:  # it is closed
            return False
        return True

    def _set(self) -> None:
        if not self._woken.done():
            self._woken.set_result(None)


_HELD: set[Turns] = set()
_TAKING_OVER = threading.Lock()


def _forget_all() -> None:
    """A fork copies the locks that are held, and not their holders."""
    for turns in _HELD:
        turns.forget()
    _HELD.clear()


getattr(os, "register_at_fork", lambda **_: None)(after_in_child=_forget_all)
