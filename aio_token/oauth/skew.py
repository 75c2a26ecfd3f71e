"""How far a server's clock is from this machine's: what is signed here is judged by the clock there (law D14)."""

from __future__ import annotations

from aio_token.oauth.dates import moment_of

_SMALLEST = 5  # seconds: less is within what every server allows
_LARGEST = 86_400  # seconds: more is a mistake somewhere, and no clock to go by
_SLOWEST = 5  # seconds from the request to its answer: a slower one tells too little


class Skew:
    """The seconds by which the server's clock is ahead, learnt from the `Date` of its answers (RFC 9110, 6.6.1)."""

    __slots__ = ("seconds",)

    def __init__(self) -> None:
        self.seconds: int = 0

    def learn(self, date: str, *, asked_at: float, now: float) -> bool:
        """Look at an answer's date, and tell whether there is something new to go by. Times are POSIX seconds."""
        there = moment_of(date)
        if there is None or not 0 <= now - asked_at <= _SLOWEST:
            return False
        ahead = round(there + 0.5 - (asked_at + now) / 2)  # a date is cut to the second
        before, self.seconds = self.seconds, ahead if _SMALLEST <= abs(ahead) <= _LARGEST else 0
        return abs(self.seconds - before) >= _SMALLEST
