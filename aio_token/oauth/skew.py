"""How far a server's clock is from this machine's: what is signed here is judged by the clock there (law D14)."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

_SMALLEST = 5  # seconds: less is within what every server allows
_LARGEST = 86_400  # seconds: more is a mistake somewhere, and no clock to go by
_SLOWEST = 5  # seconds from the request to its answer: a slower one tells too little
_LONGEST_DATE = 100  # characters (law H1)


class Skew:
    """The seconds by which the server's clock is ahead, learnt from the `Date` of its answers (RFC 9110, 6.6.1)."""

    __slots__ = ("seconds",)

    def __init__(self) -> None:
        self.seconds: int = 0

    def learn(self, date: str, *, asked_at: float, now: float) -> bool:
        """Look at an answer's date, and tell whether there is something new to go by. Times are POSIX seconds."""
        if not 0 <= now - asked_at <= _SLOWEST or len(date) > _LONGEST_DATE:
            return False
        try:
            there = parsedate_to_datetime(date).timestamp() + 0.5  # a date is cut to the second
        except (ValueError, TypeError, OverflowError):
            return False
        ahead = round(there - (asked_at + now) / 2)
        before, self.seconds = self.seconds, ahead if _SMALLEST <= abs(ahead) <= _LARGEST else 0
        return abs(self.seconds - before) >= _SMALLEST
