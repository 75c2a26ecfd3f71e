"""What all accounts of one client at one endpoint know of its trouble."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from aio_token._ground.backoff import chance, jittered_pause

if TYPE_CHECKING:
    from aio_token._credential import IssuedBy
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


class Outages:
    """The trouble of each client at each endpoint; what is not in here is well, as far as is known."""

    __slots__ = ("_by_client",)

    def __init__(self) -> None:
        self._by_client: dict[tuple[str, str], Outage] = {}

    def of(self, issued_by: IssuedBy | None) -> Outage | None:
        """Return a client's trouble that others share, None if there is none."""
        if issued_by is None or not self._by_client:
            return None
        outage = self._by_client.get((issued_by.token_endpoint, issued_by.client_id))
        return outage if outage is not None and outage.is_shared else None

    def failed(
        self, issued_by: IssuedBy | None, account: int, error: TokenError, *, proof: str | None, now: float
    ) -> None:
        """Note what an account has heard; `now` is monotonic."""
        if issued_by is None:
            return
        if error.about in {"grant", "refresh token"}:
            self.succeeded(issued_by)
            return
        key = issued_by.token_endpoint, issued_by.client_id
        outage = self._by_client.get(key)
        if error.about is None:
            if outage is not None:
                outage.unclear(now)
        elif outage is None:
            self._by_client[key] = Outage(account, error.again(), proof)
        else:
            outage.met(account, error.again(), proof, now)

    def succeeded(self, issued_by: IssuedBy | None) -> None:
        """Note that the server answers, and knows the client."""
        if issued_by is not None and self._by_client:
            self._by_client.pop((issued_by.token_endpoint, issued_by.client_id), None)

    def clear(self) -> None:
        """Forget them all."""
        self._by_client.clear()
