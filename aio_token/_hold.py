"""Nothing is sent once the hold on the store may have lapsed (law J2).

Who obtains a token holds the store meanwhile, and where holds are leases, another host may hold it by the time that a
request is about to be written: this process was stopped, or the network is slow. A context variable carries the hold
from the keeper to the sending, so that a grant need not pass it on.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from aio_token._errors import LockTimeout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aio_token._interfaces import Slot, TokenStore

_HELD: ContextVar[Slot | None] = ContextVar("aio_token: what is held", default=None)


@contextmanager
def holding(slot: Slot) -> Iterator[None]:
    """Send only while the slot lasts."""
    before = _HELD.set(slot)
    try:
        yield
    finally:
        _HELD.reset(before)


def demand_hold() -> None:
    """Raise `LockTimeout` if what is held may have lapsed; to be called right before a request is written."""
    slot = _HELD.get()
    left = time_left(slot) if slot is not None else None
    if left is not None and left <= 0:
        raise lapsed()


def lapsed() -> LockTimeout:
    """Say that nothing was sent."""
    message = (
        "the hold on the store had lapsed before the request was written, as it does while a process stands still; "
        "nothing was sent; try again"
    )
    return LockTimeout(message)


def is_swept_away(loop: asyncio.AbstractEventLoop | None = None) -> bool:
    """Whether the code that runs is cleared away with what it waited for, as when its event loop was closed.

    Nothing can be awaited then: what is to be given back is given back at once, or ends by itself. A generator that is
    closed early on its own `loop` is left in the same way, and can await.
    """
    is_left = isinstance(sys.exception(), GeneratorExit)
    return is_left and (loop is None or asyncio._get_running_loop() is not loop)  # noqa: SLF001  documented; or None


def may_lose_writes(store: TokenStore) -> bool:
    """Whether a store may lose what it has confirmed; one that does not say loses nothing."""
    return bool(getattr(store, "may_lose", False))


def time_left(slot: Slot) -> float | None:
    """Return for how many seconds a hold lasts, None for as long as it is held; so does one that does not say."""
    left: float | None = getattr(slot, "lasts", None)
    return left
