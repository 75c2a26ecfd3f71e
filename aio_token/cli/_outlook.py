"""What can be expected of a profile, from what is stored alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from aio_token._clock import SYSTEM_CLOCK
from aio_token._errors import TokenError
from aio_token._freshness import CachedToken, Windows
from aio_token._lineage import belongs, served
from aio_token._status import State, status_of
from aio_token._trouble import resting
from aio_token.cli import _profiles
from aio_token.cli._exits import Exit, exit_for
from aio_token.cli._keys import described, store_of
from aio_token.cli._places import token_file

if TYPE_CHECKING:
    from aio_token._credential import Credential
    from aio_token.cli._profile import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """A profile's state; the times are POSIX seconds."""

    name: str
    profile: Profile | None = None
    state: State | Literal["unreadable"] = "unreadable"
    renewable: bool = False
    expires_at: float | None = None
    refresh_expires_at: float | None = None
    retry_at: float | None = None
    scope: str | None = None
    fingerprint: str | None = None
    problem: str | None = None
    exit: Exit = Exit.DONE

    @property
    def usable(self) -> bool:
        """Whether the stored token has not ended."""
        return self.state in {"fresh", "expiring", "due"}

    @property
    def members(self) -> dict[str, object]:
        """What is written as JSON; docs/command-line.md promises these members."""
        profile = self.profile
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
            "fingerprint": self.fingerprint,
            "problem": self.problem,
        }

    @property
    def text(self) -> str:
        """What people read."""
        lines = [f"{self.name}: {self.said}"]
        if self.profile is not None:
            scope = f", scope {self.scope}" if self.scope else ""
            lines.append(f"  {self.profile.issuer}, client {self.profile.client_id}{scope}")
            lines.append(f"  kept {described(self.profile)}")
        return "\n".join(lines)

    @property
    def said(self) -> str:
        """The state in a few words."""
        if self.problem is not None:
            return self.problem
        if self.usable:
            until = "a time that the server did not say" if self.expires_at is None else _moment(self.expires_at)
            return f"good until {until}" + ("" if self.renewable else ", and cannot be renewed")
        return "there is no valid token, and the next use gets one"


async def outlook_of(name: str) -> Outlook:
    """Look at a profile and at its store."""
    profile = None
    try:
        profile = _profiles.need(name)
        return _judged(name, profile, await store_of(profile, token_file(name)).load())
    except TokenError as error:
        return Outlook(name=name, profile=profile, problem=str(error), exit=exit_for(error))


def _judged(name: str, profile: Profile, stored: Credential | None) -> Outlook:
    now = SYSTEM_CLOCK.time()
    is_ours = belongs(stored, profile.issued_by)
    token, cached = served(stored, profile.issued_by), None
    if stored is not None and token is not None:
        cached = CachedToken(token, stored.obtained_at, Windows(), SYSTEM_CLOCK, renewal_took=None, jitter=0.0)
    status = status_of(stored, cached)
    ends = stored.refresh_expires_at if stored is not None else None
    renewable = is_ours and (
        profile.grant == "client_credentials" or (status.has_refresh_token and (ends is None or ends > now))
    )
    rests = resting(stored, now)
    problem, exit_code = None, Exit.DONE
    if not status.ok and not is_ours:
        problem, exit_code = "what is stored belongs to another issuer or client", Exit.OTHER
    elif not status.ok and not renewable:
        problem, exit_code = f"sign in first: aio-token login {name}", Exit.SIGN_IN
    elif not status.ok and rests:
        problem, exit_code = f"the server failed, and is not asked again for {rests:.0f} s", Exit.LATER
    return Outlook(
        name=name,
        profile=profile,
        state=status.state,
        renewable=renewable,
        expires_at=status.expires_at,
        refresh_expires_at=ends,
        retry_at=now + rests if rests else None,
        scope=status.scope,
        fingerprint=status.fingerprint,
        problem=problem,
        exit=exit_code,
    )


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
