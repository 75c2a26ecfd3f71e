"""What a health check or a page wants to know of a credential, read from memory without asking anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from aio_token._freshness import Freshness
from aio_token._ground.public import public
from aio_token._ground.value import Value
from aio_token._sessions.scope import missing_scope
from aio_token._trouble import recalled, remedy

if TYPE_CHECKING:
    from aio_token._credential import Credential
    from aio_token._errors import TokenError
    from aio_token._freshness import CachedToken
    from aio_token.events import Remedy

State = Literal["unknown", "absent", "fresh", "expiring", "due", "expired"]
"""Not looked at yet, no token, or how long the token is still good for."""


@public
class Status(Value):
    """A repository's state at one moment; it holds no secret, and `dataclasses.asdict` makes it JSON.

    `name` is the repository's. `expires_at` and `retry_at` are POSIX seconds, `expires_in` seconds from now; None where
    that is not known. `missing_scope` is what was asked for and is not among what the server granted, None if nothing.
    `trouble` is why the last renewal failed, in whichever process, and `remedy` what helps; both are None if it went
    well. `unsaved` tells that the newest credential is in memory only.
    """

    name: str | None
    state: State
    fingerprint: str | None
    scope: str | None
    missing_scope: str | None
    expires_at: float | None
    expires_in: float | None
    has_refresh_token: bool
    unsaved: bool
    trouble: str | None
    remedy: Remedy | None
    retry_at: float | None

    @property
    def usable(self) -> bool:
        """Whether there is a token now that has not ended."""
        return self.state in {"fresh", "expiring", "due"}

    @property
    def ok(self) -> bool:
        """Whether requests are expected to get a token: False once a renewal failed and no usable token is left.

        A service that is idle, or has just started, is well: its next request obtains a token.
        """
        return self.usable or self.trouble is None


def status_of(
    credential: Credential | None,
    cached: CachedToken | None,
    *,
    known: bool = True,
    unsaved: bool = False,
    trouble: TokenError | None = None,
    name: str | None = None,
) -> Status:
    """Look at a credential and its token."""
    token = cached.token if cached is not None else None
    trouble = trouble or recalled(credential)
    return Status(
        name=name,
        state=_state(cached, known=known),
        fingerprint=token.fingerprint if token is not None else None,
        scope=token.scope if token is not None else None,
        missing_scope=missing_scope(credential) if token is not None else None,
        expires_at=token.expires_at if token is not None else None,
        expires_in=cached.left if cached is not None and cached.token.expires_at is not None else None,
        has_refresh_token=credential is not None and credential.refresh_token is not None and not credential.is_refused,
        unsaved=unsaved,
        trouble=str(trouble) if trouble is not None else None,
        remedy=remedy(trouble) if trouble is not None else None,
        retry_at=credential.retry_at if credential is not None else None,
    )


def _state(cached: CachedToken | None, *, known: bool) -> State:
    if not known:
        return "unknown"
    if cached is None:
        return "absent"
    names: dict[Freshness, State] = {
        Freshness.FRESH: "fresh",
        Freshness.EXPIRING: "expiring",
        Freshness.DUE: "due",
        Freshness.EXPIRED: "expired",
    }
    return names[cached.freshness]
