"""What a repository knows: the newest credential, what its store holds, and the token that the hot path serves."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from aio_token._freshness import Freshness, Held

if TYPE_CHECKING:
    from aio_token._clock import Clock
    from aio_token._credential import Credential, IssuedBy
    from aio_token._freshness import Windows
    from aio_token._token import Token
    from aio_token.events import Reason


class Holding:
    """Tells a credential that another process wrote from one of our own that is not written yet (law C8)."""

    __slots__ = ("_clock", "_issued_by", "_jitter", "_stored", "_windows", "credential", "held", "known")

    def __init__(self, issued_by: IssuedBy | None, windows: Windows, clock: Clock) -> None:
        self._issued_by = issued_by
        self._windows = windows
        self._clock = clock
        self._jitter = random.random()  # noqa: S311  spreads a fleet; not a secret
        self._stored: Credential | None = None
        self.known = False  # whether the store was ever read
        self.credential: Credential | None = None  # set by whoever obtains or marks one; unsaved until `saved`
        self.held: Held | None = None

    @property
    def unsaved(self) -> bool:
        """Whether the newest credential is in memory only."""
        return self.credential is not self._stored

    @property
    def is_ours(self) -> bool:
        """Whether the newest credential may be shown to, and written for, the grant's endpoint and client (law E4)."""
        issued_by = self.credential.issued_by if self.credential is not None else None
        return issued_by is None or self._issued_by is None or self._issued_by.same_client(issued_by)

    def good(self, rejected: Token | None, min_valid_for: float) -> Token | None:
        """Return the token if it answers the question and needs no renewal."""
        held = self.held
        if held is None or held.token.same_as(rejected) or held.freshness is not Freshness.FRESH:
            return None
        return held.token if held.lasts(min_valid_for) else None

    def spare(self, rejected: Token | None) -> Token | None:
        """Return the token if it has not ended and is not the refused one: better than none, should a renewal fail."""
        held = self.held
        if held is None or held.token.same_as(rejected) or held.freshness is Freshness.EXPIRED:
            return None
        return held.token

    def reason(self, rejected: Token | None) -> Reason:
        """Say why a renewal runs now."""
        if self.held is None:
            return "absent"
        if self.held.token.same_as(rejected):
            return "rejected"
        return "expired" if self.held.freshness is Freshness.EXPIRED else "expiring"

    def reconcile(self, stored: Credential | None) -> bool:
        """Take over what the store holds if somebody else wrote it; tell whether that was so.

        After a failed save the store holds the credential before ours, whose refresh token is spent: it is recognised
        as the one that was last seen there. So are mere marks of trouble on it.
        """
        if self.known and stored == self._stored:
            return False
        spent = (
            self.unsaved
            and stored is not None
            and self._stored is not None
            and stored.refresh_token == self._stored.refresh_token
        )
        self.known, self._stored = True, stored
        if spent:
            return False
        self.credential = stored
        self.publish()
        return True

    def saved(self) -> None:
        """Note that the store holds the newest credential, None included."""
        self.known, self._stored = True, self.credential

    def forget(self) -> None:
        """Hold nothing, and know that the store holds nothing either."""
        self.credential = self.held = None
        self.saved()

    def publish(self, *, renewal_took: float | None = None) -> None:
        """Serve the newest credential's token from now on; `renewal_took` (seconds) if it was just obtained here."""
        credential, self.held = self.credential, None
        if credential is not None and credential.token is not None and self._covers(credential.issued_by):
            self.held = Held(
                credential.token,
                credential.obtained_at,
                self._windows,
                self._clock,
                renewal_took=renewal_took,
                jitter=self._jitter,
            )

    def _covers(self, issued_by: IssuedBy | None) -> bool:
        return issued_by is None or self._issued_by is None or self._issued_by.covers(issued_by)
