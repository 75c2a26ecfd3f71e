"""Runs what is asynchronous, so that a signal to stop does not lose what a server has given (law C4)."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Coroutine

_T = TypeVar("_T")
_SIGNALS = (signal.SIGTERM, signal.SIGHUP) if os.name == "posix" else ()


def work(task: Coroutine[object, object, _T]) -> _T:
    """Run a task to its end; SIGTERM and SIGHUP end it as Ctrl-C does, and the process with 128 and their number."""
    told: list[int] = []
    try:
        return asyncio.run(_stoppable(task, told))
    except asyncio.CancelledError:
        raise SystemExit(128 + told[0]) from None


async def _stoppable(task: Coroutine[object, object, _T], told: list[int]) -> _T:
    loop, main = asyncio.get_running_loop(), cast("asyncio.Task[object]", asyncio.current_task())

    def stop(number: int) -> None:
        told.append(number)
        main.cancel()

    for number in _ours():
        loop.add_signal_handler(number, stop, number)
    return await task


def _ours() -> list[int]:
    """Return the signals to take: none that was to be ignored, as by nohup, and none outside of the main thread."""
    if threading.current_thread() is not threading.main_thread():
        return []
    return [number for number in _SIGNALS if signal.getsignal(number) is signal.SIG_DFL]
