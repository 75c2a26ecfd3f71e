"""How a plain function of files goes from one system call to the next."""

from __future__ import annotations

import _thread
import errno
import time
from functools import partial

from aio_token._ground import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import ParamSpec, TypeVar

    _P = ParamSpec("_P")
    _T = TypeVar("_T")


class GivenUp(BaseException):
    """The caller no longer waits: nothing new is begun, what was begun is tidied up."""


class Steps:
    """Goes straight on, in the caller's own thread; a worker's steps end when its caller is gone."""

    def step(self, call: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Make one call that touches the disk. Raises `GivenUp`."""
        return call(*args, **kwargs)

    def pause(self, seconds: float) -> None:
        """Let some time pass. Raises `GivenUp`."""
        time.sleep(seconds)


STRAIGHT = Steps()


class Patient(Steps):
    """Waits for each call for so many seconds, without an event loop: a file system that hangs hangs no command.

    The thread of a call that hangs is left behind. `_thread` alone, since `threading` costs a short command too much.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def step(self, call: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Make the call. Raises `TimeoutError` for one that does not come back."""
        returned: list[_T] = []
        failed: list[BaseException] = []
        done = _thread.allocate_lock()
        done.acquire()
        _thread.start_new_thread(_make, (partial(call, *args, **kwargs), returned, failed, done))
        if not done.acquire(timeout=self._seconds):
            raise TimeoutError(errno.ETIMEDOUT, f"the file system does not answer within {self._seconds:g} s")
        for error in failed:
            raise error
        return returned[0]


def _make(call: Callable[[], _T], returned: list[_T], failed: list[BaseException], done: _thread.LockType) -> None:
    """Make the call in a thread of its own, and say that it has come back."""
    try:
        returned.append(call())
    except BaseException as error:  # noqa: BLE001  it is raised where the call was asked for
        failed.append(error)
    done.release()
