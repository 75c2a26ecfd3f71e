"""What is known of a profile from what is stored, without asking any server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from aio_token._clock import SYSTEM_CLOCK
from aio_token._errors import TokenError
from aio_token._freshness import CachedToken, Windows
from aio_token._lineage import belongs, served
from aio_token._status import State, status_of
from aio_token._trouble import remembered, resting
from aio_token.cli._exits import Exit, exit_for
from aio_token.cli._session import Session
from aio_token.cli._terminal import excerpt
from aio_token.cli._wording import spoken
from aio_token.oauth.details import types_in

if TYPE_CHECKING:
    from aio_token._credential import Credential


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileStatus:
    """A profile's state; the times are POSIX seconds."""

    name: str
    session: Session | None = None
    state: State | Literal["unreadable"] = "unreadable"
    renewable: bool = False
    expires_at: float | None = None
    refresh_expires_at: float | None = None
    retry_at: float | None = None
    scope: str | None = None
    missing_scope: str | None = None
    details: object = None
    fingerprint: str | None = None
    bound_to: str | None = None
    is_refused: bool = False
    failures: int = 0
    problem: str | None = None
    exit: Exit = Exit.DONE

    @property
    def usable(self) -> bool:
        """Whether the stored token has not ended."""
        return self.state in {"fresh", "expiring", "due"}

    @property
    def members(self) -> dict[str, object]:
        """What is written as JSON; docs/command-line.md promises these members."""
        profile = self.session and self.session.profile
        return {
            "profile": self.name,
            "issuer": profile and profile.issuer,
            "client_id": profile and profile.client_id,
            "grant": profile and profile.grant,
            "store": profile and profile.store,
            "state": self.state,
            "usable": self.usable,
            "renewable": self.renewable,
            "expires_at": _whole(self.expires_at),
            "refresh_expires_at": _whole(self.refresh_expires_at),
            "retry_at": _whole(self.retry_at),
            "scope": self.scope,
            "missing_scope": self.missing_scope,
            "authorization_details": self.details,
            "fingerprint": self.fingerprint,
            "bound_to": self.bound_to,
            "problem": self.problem,
        }

    @property
    def text(self) -> str:
        """What people read."""
        lines = [f"{self.name}: {self.sentence}"]
        if self.session is not None:
            profile, scope = self.session.profile, f", scope {excerpt(self.scope)}" if self.scope else ""
            lines.append(f"  {profile.server}, client {profile.client_id}{scope}")
            if self.missing_scope:
                lines.append(f"  the server did not grant {excerpt(self.missing_scope)}, which was asked for")
            if kinds := types_in(self.details):
                lines.append(f"  authorization details granted: {excerpt(', '.join(kinds))}")
            lines.append(f"  kept {self.session.how_kept}")
            if self.bound_to:
                lines.append(f"  bound to the key {self.bound_to} (DPoP)")
        return "\n".join(lines)

    @property
    def sentence(self) -> str:
        """The state in a few words: the problem, or how long the token is valid."""
        if self.problem is not None:
            return self.problem
        if self.usable:
            until = "a time that the server did not tell" if self.expires_at is None else _moment(self.expires_at)
            return f"valid until {until}{self._doubt}"
        return "there is no valid token; the next use obtains one"

    @property
    def _doubt(self) -> str:
        if self.is_refused:
            return f", but the server refused its refresh token; sign in again: aio-token login {self.name}"
        if self.failures:
            return ", but the last renewal failed"
        return "" if self.renewable else ", and cannot be renewed"


def look_at(name: str) -> ProfileStatus:
    """Look at a profile and at its store; what cannot be read is a problem, not an error."""
    session = None
    try:
        session = Session.load(name)
        return _judged(session, session.read_credential())
    except TokenError as error:
        return ProfileStatus(name=name, session=session, problem=spoken(str(error)), exit=exit_for(error))


def _judged(session: Session, stored: Credential | None) -> ProfileStatus:
    name, profile = session.name, session.profile
    now = SYSTEM_CLOCK.time()
    is_ours = belongs(stored, profile.issued_by)
    token, cached = served(stored, profile.issued_by), None
    if stored is not None and token is not None:
        cached = CachedToken.of(stored, Windows(), SYSTEM_CLOCK, renewal_took=None, jitter=0.0)
    status = status_of(stored, cached)
    ends = stored.refresh_expires_at if stored is not None else None
    renewable = is_ours and (
        profile.grant == "client_credentials" or (status.has_refresh_token and (ends is None or ends > now))
    )
    rests = resting(stored, now)
    problem, exit_code = None, Exit.DONE
    if not status.usable and not is_ours:
        problem, exit_code = "the stored token belongs to another issuer or client", Exit.OTHER
    elif not status.usable and not renewable:
        problem, exit_code = f"sign in first: aio-token login {name}", Exit.SIGN_IN
    elif not status.usable and stored is not None and rests:
        error = remembered(stored, rests)
        problem, exit_code = str(error), exit_for(error)
    return ProfileStatus(
        name=name,
        session=session,
        state=status.state,
        renewable=renewable,
        expires_at=status.expires_at,
        refresh_expires_at=ends,
        retry_at=now + rests if rests else None,
        scope=status.scope,
        missing_scope=status.missing_scope,
        details=None if token is None else token.extra.get("authorization_details"),
        fingerprint=status.fingerprint,
        bound_to=stored.dpop_key.thumbprint if stored is not None and stored.dpop_key is not None else None,
        is_refused=stored is not None and stored.is_refused,
        failures=stored.failures if stored is not None else 0,
        problem=problem,
        exit=exit_code,
    )


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
