"""Times as a store's clock tells them: the clocks of its hosts differ, and that of the store is one (law J5)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aio_token._credential import Credential

_ALIKE = 0.5
"""Seconds by which clocks may differ and count as one: times are then kept as they are."""

_TIMES = (
    "obtained_at",
    "refresh_expires_at",
    "refresh_not_before",
    "retry_at",
    "spending_since",
    "removed_until",
    "failed_at",
)


def ahead(theirs: float, *, asked_at: float, now: float) -> float:
    """Return by how many seconds a clock is ahead of ours that said `theirs` between two moments of ours.

    What the way there and back may explain is no difference.
    """
    difference = round(theirs - (asked_at + now) / 2, 3)
    return difference if abs(difference) > _ALIKE + abs(now - asked_at) / 2 else 0.0


def shifted(credential: Credential, seconds: float) -> Credential:
    """Return the credential with all its times so many seconds later."""
    if not seconds:
        return credential
    times = {name: at + seconds for name in _TIMES if (at := getattr(credential, name)) is not None}
    token = credential.token
    if token is not None and token.expires_at is not None:
        times["token"] = replace(token, expires_at=token.expires_at + seconds)
    return replace(credential, **times)
