"""What is remembered of a failed renewal, and what helps against it."""

from __future__ import annotations

import math
from dataclasses import replace
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


def marked(
    credential: Credential | None, error: TokenError, *, issued_by: IssuedBy | None, now: float, jitter: float
) -> Credential | None:
    """Return the credential as it is to be kept after the grant failed; the store tells other processes (law D8).

    A refused refresh token is marked, not deleted: a mistyped client must not destroy a session (law E1).
    """
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
