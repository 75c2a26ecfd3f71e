"""What is remembered of a failed renewal, and what helps against it."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aio_token._backoff import LONGEST_RETRY_AFTER, jittered_pause
from aio_token._credential import Credential
from aio_token._errors import ConfigurationError, GrantRefused, ServerUnavailable, SignInRequired, StoreError
from aio_token._token import fingerprint

if TYPE_CHECKING:
    from aio_token._credential import IssuedBy
    from aio_token._errors import TokenError
    from aio_token.events import Remedy


def remedy(error: TokenError) -> Remedy:
    """Name what helps."""
    remedies: tuple[tuple[type[TokenError], Remedy], ...] = (
        (SignInRequired, "sign in"),
        (ConfigurationError, "configure"),
        (ServerUnavailable, "wait"),
        (StoreError, "storage"),
    )
    return next((remedy for kind, remedy in remedies if isinstance(error, kind)), "report")


def spending(credential: Credential | None, *, issued_by: IssuedBy | None, now: float) -> Credential:
    """Return the credential as it is to be kept while its refresh token is presented (law F8)."""
    return replace(credential or Credential(issued_by=issued_by), spending_since=now)


def marked(
    credential: Credential | None, error: TokenError, *, issued_by: IssuedBy | None, now: float, jitter: float
) -> Credential | None:
    """Return the credential as it is to be kept after the grant failed; the store tells other processes (law D8).

    A refused refresh token is marked, not deleted: a mistyped client must not destroy a session (law E1). A complete
    answer says what became of a refresh token that was presented; without one, that stays unknown (law F8).
    """
    unknown = isinstance(error, ServerUnavailable) and error.outcome_unknown
    if credential is not None and credential.spending_since is not None and not unknown:
        credential = replace(credential, spending_since=None)
    if isinstance(error, GrantRefused):
        if credential is None or credential.refresh_token is None or credential.is_refused:
            return credential
        return replace(credential, refused=fingerprint(credential.refresh_token))
    if isinstance(error, SignInRequired | StoreError):
        return credential  # the server was not asked
    failures = 1 if credential is None else credential.failures + 1
    retry_after = error.retry_after if isinstance(error, ServerUnavailable) else None
    retry_at = now + jittered_pause(failures, jitter=jitter, retry_after=retry_after)
    return replace(credential or Credential(issued_by=issued_by), failures=failures, retry_at=retry_at)


def resting(credential: Credential | None, now: float) -> float:
    """Return for how many seconds more the server is to be left alone, 0 if it may be asked.

    A moment further ahead than any pause is none of ours: the clock was set back since.
    """
    if credential is None or credential.retry_at is None:
        return 0.0
    left = credential.retry_at - now
    return left if 0 < left <= LONGEST_RETRY_AFTER else 0.0


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
    return datetime.fromtimestamp(seconds, UTC).isoformat(" ", "seconds").replace("+00:00", " UTC")


def keep_until_its_time(credential: Credential | None, now: float) -> None:
    """Raise `ServerUnavailable` while the refresh token may not be presented: servers take it for a theft (law D12)."""
    begin = credential.refresh_not_before if credential is not None and not credential.is_refused else None
    if begin is not None and begin > now:
        message = f"the refresh token may not be used for another {begin - now:.0f} s"
        raise ServerUnavailable(message, retry_after=begin - now)


def leave_in_peace(credential: Credential | None, now: float) -> None:
    """Raise `ServerUnavailable` while the server is to be left alone."""
    left = resting(credential, now)
    if left:
        message = f"the authorization server is not asked again for {left:.0f} s, since it failed before"
        raise ServerUnavailable(message, retry_after=left)


class Trouble:
    """The last failure: everybody hears of it for a moment, and observers hear of it once."""

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

        It is none where nothing was tried since, because the server rests or waits for a sign-in: an attempt leaves
        its mark on the credential.
        """
        self.error, self._until = error, until
        told, self._told = self._told, (type(error), credential)
        return told != self._told

    def clear(self) -> None:
        """Forget it."""
        self.error, self._until, self._told = None, -math.inf, None
