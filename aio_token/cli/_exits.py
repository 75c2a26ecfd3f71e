"""How the process ends: the exit codes, and what a signal to stop does."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from enum import IntEnum
from typing import TYPE_CHECKING, TypeVar, cast

from aio_token._trouble import remedy

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Self

    from aio_token._errors import TokenError
    from aio_token.events import Remedy

_T = TypeVar("_T")
_SIGNALS = (signal.SIGTERM, signal.SIGHUP) if os.name == "posix" else ()


class Exit(IntEnum):
    """The exit codes, which sort failures by what helps, as the errors do; `exec` has its command's own."""

    meaning: str
    """What the help and docs/command-line.md say of it."""

    def __new__(cls, number: int, meaning: str) -> Self:
        """Give the number its meaning."""
        member = int.__new__(cls, number)
        member._value_ = number
        member.meaning = meaning
        return member

    DONE = 0, "done"
    OTHER = 1, "other"
    USAGE = 2, "usage"
    SIGN_IN = 3, "sign in first"
    LATER = 4, "try later"
    STORE = 5, "store or key"
    NOT_RUNNABLE = 126, "`exec` cannot run the command"
    NOT_FOUND = 127, "`exec` finds no such command"
    INTERRUPTED = 130, "interrupted"


TABLE = ", ".join(f"{code.value} {code.meaning}" for code in Exit)
"""The exit codes in a sentence."""

_BY_REMEDY = {"sign in": Exit.SIGN_IN, "wait": Exit.LATER, "storage": Exit.STORE}


def exit_for(error: TokenError) -> Exit:
    """Return the exit code of an error."""
    return exit_for_remedy(remedy(error))


def exit_for_remedy(what_helps: Remedy) -> Exit:
    """Return the exit code of trouble by what helps."""
    return _BY_REMEDY.get(what_helps, Exit.OTHER)


def run_to_end(task: Coroutine[object, object, _T]) -> _T:
    """Run a task to its end, so that a signal to stop does not lose what a server has given (law C4).

    SIGTERM and SIGHUP end it as Ctrl-C does, and the process with 128 and their number.
    """
    received: list[int] = []
    try:
        return asyncio.run(_stoppable(task, received))
    except asyncio.CancelledError:
        raise SystemExit(128 + received[0]) from None


async def _stoppable(task: Coroutine[object, object, _T], received: list[int]) -> _T:
    loop, main = asyncio.get_running_loop(), cast("asyncio.Task[object]", asyncio.current_task())

    def stop(number: int) -> None:
        received.append(number)
        main.cancel()

    for number in _signals_to_handle():
        loop.add_signal_handler(number, stop, number)
    return await task


def _signals_to_handle() -> list[int]:
    """Return the signals that are not ignored, as by nohup; none outside of the main thread, which alone gets them."""
    if threading.current_thread() is not threading.main_thread():
        return []
    return [number for number in _SIGNALS if signal.getsignal(number) is signal.SIG_DFL]
