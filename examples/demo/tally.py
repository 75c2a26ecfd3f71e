"""What is counted: the crawl's requests, and what was asked of the token endpoint."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Reason = Literal["first token", "token ended in the pause", "renewal"]
"""Why requests waited for a token: there was none yet, the only one ended while no request was made, or as it goes."""

REASONS: tuple[Reason, ...] = get_args(Reason)


def percentile(seconds: Sequence[float], part: float) -> float:
    """Return what so many hundredths of them take at most; 0 where there are none."""
    return sorted(seconds)[min(int(len(seconds) * part / 100), len(seconds) - 1)] if seconds else 0.0


@dataclass
class TokenRequests:
    """The token endpoint as the client sees it; refresh tokens are remembered by their hash."""

    sent: int = 0
    answered: int = 0
    quickest: float = 1.0  # seconds
    ends: list[float] = field(default_factory=list)  # POSIX seconds, of every token that came
    came_at: list[float] = field(default_factory=list)  # by the event loop's clock
    lifetime: float = float("inf")  # seconds, the shortest of them
    presented: Counter[bytes] = field(default_factory=Counter)

    @contextmanager
    def one(self, refresh_token: str | None) -> Iterator[None]:
        """Count a request for a token, and its answer if the block ends well."""
        self.sent += 1
        if refresh_token:
            self.presented[sha256(refresh_token.encode()).digest()] += 1
        began = time.monotonic()
        yield
        self.answered += 1
        self.quickest = min(self.quickest, time.monotonic() - began)

    def came(self, end: float, asked_at: float) -> None:
        """Note a token that ends then; both are POSIX seconds."""
        self.ends.append(end)
        self.came_at.append(time.monotonic())
        self.lifetime = min(self.lifetime, end - asked_at)

    @property
    def presented_twice(self) -> int:
        """How often a refresh token was presented that had been presented before."""
        return self.presented.total() - len(self.presented)

    @property
    def expired(self) -> int:
        """How many of the tokens have come to their end."""
        return sum(end <= time.time() for end in self.ends)

    @property
    def all_end_in(self) -> float:
        """Seconds until no token is good any more; infinite if that is not known."""
        return max(self.ends) - time.time() if self.ends else float("inf")


class Moment(NamedTuple):
    """A request that came to its end then, and how long all of it took: seconds, by the event loop's clock."""

    at: float
    took: float
    answered: bool


@dataclass
class Tally:
    """How one crawl went. Waits are in seconds."""

    answered: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    cancelled: int = 0
    lost: int = 0  # requests that failed after a client had been cancelled
    waits: dict[Reason, list[float]] = field(default_factory=lambda: {reason: [] for reason in REASONS})
    moments: list[Moment] = field(default_factory=list)
    pauses: tuple[float, float] | None = None  # when the crawl paused, and when it went on
    before_the_pause: int | None = None  # how many tokens had come by then
    slowest_answer: float = 0.0  # of the API alone
    tokens: TokenRequests = field(default_factory=TokenRequests)
    reused: int | None = None  # refresh tokens presented twice, by the server's own count
    remark: str = ""

    @property
    def why_a_token_is_missing(self) -> Reason:
        """Why a request that finds no token now has to wait for one."""
        if not self.tokens.ends:
            return "first token"
        return "token ended in the pause" if len(self.tokens.ends) == self.before_the_pause else "renewal"

    def answers(self, *, after_the_pause: bool) -> list[float]:
        """Return what the answered requests of one part took."""
        went_on = self.pauses[1] if self.pauses else float("inf")
        return [one.took for one in self.moments if one.answered and (one.at - one.took >= went_on) is after_the_pause]

    @property
    def failed(self) -> int:
        """How many requests failed."""
        return self.failures.total()

    @property
    def presented_twice(self) -> int:
        """Refresh tokens that were presented twice: by the server's count where there is one, else by the client's."""
        return self.tokens.presented_twice if self.reused is None else self.reused

    @property
    def flawless(self) -> bool:
        """Whether there were requests, all were answered, and no refresh token was presented twice."""
        return self.answered > 0 and not self.failed and not self.presented_twice
