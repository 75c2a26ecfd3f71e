"""What happens to a credential, as typed values; no event holds a secret."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import ClassVar, Literal

from aio_token._ground.value import Value

__all__ = [
    "Adopted",
    "Event",
    "Loaded",
    "Observer",
    "Reason",
    "Rejected",
    "Remedy",
    "RenewalFailed",
    "RenewalPaused",
    "Renewed",
    "Replaced",
    "ReplayImpossible",
    "Saved",
    "ScopeMissing",
    "SignedIn",
    "SignedOut",
    "TokensEndEachOther",
    "Unsaved",
    "fan_out",
]

Reason = Literal["absent", "expiring", "expired", "rejected"]
"""Why a renewal runs: no token, one in its advisory window, one that has ended, one that an API rejected."""

Remedy = Literal["sign in", "configure", "wait", "storage", "report"]
"""What helps after a failure; "report" is for an error that was not foreseen."""


class Event(Value):
    """Something that happened at `at` (POSIX seconds) to the token of the repository with this `name`.

    Tokens are named by `fingerprint`, never shown. Events are immutable and compare by their members.
    """

    severity: ClassVar[int] = logging.DEBUG
    """How much it matters, as the levels of `logging` count: trouble is a warning."""

    at: float
    name: str | None = None

    def members(self) -> dict[str, object]:
        """Return what a log shows: plain values by their names, without a `name` that is None."""
        members = super().members()
        if self.name is None:
            del members["name"]
        return members


class Loaded(Event):
    """A credential was read from the store for the first time in this process."""

    fingerprint: str | None
    expires_at: float | None


class Adopted(Event):
    """Another process had renewed the token or signed in; its credential is used from now on."""

    fingerprint: str | None
    expires_at: float | None


class _Attempt(Event):
    """A renewal that took place: why, for `duration` seconds, and how long each caller has waited for it.

    `server` is the origin of the token endpoint, such as https://id.example, where the grant names one.
    """

    reason: Reason
    duration: float
    waits: tuple[float, ...]
    server: str | None = None

    @property
    def waiters(self) -> int:
        """How many callers waited."""
        return len(self.waits)

    def members(self) -> dict[str, object]:
        """Return what a log shows: the number of waits instead of them all, as there may be thousands."""
        members = super().members()
        del members["waits"]
        if self.server is None:
            del members["server"]
        return members | {"waiters": self.waiters}


class Renewed(_Attempt):
    """The authorization server gave a new token; `duration` (seconds) of it was spent on asking.

    `waits` are the seconds that each caller has waited for it, `waiters` is their number.
    """

    fingerprint: str
    expires_at: float | None


class RenewalFailed(_Attempt):
    """No new token, after `duration` (seconds) of trying; `waits` and `waiters` as for `Renewed`.

    `retry_at` (POSIX seconds) is when the server may be asked again, None: not by itself.
    """

    severity = logging.WARNING

    remedy: Remedy
    message: str
    retry_at: float | None


class Unsaved(Event):
    """A renewed credential could not be stored; it is in use, and is saved again at the next chance."""

    severity = logging.WARNING

    message: str


class Saved(Event):
    """A credential that could not be stored before is stored now."""


class ScopeMissing(Event):
    """A token came with less scope than was asked for; told once until that changes.

    `missing` is what was asked for and not granted, `granted` what was, each with spaces between its words.
    """

    severity = logging.WARNING

    missing: str
    granted: str | None


class TokensEndEachOther(Event):
    """The server seems to end one access token of a session when it gives another; told once (law E5).

    They are renewed a second apart at least. Ask for one token that serves all, or sign in for each.
    """

    severity = logging.WARNING


class SignedIn(Event):
    """A person, or the grant that `sign_in` was given, signed in."""

    fingerprint: str | None
    expires_at: float | None


class Replaced(Event):
    """A sign-in took the place of a live session; `revoked` tells whether the server ended that, `message` why not."""

    revoked: bool
    message: str | None


class SignedOut(Event):
    """The stored credential is gone; `revoked` tells whether the server confirmed it, `message` why it did not."""

    revoked: bool
    message: str | None


class Rejected(Event):
    """An API rejected a token, by a 401 or by another answer that means "renew"."""

    origin: str
    fingerprint: str


class ReplayImpossible(Event):
    """A rejected request was not sent again, because its body can be sent only once."""

    severity = logging.WARNING

    origin: str
    method: str


class RenewalPaused(Event):
    """A renewed token was rejected as well; 401s of this API are let through for `seconds`."""

    severity = logging.WARNING

    origin: str
    seconds: float


Observer = Callable[[Event], None]
"""Is told every event, on the event loop, at once; what it raises is logged and goes no further."""

_logger = logging.getLogger("aio_token")


def notify(observer: Observer | None, event: Event) -> None:
    """Tell the observer."""
    if observer is not None:
        try:
            observer(event)
        except Exception:
            _logger.exception("an observer failed on %s", type(event).__name__)


def fan_out(*observers: Observer) -> Observer:
    """Return an observer that tells several; one that raises keeps nothing from the others."""

    def tell(event: Event) -> None:
        for observer in observers:
            notify(observer, event)

    return tell
