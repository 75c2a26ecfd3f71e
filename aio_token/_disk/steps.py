"""How a plain function of files goes from one system call to the next."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

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
