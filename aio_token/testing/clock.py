"""A clock that moves when a test says so."""

from __future__ import annotations

from aio_token._ground.public import public

_MONOTONIC_START = 1_000.0  # far from any POSIX time, so that code that mixes the two clocks up shows itself


@public
class ManualClock:
    """Both clocks that expiry is judged by, at a standstill.

    `start` is the wall time to begin with, in POSIX seconds. Monotonic time begins somewhere else.
    """

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self._time = start
        self._monotonic = _MONOTONIC_START

    def __repr__(self) -> str:
        return f"<ManualClock time={self._time} monotonic={self._monotonic}>"

    def time(self) -> float:
        """Return POSIX seconds."""
        return self._time

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass: both clocks move. Raises ValueError for a negative number."""
        self._monotonic += _forward(seconds)
        self._time += seconds

    def step(self, seconds: float) -> None:
        """Set the wall clock, forward or back, as an administrator or NTP does: monotonic time does not notice."""
        self._time += seconds

    def suspend(self, seconds: float) -> None:
        """Let the machine sleep: wall time passes, monotonic time stands still.

        Raises ValueError for a negative number.
        """
        self._time += _forward(seconds)


def _forward(seconds: float) -> float:
    if seconds < 0:
        message = "time passes forward only; step() sets the wall clock back"
        raise ValueError(message)
    return seconds
