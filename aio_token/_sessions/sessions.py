"""Sessions: they begin with a sign-in, may be replaced by another one, and end with a sign-out.

Theory of operation. A sign-in has two parts. The part of a person takes minutes; it holds no lock, and whoever waits
for it may stop waiting. What it returns is a grant that redeems what the person brought back, a code that counts once.
From there on it is like a renewal: under the locks, since no code is spent for a store that is held by another process,
and in a flight of its own, which no caller's cancellation reaches. A browser that leaves ends a web handler, and not
what the server has begun to give.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from aio_token._credential import Rescued
from aio_token._errors import ConfigurationError, ServerUnavailable, TokenError, unforeseen
from aio_token._hold import holding, is_swept_away
from aio_token._interfaces import Interactive, Revocable, StillPending
from aio_token._limits import obtain, probe, within
from aio_token._lineage import belongs, named, refuse_another_client
from aio_token._sessions.beside import sessions_beside
from aio_token._sessions.reached import reached
from aio_token._sessions.scope import tell_what_is_missing
from aio_token._single_flight import Flights, finish
from aio_token.events import Replaced, SignedIn, SignedOut

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from typing import Any

    from aio_token._credential import Credential
    from aio_token._interfaces import Grant, Slot, TokenStore
    from aio_token._keeper import Keeper
    from aio_token._limits import Limits
    from aio_token._token import Token
    from aio_token._trouble import Trouble
    from aio_token._wish import Wish

PATIENCE = 5.0
"""Seconds for the server to end the session that was replaced; the person who has signed in waits for it."""


class Sessions:
    """Signs in and out for a repository with this grant and this store; `lock` returns the running loop's lock.

    `begin_anew` lets go the other tokens of the session that has ended.
    """

    __slots__ = ("_begin_anew", "_flights", "_grant", "_keeper", "_limits", "_lock", "_store", "_tell", "_trouble")

    def __init__(
        self,
        grant: Grant,
        store: TokenStore,
        limits: Limits,
        *,
        keeper: Keeper,
        trouble: Trouble,
        tell: Callable[..., Any],
        begin_anew: Callable[[], None],
        lock: Callable[[], asyncio.Lock],
    ) -> None:
        self._grant = grant
        self._store = store
        self._limits = limits
        self._keeper = keeper
        self._trouble = trouble
        self._tell = tell
        self._begin_anew = begin_anew
        self._lock = lock
        self._flights: Flights[Token] = Flights("aio_token: sign-in")

    async def begin(self, grant: Grant, wish: Wish, *, by_a_person: bool = False) -> Token:
        """Sign in: find out that the store would keep what comes (law F7), wait for the person, redeem and keep.

        Cancelling ends the wait; what is being redeemed is redeemed and kept all the same. `by_a_person` says that a
        grant of one part waits for a person in it. Raises `TokenError`.
        """
        refuse_another_client(self._grant.issued_by, grant.issued_by)
        await probe(self._store, self._limits)
        if not isinstance(grant, Interactive) and not by_a_person:
            return await self._redeem(grant, wish)
        part: Interactive = grant if isinstance(grant, Interactive) else InOnePart(grant)
        while True:
            brought = await part.invite(wish)
            refuse_another_client(self._grant.issued_by, brought.issued_by)
            try:
                return await self._redeem(brought, wish)
            except StillPending as pending:
                part = pending.part

    async def landed(self) -> None:
        """Wait for what is being redeemed on this event loop."""
        await self._flights.here().landed()

    async def end(self) -> SignedOut:
        """Sign out, to the end; raises as `TokenRepository.sign_out` does."""
        return await finish(self._end(), grace=self._limits.shutdown)

    async def _redeem(self, grant: Grant, wish: Wish) -> Token:
        flight = self._flights.here()
        while flight.in_the_air:  # another sign-in, which has the locks
            await flight.landed()
        return await flight.join(partial(self._to_its_end, grant, wish))

    async def _to_its_end(self, grant: Grant, wish: Wish) -> Token:
        try:
            return await finish(self._redeemed(grant, wish), grace=self._limits.shutdown)
        except TokenError:
            raise
        except Exception as cause:  # noqa: BLE001  a bug in a stranger's store or grant must hang no caller
            error = unforeseen(cause)
        raise error

    async def _redeemed(self, grant: Grant, wish: Wish) -> Token:
        async with self._keeper.held(self._lock()) as slot:
            before = self._keeper.credential
            try:
                with holding(slot):
                    credential = await obtain(grant, None, wish, self._limits)
            except Rescued as rescue:
                await self._keep(slot, rescue.credential)
                raise rescue.error from rescue.error.__cause__
            await self._keep(slot, credential)
            is_kept = not self._keeper.unsaved
        await self._end_replaced(before, credential, is_kept=is_kept)
        if credential.token is None:
            message = "the sign-in gave no access token"
            raise ServerUnavailable(message)
        return credential.token

    async def _keep(self, slot: Slot, credential: Credential) -> None:
        await self._keeper.replace(slot, credential, renewal_took=0.0)
        self._trouble.clear()
        self._begin_anew()
        self._tell(SignedIn, **named(credential))
        tell_what_is_missing(credential, self._tell)

    async def _end_replaced(self, old: Credential | None, new: Credential, *, is_kept: bool) -> None:
        """Have the server end a live session that nothing refers to any more, unless the new one would end with it.

        One that the store still has, since it did not take the new one, is what the next start would go on with. How it
        goes is told, and is no failure of the sign-in (law E3).
        """
        if old is None or not self._is_replaced(old, new) or getattr(self._grant, "revocation_ends_grant", False):
            return
        if not is_kept:
            self._tell(Replaced, revoked=False, message="the store did not take the new session and has the old one")
            return
        late = ServerUnavailable(f"the server did not confirm it within {PATIENCE:g} s")
        try:
            async with within(PATIENCE, late):
                message = await why_not_revoked(self._grant, old)
        except ServerUnavailable as error:
            message = str(error)
        self._tell(Replaced, revoked=message is None, message=message)

    def _is_replaced(self, old: Credential, new: Credential) -> bool:
        """Whether the old session is live, ours, and another one than the new, as far as the server has named them."""
        live = bool(old.refresh_token) and not old.is_refused and belongs(old, self._grant.issued_by)
        if not live or not new.refresh_token or old.refresh_token == new.refresh_token:
            return False
        return _session_state(old) is None or _session_state(old) != _session_state(new)

    async def _end(self) -> SignedOut:
        async with reached(self._keeper, self._store, self._lock()) as slot:
            if not self._keeper.is_ours:
                refusal = "what is stored belongs to another token endpoint or client, and is left alone"
                raise ConfigurationError(refusal)
            try:
                message = await why_not_revoked(self._grant, self._keeper.credential)
            except BaseException:  # cancelled while the server hangs, too (law E3)
                if not is_swept_away():
                    await self._discarded(slot, "the sign-out was given up before the server had answered")
                raise
            return await self._discarded(slot, message)

    async def _discarded(self, slot: Slot, message: str | None) -> SignedOut:
        """Keep nothing; `message` says why the server did not confirm, None if it did."""
        try:
            await self._keeper.discard(slot)
        finally:
            self._begin_anew()  # what the store does not let go is not served here all the same
        self._trouble.clear()
        event: SignedOut = self._tell(SignedOut, revoked=message is None, message=message)
        return event


def _session_state(credential: Credential) -> object:
    """Return how the server calls the session (OpenID Connect Session Management 1.0), None where it does not."""
    return credential.token.extra.get("session_state") if credential.token is not None else None


class InOnePart:
    """The part of a person in a grant that has no other; what it returns has nothing left to do."""

    def __init__(self, grant: Grant) -> None:
        self._grant = grant

    async def invite(self, wish: Wish) -> Grant:
        """Wait for all of it. Raises what the grant raises."""
        try:
            return _Obtained(await self._grant.obtain(None, wish))
        except Rescued as rescue:
            return _Obtained(rescue)


class _Obtained:
    issued_by = None

    def __init__(self, outcome: Credential | Rescued) -> None:
        self._outcome = outcome

    async def obtain(self, credential: Credential | None, wish: Wish) -> Credential:
        """Return what came, or raise it."""
        del credential, wish
        if isinstance(self._outcome, Rescued):
            raise self._outcome
        return self._outcome


async def why_not_revoked(grant: Grant, credential: Credential | None) -> str | None:
    """Revoke a credential at its server, with what stands beside it; return why that was not done, None if it was."""
    if credential is None or credential.is_tombstone:
        return "there was nothing to revoke"
    if not isinstance(grant, Revocable):
        return "this grant cannot revoke what it obtained"
    outcomes = [await _why_not_revoked(grant, one) for one in (credential, *sessions_beside(credential))]
    return next(filter(None, outcomes), None)


async def _why_not_revoked(grant: Revocable, credential: Credential) -> str | None:
    try:
        await grant.revoke(credential)
    except TokenError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  a bug in a stranger's grant keeps no credential here
        return f"the revocation failed with an unexpected error ({type(error).__name__})"
    return None
