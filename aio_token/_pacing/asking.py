"""Asks a grant, and leaves it alone for a while after it failed: what one account knows, and what all know together."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from aio_token._credential import Rescued
from aio_token._errors import ServerUnavailable
from aio_token._ground.backoff import chance
from aio_token._limits import obtain
from aio_token._pacing.proof import proof_of
from aio_token._trouble import marked, put_off, remembered, resting

if TYPE_CHECKING:
    from aio_token._clock import Clock
    from aio_token._credential import Credential
    from aio_token._errors import TokenError
    from aio_token._interfaces import Grant
    from aio_token._limits import Limits
    from aio_token._pacing.outage import Outages
    from aio_token._wish import Wish

ACCOUNTS = itertools.count()
"""Numbers for accounts: the `id` of one that is gone may be another's later."""


class Asking:
    """Stands between a keeper, which is one `account` of many, and its grant (law D8)."""

    __slots__ = ("_account", "_clock", "_grant", "_limits", "_outages")

    def __init__(self, grant: Grant, limits: Limits, clock: Clock, outages: Outages, *, account: int) -> None:
        self._grant = grant
        self._limits = limits
        self._clock = clock
        self._outages = outages
        self._account = account

    async def leave_in_peace(self, credential: Credential | None) -> None:
        """Raise the error of the last failure while the server is to be left alone.

        Not once the client presents something else: a corrected secret waits for nothing.
        """
        left = resting(credential, self._clock.time())
        if credential is not None and left and self._asked(credential) and await self._presents(credential.proof):
            raise remembered(credential, left)
        outage = self._outages.of(self._grant.issued_by)
        left = outage.resting(self._clock.monotonic()) if outage is not None else 0.0
        if outage is not None and left and await self._presents(outage.proof):
            raise put_off(outage.error, left)
        if outage is not None:
            outage.probe(self._clock.monotonic(), seconds=self._limits.obtain)

    async def obtain(self, credential: Credential | None, wish: Wish) -> Credential:
        """Ask the grant. Raises `TokenError`.

        A token of another scope, resource or audience is kept beside the session, under the wish (law E5): that the
        grant itself asks for something else does not make it another's.
        """
        credential, ours = await obtain(self._grant, credential, wish, self._limits), self._grant.issued_by
        theirs = credential.issued_by
        is_beside = bool(wish.scope or wish.resource or wish.audience)
        if is_beside and ours is not None and theirs is not None and not ours.covers(theirs):
            return replace(credential, issued_by=ours)
        return credential

    async def failed(
        self, credential: Credential | None, error: TokenError, *, is_ours: bool
    ) -> tuple[Credential | None, TokenError]:
        """Return the credential as it is to be kept after a failure, and the error to raise.

        A rescued refresh token comes first (law D2). What belongs to another client is left alone.
        """
        if isinstance(error, Rescued):
            credential, error = error.credential if is_ours else credential, error.error
        if is_ours:
            credential = await self._marked(credential, error)
        error.about = None  # to a grant that waits for this token the error says nothing about its own server
        return credential, error

    async def _marked(self, credential: Credential | None, error: TokenError) -> Credential | None:
        """Mark the credential; an error of a server that is to be left alone says for how long."""
        now, issued_by = self._clock.time(), self._grant.issued_by
        kept = marked(credential, error, issued_by=issued_by, now=now, jitter=chance())
        if isinstance(error, ServerUnavailable):
            error.retry_after = resting(kept, now)
        elif kept is not None and kept is not credential and kept.retry_at is not None:
            kept = replace(kept, proof=await proof_of(self._grant, seconds=self._limits.obtain))
        proof = kept.proof if kept is not None else None
        self._outages.failed(issued_by, self._account, error, proof=proof, now=self._clock.monotonic())
        return kept

    def succeeded(self, credential: Credential, before: Credential | None) -> Credential:
        """Note that the server is well; return the credential as it is to be kept in place of the one `before`."""
        self._outages.succeeded(self._grant.issued_by)
        return replace(credential.without_trouble(), spending_since=None, spending_key=None).beside(before)

    def _asked(self, credential: Credential) -> bool:
        """Whether the failure was one of this endpoint and client, as far as that is known."""
        theirs, ours = credential.issued_by, self._grant.issued_by
        return theirs is None or ours is None or ours.same_client(theirs)

    async def _presents(self, proof: str | None) -> bool:
        """Whether the grant presents what the proof is of, as far as that is known."""
        return proof is None or proof == await proof_of(self._grant, seconds=self._limits.obtain, like=proof)
