"""What happens to a credential, as typed values; no event holds a secret."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Literal

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
    "ReplayImpossible",
    "Saved",
    "SignedIn",
    "SignedOut",
    "Unsaved",
    "fan_out",
]

Reason = Literal["absent", "expiring", "expired", "rejected"]
"""Why a renewal runs: no token, one in its advisory window, one that has ended, one that an API rejected."""

Remedy = Literal["sign in", "configure", "wait", "storage", "report"]
"""What helps after a failure; "report" is for an error that nobody foresaw."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Event:
    """Something that happened at `at` (POSIX seconds). Tokens are named by `fingerprint`, never shown."""

    at: float
    name: str | None = None

    # One of each for all events: to generate them for each class takes two thirds of the time of importing them.

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Event) or type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, one.name) == getattr(other, one.name) for one in fields(self))

    def __hash__(self) -> int:
        return hash((type(self), *(getattr(self, one.name) for one in fields(self))))

    def __repr__(self) -> str:
        shown = (f"{one.name}={getattr(self, one.name)!r}" for one in fields(self) if one.repr)
        return f"{type(self).__name__}({', '.join(shown)})"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Loaded(Event):
    """A credential was read from the store for the first time in this process."""

    fingerprint: str | None
    expires_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Adopted(Event):
    """Another process had renewed the token or signed in; its credential is used from now on."""

    fingerprint: str | None
    expires_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class _Attempt(Event):
    """A renewal that took place: why, for `duration` seconds, and how long each caller has waited for it."""

    reason: Reason
    duration: float
    waits: tuple[float, ...] = field(repr=False)  # there may be thousands

    @property
    def waiters(self) -> int:
        """How many callers waited."""
        return len(self.waits)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Renewed(_Attempt):
    """The authorization server gave a new token; `duration` (seconds) of it was spent on asking.

    `waits` are the seconds that each caller has waited for it, `waiters` is their number.
    """

    fingerprint: str
    expires_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class RenewalFailed(_Attempt):
    """No new token, after `duration` (seconds) of trying; `waits` and `waiters` as for `Renewed`.

    `retry_at` (POSIX seconds) is when the server may be asked again, None: not by itself.
    """

    remedy: Remedy
    message: str
    retry_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Unsaved(Event):
    """A renewed credential could not be stored; it is in use, and is saved again at the next chance."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Saved(Event):
    """A credential that could not be stored before is stored now."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SignedIn(Event):
    """A person, or whatever `sign_in` was given, signed in."""

    fingerprint: str | None
    expires_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SignedOut(Event):
    """The stored credential is gone; `revoked` tells whether the server confirmed it, `message` why it did not."""

    revoked: bool
    message: str | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Rejected(Event):
    """An API answered 401 to a token."""

    origin: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ReplayImpossible(Event):
    """A refused request was not sent again, because its body can be sent only once."""

    origin: str
    method: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class RenewalPaused(Event):
    """A renewed token was rejected as well; 401s of this API are let through for `seconds`."""

    origin: str
    seconds: float


Observer = Callable[[Event], None]
"""Is told every event, on the event loop, at once; what it raises is logged and harms nobody."""

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
