"""What all accounts of one client at one endpoint know of its trouble."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from aio_token._backoff import chance, jittered_pause

if TYPE_CHECKING:
    from aio_token._errors import TokenError


class Outage:
    """Trouble that two accounts in a row have met: the others need not meet it as well (law D8).

    It rests for 1, 2, 4 ... 60 s; then one account at a time tries. What a server asks of one account in `Retry-After`
    is about that account, and stays with it.
    """

    __slots__ = ("_account", "_failures", "_is_probed", "_until", "error", "proof")

    def __init__(self, account: int, error: TokenError, proof: str | None) -> None:
        """Begin with the first account that met it, by which no other is put off yet."""
        self._account = account
        self._failures = 0
        self._until = -math.inf  # monotonic
        self._is_probed = False
        self.error = error
        self.proof = proof

    @property
    def is_shared(self) -> bool:
        """Whether two accounts in a row have met it."""
        return self._failures > 0

    def resting(self, now: float) -> float:
        """Return for how many seconds more no other account asks, 0 if one may."""
        return max(self._until - now, 0.0) if self.is_shared else 0.0

    def probe(self, now: float, *, seconds: float) -> None:
        """Let one account try; the others wait for what it hears, for at most so many seconds."""
        self._is_probed, self._until = True, now + seconds

    def met(self, account: int, error: TokenError, proof: str | None, now: float) -> None:
        """Note that an account has met it; those that had asked before it was shared say nothing new."""
        if account == self._account and not self.is_shared:
            return
        if self.is_shared and not self._is_probed:
            return
        self._account, self.error, self.proof = account, error, proof
        self._failures += 1
        self._is_probed, self._until = False, now + jittered_pause(self._failures, jitter=chance())

    def unclear(self, now: float) -> None:
        """Note that the probe has heard nothing: the next may try."""
        if self._is_probed:
            self._is_probed, self._until = False, now
