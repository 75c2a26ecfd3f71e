"""What showing one exchange may cost: how much text there is to look at, a server decides, and the event loop waits."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

CHARACTERS = 131_072  # that are looked at, of request and response together
SECONDS = 0.05  # of the thread's CPU time: it does not run while others have the processor


class Budget:
    """Characters and CPU seconds of one exchange; time counts between `with` and its end, where nothing is awaited."""

    __slots__ = ("_began", "_characters", "_clock", "_seconds")

    def __init__(
        self, characters: int = CHARACTERS, seconds: float = SECONDS, clock: Callable[[], float] = time.thread_time
    ) -> None:
        self._characters = characters
        self._seconds = seconds
        self._clock = clock
        self._began: float | None = None

    def __enter__(self) -> None:
        self._began = self._clock()

    def __exit__(self, *_: object) -> None:
        self._seconds -= self._running
        self._began = None

    @property
    def spent(self) -> bool:
        """Whether nothing more is looked at."""
        return self._characters <= 0 or self._running >= self._seconds

    @property
    def _running(self) -> float:
        return 0.0 if self._began is None else self._clock() - self._began

    def take(self, characters: int) -> bool:
        """Whether that many characters may be looked at; if so they are counted."""
        if self.spent:
            return False
        self._characters -= characters
        return True
