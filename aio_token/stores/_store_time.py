"""The store's clock: hosts whose clocks differ keep times by the one that they share (law J5)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aio_token._clock import Clock
    from aio_token._credential import Credential

_BELIEVABLE = 1.0
"""Seconds that a round trip may take for its answer to say anything about clocks."""

_NOISE = 2.0
"""Seconds by which a new measurement may differ: the times of a credential that is read twice are the same."""

_TIMES = ("obtained_at", "refresh_expires_at", "refresh_not_before", "retry_at", "spending_since", "failed_at")


class StoreTime:
    """Learns how far the store's clock is ahead of this host's, and moves a credential's times from one to the other.

    The difference is kept in whole seconds, which floating-point numbers of this size add and take away exactly.
    """

    __slots__ = ("_ahead", "_clock", "_known")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead = 0.0
        self._known = False

    @property
    def now(self) -> float:
        """POSIX seconds by the store's clock, as far as it is known."""
        return self._clock.time() + self._ahead

    def learn(self, now: float, *, asked_at: float, answered_at: float) -> None:
        """Take in the store's `now` from an answer; the other two are this host's POSIX seconds."""
        if self._known and not 0 <= answered_at - asked_at <= _BELIEVABLE:
            return
        ahead = now - (asked_at + answered_at) / 2
        if not self._known or abs(ahead - self._ahead) > _NOISE:
            self._ahead = float(round(ahead)) if abs(ahead) > _NOISE else 0.0
        self._known = True

    def to_store(self, credential: Credential) -> Credential:
        """Return the credential with its times by the store's clock."""
        return _moved(credential, self._ahead)

    def from_store(self, credential: Credential) -> Credential:
        """Return the credential with its times by this host's clock."""
        return _moved(credential, -self._ahead)


def _moved(credential: Credential, by: float) -> Credential:
    if not by:
        return credential
    times = {name: time + by for name in _TIMES if (time := getattr(credential, name)) is not None}
    token = credential.token
    if token is not None and token.expires_at is not None:
        token = replace(token, expires_at=token.expires_at + by)
    return replace(credential, token=token, **times)
