"""What is remembered of a failed renewal, and what helps against it."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aio_token._clock import CLOCK_TOLERANCE
from aio_token._credential import Credential
from aio_token._errors import (
    ConfigurationError,
    GrantRefused,
    ServerUnavailable,
    SignInRequired,
    StoreError,
    TokenError,
)
from aio_token._ground.backoff import (
    LONGEST_RETRY_AFTER,
    LONGEST_RETRY_AFTER_WITHOUT_A_TOKEN,
    LOOKS_APART,
    jittered_pause,
    refusal_pause,
)
from aio_token._hold import time_left
from aio_token._token import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable

    from aio_token._bound.key import ProofKey
    from aio_token._clock import Clock
    from aio_token._credential import IssuedBy
    from aio_token._interfaces import Grant, Slot
    from aio_token._limits import Limits
    from aio_token.events import Remedy

LONGEST_SENTENCE = 300
"""Characters of an error that are kept."""

_LAST_MOMENT = 253_402_300_799.0
"""The end of the year 9999, past which nothing can be written."""

_KINDS: tuple[type[TokenError], ...] = (GrantRefused, SignInRequired, ConfigurationError, ServerUnavailable, TokenError)
"""Those that are remembered, from the narrowest on."""


def remedy(error: TokenError) -> Remedy:
    """Name what helps."""
    remedies: tuple[tuple[type[TokenError], Remedy], ...] = (
        (SignInRequired, "sign in"),
        (ConfigurationError, "configure"),
        (ServerUnavailable, "wait"),
        (StoreError, "storage"),
    )
    return next((remedy for kind, remedy in remedies if isinstance(error, kind)), "report")


def spending(credential: Credential | None, grant: Grant, now: float) -> Credential:
    """Return the credential as it is to be kept while its refresh token is presented (law F8).

    A key that is about to be proved for the first time is a part of it: the successor is bound to that one.
    """
    held = credential or Credential(issued_by=grant.issued_by)
    new_key: Callable[[], ProofKey | None] | None = getattr(grant, "new_key", None)
    key = held.spending_key or new_key() if held.dpop_key is None and new_key is not None else None
    return replace(held, spending_since=now, spending_key=key)


def marked(
    credential: Credential | None, error: TokenError, *, issued_by: IssuedBy | None, now: float, jitter: float
) -> Credential | None:
    """Return the credential as it is to be kept after the grant failed; the store tells other processes (law D8).

    A refused refresh token is marked, not deleted: a mistyped client must not destroy a session (law E1). A complete
    answer says what became of a refresh token that was presented; without one, that stays unknown (law F8).
    """
    unknown = isinstance(error, ServerUnavailable) and error.outcome_unknown
    if credential is not None and credential.spending_since is not None and not unknown:
        credential = replace(credential, spending_since=None, spending_key=None)
    refuses = error.about in {"grant", "client"} and not isinstance(error, ServerUnavailable)
    if isinstance(error, GrantRefused) and not refuses and credential is not None and credential.refresh_token:
        if credential.is_refused and credential.failure == "GrantRefused":
            return credential
        credential = replace(credential.without_trouble(), refused=fingerprint(credential.refresh_token))
        return _told(credential, error, now)
    if isinstance(error, SignInRequired | StoreError) and not refuses:
        return credential  # the server was not asked
    row = 1 if credential is None else credential.failures + 1
    if credential is not None and credential.failure is not None:
        was_refused = credential.failure != "ServerUnavailable"
        row = row if was_refused is not isinstance(error, ServerUnavailable) else 1  # pauses of another kind begin anew
    if refuses:
        rest = refusal_pause(row)
    else:
        retry_after = error.retry_after if isinstance(error, ServerUnavailable) else None
        rest = jittered_pause(row, jitter=jitter, retry_after=retry_after)
    if credential is None or credential.is_trouble_alone:
        credential = replace(credential or Credential(), issued_by=issued_by)
    return _told(replace(credential, failures=row, retry_at=now + rest, proof=None), error, now)


def _told(credential: Credential, error: TokenError, now: float) -> Credential:
    """Note what the error said."""
    sentence, kind = str(error), next(kind for kind in _KINDS if isinstance(error, kind))
    if len(sentence) > LONGEST_SENTENCE:
        sentence = sentence[: LONGEST_SENTENCE - 1] + "…"
    return replace(credential, failed_at=now, failure=kind.__name__, sentence=sentence)


def remembered(credential: Credential, left: float) -> TokenError:
    """Return the error of the last failure, of this process or of another one; it rests for `left` seconds more."""
    # A record of an earlier release says when, and not why.
    return put_off(recalled(credential) or ServerUnavailable("the authorization server failed before"), left)


def recalled(credential: Credential | None) -> TokenError | None:
    """Return the error of the last failure as it is stored, None if the last renewal went well, as far as is known."""
    if credential is None:
        return None
    kind = next((kind for kind in _KINDS if kind.__name__ == credential.failure), None)
    if kind is not None:
        return kind(credential.sentence or "the authorization server failed before")
    refused = "the authorization server has refused the stored refresh token; sign in again"
    return GrantRefused(refused) if credential.is_refused else None


def put_off(error: TokenError, left: float) -> TokenError:
    """Return an error that says the same, and when the server is asked again."""
    told = error.again()
    told.about = None
    told.args = (f"{error}; the server is asked again in {max(left, 1):.0f} s",)
    if isinstance(told, ServerUnavailable):
        told.retry_after = left
    return told


def resting(credential: Credential | None, now: float) -> float:
    """Return for how many seconds more the server is to be left alone, 0 if it may be asked.

    A moment further ahead than any pause, and a failure of the future, were written under another clock: that of a host
    that goes wrong, or this one's before it was set back. A pause is never longer than it was when it was written.
    """
    if credential is None or credential.retry_at is None:
        return 0.0
    left, failed_at = credential.retry_at - now, credential.failed_at
    if failed_at is not None:
        left = min(left, credential.retry_at - failed_at)
    if not 0 < left <= LONGEST_RETRY_AFTER or (failed_at or 0.0) > now + CLOCK_TOLERANCE:
        return 0.0
    if credential.failure == "ServerUnavailable" and credential.failed_at is not None:
        without = credential.failed_at  # since when there is no token that is good
        if credential.token is not None:
            ends = credential.token.expires_at
            without = max(without, math.inf if ends is None else ends)
        left = min(left, max(without + LONGEST_RETRY_AFTER_WITHOUT_A_TOKEN - now, 0.0))
    return left


def described(error: TokenError, credential: Credential | None, now: float) -> dict[str, Any]:
    """Return what events say of a failure: what helps, and when the server may be asked again."""
    retry_at = credential.retry_at if credential is not None else None
    if isinstance(error, ServerUnavailable) and error.retry_after:
        retry_at = now + error.retry_after
    return {"remedy": remedy(error), "message": str(error), "retry_at": retry_at}


def unsettled(credential: Credential | None, grant: Grant, now: float) -> float | None:
    """Return since when a refresh token is being spent, if the outcome is not known and the server may not forgive."""
    since = credential.spending_since if credential is not None else None
    grace: float = getattr(grant, "rotation_grace", 0.0)
    return since if since is not None and not 0 <= now - since < grace else None  # it may be another clock's


class Patience:
    """How long another one's mark is waited for: by the wall clock, and by ours since it was first seen (law J3).

    A clock that was set back since, that of a store as well, would have us wait until it has caught up with the mark.
    """

    def __init__(self, clock: Clock, limits: Limits) -> None:
        self._clock = clock
        self._longest = limits.obtain + limits.save
        self._since = self._until = -math.inf

    def left(self, since: float) -> float:
        """Return for how many seconds more to wait for the mark of that time."""
        now = self._clock.monotonic()
        if abs(since - self._since) > LOOKS_APART:  # where times are converted, the same one differs by a little
            self._since, self._until = since, now + self._longest
        return min(since + self._longest - self._clock.time(), self._until - now)


def settled(
    credential: Credential | None, grant: Grant, slot: Slot, patience: Patience, *, now: float, has_spare: bool
) -> float | None:
    """Return since when the outcome of a renewal is not known, once the refresh token may be presented all the same.

    Raises `ServerUnavailable` before its time, and while there is a token to be used to its end (law F8), and
    `OthersSpend` while its spender may only have been stopped in the middle: its hold has lapsed, and its answer is
    read and saved when it goes on (law J3). One that lived to tell of a failure spends no more, and where holds do not
    lapse it is dead.
    """
    keep_until_its_time(credential, now)
    since = unsettled(credential, grant, now)
    if since is None or credential is None:
        return None
    if has_spare:
        raise served_to_its_end(since)
    may_live = time_left(slot) is not None and (credential.failed_at or -math.inf) < since
    if may_live and (left := patience.left(since)) > 0:
        raise OthersSpend(left)
    return since


class OthersSpend(Exception):
    """Another host may be spending the refresh token for so many `seconds` more."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def served_to_its_end(since: float) -> ServerUnavailable:
    """Say why a refresh token is not presented while there is a token that is good (law F8)."""
    message = f"the outcome of the renewal of {moment(since)} is not known; the token is used to its end before another"
    return ServerUnavailable(message)


def explained(error: TokenError, since: float | None) -> TokenError:
    """Return a refusal that says, where it is so, that the refresh token may have been spent before."""
    if since is None or not isinstance(error, GrantRefused):
        return error
    told = error.again()
    told.args = (f"{error}; the outcome of the renewal of {moment(since)} was not known",)
    return told


def moment(seconds: float) -> str:
    """Write POSIX seconds for a person."""
    return (
        datetime.fromtimestamp(min(max(seconds, 0.0), _LAST_MOMENT), UTC)
        .isoformat(" ", "seconds")
        .replace("+00:00", " UTC")
    )


def keep_until_its_time(credential: Credential | None, now: float) -> None:
    """Raise `ServerUnavailable` while the refresh token may not be presented: servers take it for a theft (law D12)."""
    if credential is None or credential.is_refused or (credential.obtained_at or 0.0) > now + CLOCK_TOLERANCE:
        return  # what was noted under a clock that went ahead is not believed
    begin = credential.refresh_not_before
    if begin is not None and begin > now:
        message = f"the refresh token may not be used for another {begin - now:.0f} s"
        raise ServerUnavailable(message, retry_after=min(begin - now, LONGEST_RETRY_AFTER))


class Trouble:
    """The last failure: all callers hear of it for a moment, and observers hear of it once."""

    __slots__ = ("_told", "_until", "error")

    def __init__(self) -> None:
        self.error: TokenError | None = None  # None since a renewal or a sign-in succeeded
        self._until = -math.inf  # monotonic
        self._told: tuple[type[TokenError], Credential | None] | None = None

    def is_over(self, now: float) -> bool:
        """Whether something may be tried again."""
        return now >= self._until

    def note(self, error: TokenError, credential: Credential | None, *, until: float) -> bool:
        """Remember a failure; tell whether it is news.

        It is no news where nothing was tried since, because the server rests or waits for a sign-in: an attempt leaves
        its mark on the credential.
        """
        self.error, self._until = error, until
        told, self._told = self._told, (type(error), credential)
        return told != self._told

    def clear(self) -> None:
        """Forget it."""
        self.error, self._until, self._told = None, -math.inf, None
