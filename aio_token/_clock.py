"""The two clocks that expiry is judged by."""

from __future__ import annotations

import time

from aio_token._ground import TYPE_CHECKING
from aio_token._ground.public import public

if TYPE_CHECKING:
    from typing import Protocol
else:
    Protocol = object  # nothing asks this one at run time

CLOCK_TOLERANCE = 60.0
"""Seconds by which clocks of hosts that share a store may differ; what is from further ahead is not believed."""


@public
class Clock(Protocol):
    """Tells the time twice: wall time survives a restart, monotonic time cannot be set back."""

    def time(self) -> float:
        """Return POSIX seconds."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment of this process's machine."""


class SystemClock:
    """The machine's own clocks."""

    __slots__ = ("monotonic", "time")

    def __init__(self) -> None:
        # The functions themselves and no methods around them: the hot path calls both.
        self.time = time.time
        self.monotonic = time.monotonic


SYSTEM_CLOCK: Clock = SystemClock()
