"""One renewal, top to bottom: the store, the store's lock, the store again, the grant, the store, memory."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from aio_token._credential import Rescued
from aio_token._errors import GrantRefused, ServerUnavailable, TokenError
from aio_token._single_flight import finish
from aio_token._trouble import marked, resting
from aio_token._wish import NO_WISH
from aio_token.events import Renewed

if TYPE_CHECKING:
    from collections.abc import Callable

    from aio_token._clock import Clock
    from aio_token._credential import Credential
    from aio_token._holding import Holding
    from aio_token._interfaces import Grant, Slot
    from aio_token._keeper import Keeper, Limits
    from aio_token._token import Token
    from aio_token.events import Event, Reason


class Renewal:
    """Brings a `Holding` a new token; persists it, then publishes it."""

    __slots__ = ("_clock", "_grant", "_holding", "_keeper", "_limits", "_tell")

    def __init__(
        self,
        grant: Grant,
        holding: Holding,
        keeper: Keeper,
        limits: Limits,
        clock: Clock,
        tell: Callable[[Event], None],
    ) -> None:
        self._grant = grant
        self._holding = holding
        self._keeper = keeper
        self._limits = limits
        self._clock = clock
        self._tell = tell

    async def run(
        self,
        lock: asyncio.Lock,
        reason: Reason,
        good: Callable[[], Token | None],
        waits: Callable[[], tuple[float, ...]],
    ) -> Token:
        """Return a token that is `good`, from the store if another process put it there, else from the grant."""
        async with lock:
            if not self._holding.known:
                await self._keeper.look()
                if (token := good()) is not None:
                    return token
            async with self._keeper.exclusive() as slot:
                await self._keeper.look_again(slot)
                if self._holding.unsaved:
                    await self._keeper.save(slot)
                if (token := good()) is not None:
                    return token
                return await finish(self._obtain(slot, reason, waits), grace=self._limits.shutdown)

    async def _obtain(self, slot: Slot, reason: Reason, waits: Callable[[], tuple[float, ...]]) -> Token:
        """Ask the grant, keep its answer, then publish it. Nothing cancels this."""
        if self._holding.is_ours and (left := resting(self._holding.credential, self._clock.time())):
            message = f"the authorization server is not asked again for {left:.0f} s, since it failed before"
            raise ServerUnavailable(message, retry_after=left)
        began = self._clock.monotonic()
        try:
            credential = await self._ask_grant(slot)
        except TokenError as error:
            raise await self._remember(slot, error) from error.__cause__
        took = self._clock.monotonic() - began
        self._holding.credential = credential
        await self._keeper.save(slot)
        self._holding.publish(renewal_took=took)
        self._keeper.schedule_next_save()
        if credential.token is None:
            message = "the grant returned a credential without a token"
            raise ServerUnavailable(message)
        self._tell(
            Renewed(
                at=self._clock.time(),
                reason=reason,
                waits=waits(),
                duration=took,
                fingerprint=credential.token.fingerprint,
                expires_at=credential.token.expires_at,
            )
        )
        return credential.token

    async def _ask_grant(self, slot: Slot) -> Credential:
        try:
            return await self._bounded_grant()
        except TokenError as error:
            # Somebody who does not keep the lock may have renewed or signed in meanwhile (law E1).
            refused = isinstance(error.error if isinstance(error, Rescued) else error, GrantRefused)
            if not refused or not await self._keeper.look_again(slot):
                raise
        return await self._bounded_grant()

    async def _bounded_grant(self) -> Credential:
        try:
            async with asyncio.timeout(self._limits.obtain):
                return await self._grant.obtain(self._holding.credential, NO_WISH)
        except TimeoutError:
            message = (
                f"the grant did not finish within {self._limits.obtain:g} s; whether it was carried out is unknown"
            )
            raise ServerUnavailable(message) from None

    async def _remember(self, slot: Slot, error: TokenError) -> TokenError:
        """Keep what a failure left behind, a rescued refresh token first (law D2); return the error to raise."""
        credential = self._holding.credential
        if isinstance(error, Rescued):
            credential, error = error.credential, error.error
        if self._holding.is_ours:
            now = self._clock.time()
            credential = marked(credential, error, issued_by=self._grant.issued_by, now=now, jitter=random.random())  # noqa: S311
            if credential is not self._holding.credential:
                self._holding.credential = credential
                await self._keeper.save(slot)
            if isinstance(error, ServerUnavailable):
                error.retry_after = resting(credential, now)
        return error
