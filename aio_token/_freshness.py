"""How long a token is good for: windows before its end, judged by two clocks; and whether it answers a question."""

from __future__ import annotations

import math
from enum import Enum, IntEnum

from aio_token._bound.token import DPoPToken
from aio_token._clock import CLOCK_TOLERANCE
from aio_token._ground import TYPE_CHECKING
from aio_token._ground.public import public
from aio_token._ground.value import Value
from aio_token._wish import NO_WISH, Wish

if TYPE_CHECKING:
    from typing import Self

    from aio_token._clock import Clock
    from aio_token._credential import Credential
    from aio_token._token import Token
    from aio_token.events import Reason

RENEWALS_APART = 1.0
"""Seconds for which a token that was just renewed is good enough for everybody, whatever its lifetime (law C9)."""

_ALWAYS = (-math.inf, math.inf)
_LATEST_RENEWAL = 60.0  # seconds before the end of what renews the token


class Freshness(Enum):
    """What to do with the token at hand."""

    FRESH = "use it"
    EXPIRING = "use it, and renew it behind the request"
    DUE = "renew it first; use it if that fails"
    EXPIRED = "renew it first"


@public
class Windows(Value):
    """How long before its end a token is renewed, in seconds; None adapts to the token's lifetime.

    In the `advisory` window requests go out with the current token while one renewal runs behind them; in the
    `mandatory` window they wait for it. Adaptive: mandatory is a tenth of the lifetime, at most 60 s; advisory adds
    the larger of a tenth and three times the last renewal's duration, and up to a tenth more by chance, so that a
    fleet does not renew all at once; it is at most half the lifetime, and so is a window of yours that is no shorter
    than the lifetime.
    """

    advisory: float | None = None
    mandatory: float | None = None

    def __post_init__(self) -> None:
        given: dict[str, object] = {"advisory": self.advisory, "mandatory": self.mandatory}
        for name, seconds in given.items():
            if seconds is not None and not (isinstance(seconds, int | float) and 0 <= seconds < math.inf):
                message = f"the {name} window is a number of seconds, 0 or more; None adapts it to the token"
                raise ValueError(message)

    def before_end(self, lifetime: float, *, renewal_took: float, jitter: float) -> tuple[float, float]:
        """Return the advisory and the mandatory window for a token of that lifetime; `jitter` is from 0 to 1."""
        hard = min(60.0, lifetime / 10) if self.mandatory is None else _within(self.mandatory, lifetime)
        if self.advisory is not None:
            return max(_within(self.advisory, lifetime), hard), hard
        soft = (hard + max(lifetime / 10, 3 * renewal_took)) * (1 + jitter / 10)
        return max(min(soft, lifetime / 2), hard), hard


def _within(window: float, lifetime: float) -> float:
    """Cap a window that is as wide as the token's whole life: it would be renewed for ever."""
    return window if window < lifetime else lifetime / 2


class CachedToken:
    """A token in memory with its deadlines, on the monotonic clock and, for suspended machines, on the wall (law D4).

    `fresh_until` and `fresh_until_wall` are all that the hot path looks at. A middleware looks at `plain_until`, which
    is always past for a token that is bound to a key: its headers are made for each request.
    """

    __slots__ = (
        "_clock",
        "_due",
        "_ends",
        "_ends_wall",
        "_expiring",
        "_renewed_until",
        "fresh_until",
        "fresh_until_wall",
        "plain_until",
        "token",
    )

    def __init__(
        self,
        token: Token,
        obtained_at: float | None,
        windows: Windows,
        clock: Clock,
        *,
        renewal_took: float | None,
        jitter: float,
        renewable: tuple[float, float] = _ALWAYS,
    ) -> None:
        """Take a token asked for at `obtained_at`; `renewal_took` is None where it was not renewed here and now.

        `renewable` is from when, and until when, another one can be obtained (POSIX seconds): a refresh token has an
        end of its own, and may have a beginning (law D12).
        """
        now, wall = clock.monotonic(), clock.time()
        left, soft, hard = math.inf, 0.0, 0.0
        if token.expires_at is not None:
            asked_at = wall if obtained_at is None else obtained_at
            lifetime = max(token.expires_at - asked_at, 0.0)
            # A token from the future: the clock was set back since, and its expiry on the wall says nothing any more.
            left = min(token.expires_at - wall, lifetime) if wall > asked_at - CLOCK_TOLERANCE else 0.0
            soft, hard = windows.before_end(lifetime, renewal_took=renewal_took or 0.0, jitter=jitter)
        begin, end = renewable[0] - wall, renewable[1] - wall
        fresh_for = max(min(left - soft, end - min(end / 10, _LATEST_RENEWAL)), min(begin, left))
        self._renewed_until = -math.inf
        if renewal_took is not None:
            fresh_for = max(fresh_for, RENEWALS_APART)
            self._renewed_until = now + RENEWALS_APART
        self.token = token
        self.fresh_until = self._expiring = now + fresh_for
        self.fresh_until_wall = wall + fresh_for
        self.plain_until = -math.inf if isinstance(token, DPoPToken) else self.fresh_until
        self._ends, self._ends_wall = now + left, wall + left
        self._due = hard
        self._clock = clock

    @classmethod
    def of(
        cls, credential: Credential, windows: Windows, clock: Clock, *, renewal_took: float | None, jitter: float
    ) -> Self:
        """Take the token of a credential, which must have one, with what is known of its refresh token."""
        assert credential.token is not None  # noqa: S101  who asks has looked
        begin, end = -math.inf, math.inf
        if credential.refresh_token is not None:
            begin = begin if credential.refresh_not_before is None else credential.refresh_not_before
            end = end if credential.refresh_expires_at is None else credential.refresh_expires_at
        return cls(
            credential.token,
            credential.obtained_at,
            windows,
            clock,
            renewal_took=renewal_took,
            jitter=jitter,
            renewable=(begin, end),
        )

    @property
    def left(self) -> float:
        """Seconds until the token's end, by whichever clock says less."""
        return min(self._ends - self._clock.monotonic(), self._ends_wall - self._clock.time())

    @property
    def freshness(self) -> Freshness:
        """What to do with the token now."""
        if self._clock.monotonic() < self._expiring and self._clock.time() < self.fresh_until_wall:
            return Freshness.FRESH
        left = self.left
        if left <= 0:
            return Freshness.EXPIRED
        return Freshness.DUE if left <= self._due else Freshness.EXPIRING

    def lasts(self, seconds: float) -> bool:
        """Whether the token is good for so long, or is as new as one can be."""
        return self.left >= seconds or self._clock.monotonic() < self._renewed_until

    def look_again_in(self, seconds: float) -> None:
        """Leave the hot path after so many seconds, once, though the token is still fresh."""
        self.fresh_until = min(self._expiring, self._clock.monotonic() + seconds)
        if self.plain_until > -math.inf:
            self.plain_until = self.fresh_until


class Answer(IntEnum):
    """How well a token answers a question, from worst to best."""

    NONE = 0
    """There is no token, or it has ended, or it is the rejected one."""
    SPARE = 1
    """It has not ended: better than none, should a renewal fail."""
    USABLE = 2
    """It is served, and renewed behind the request."""
    FRESH = 3
    """It is served."""


class Question(Value, kw_only=False):
    """What a caller wants: a token other than the `rejected` one, good for `min_valid_for` seconds, as the `wish` says.

    `insists` is an explicit wish for a renewal: it is not put off by a pause after a failure.
    """

    rejected: Token | None = None
    min_valid_for: float = 0.0
    wish: Wish = NO_WISH
    insists: bool = False

    def answer(self, cached: CachedToken | None) -> Answer:
        """Judge the token at hand."""
        if cached is None or cached.token.same_as(self.rejected):
            return Answer.NONE
        freshness = cached.freshness
        if freshness is Freshness.EXPIRED:
            return Answer.NONE
        if freshness is Freshness.DUE or not cached.lasts(self.min_valid_for):
            return Answer.SPARE
        return Answer.FRESH if freshness is Freshness.FRESH else Answer.USABLE

    def fresh(self, cached: CachedToken | None) -> Token | None:
        """Return the token at hand if it answers the question and needs no renewal."""
        return cached.token if cached is not None and self.answer(cached) is Answer.FRESH else None

    def accepts(self, token: Token) -> bool:
        """Whether a token that was just renewed, for whatever question, answers this one as well."""
        return not self.min_valid_for and not token.same_as(self.rejected)

    def reason(self, cached: CachedToken | None) -> Reason:
        """Say why a renewal runs now."""
        if cached is None:
            return "absent"
        if cached.token.same_as(self.rejected):
            return "rejected"
        return "expired" if cached.freshness is Freshness.EXPIRED else "expiring"


ANY = Question()
"""Any token will do."""
