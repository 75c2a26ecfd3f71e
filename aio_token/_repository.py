"""A source that looks in memory, then in its store, then asks its grant, at most once at a time for all who ask.

Theory of operation. `token_at_hand()` is the hot path: two clocks and a comparison. Whatever else there is to do is
done by one flight per event loop (`_renewal.py` reads top to bottom): the repository's lock, the store, the store's
lock, the store read again, the grant, the store written, memory. Everybody who asks meanwhile waits for that flight
and shares its outcome. A token that an API refused is asked about as `rejected`: a compare-and-swap spelled as a
question.
"""

from __future__ import annotations

import asyncio
import math
from functools import partial
from typing import TYPE_CHECKING

from aio_token._clock import SYSTEM_CLOCK
from aio_token._credential import Rescued
from aio_token._errors import ConfigurationError, ServerUnavailable, SignInRequired, TokenError, unforeseen
from aio_token._freshness import RENEWALS_APART, Freshness, Windows
from aio_token._holding import Holding
from aio_token._interfaces import Revocable
from aio_token._keeper import Keeper, Limits
from aio_token._public import public
from aio_token._renewal import Renewal
from aio_token._single_flight import SingleFlight, finish
from aio_token._status import status_of
from aio_token._trouble import Trouble, remedy
from aio_token._wish import NO_WISH
from aio_token.events import RenewalFailed, SignedIn, SignedOut, notify
from aio_token.observe.log import log_event
from aio_token.stores.memory import MemoryTokenStore

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import TracebackType
    from typing import Self

    from aio_token._clock import Clock
    from aio_token._credential import Credential
    from aio_token._interfaces import Grant, TokenStore
    from aio_token._status import Status
    from aio_token._token import Token
    from aio_token.events import Event, Observer, Reason

    _Work = Callable[[], Coroutine[object, object, Token]]

_ADAPTIVE = Windows()
_LIMITS = Limits()

LOGINS_APART = 60.0
"""Seconds for which a person who did not sign in is not asked again."""


@public
class TokenRepository:
    """Keeps one credential and supplies its token; share one repository among all who use that credential.

    One event loop at a time: several `asyncio.run` in turn may use the same repository, several threads may not.
    `store` defaults to memory. `sign_in_with` is a grant for people: it runs by itself when only that helps and
    somebody waits, once for all who wait; without it they get `SignInRequired`. `observer` is told every event; the
    default logs them under the name `aio_token`.
    """

    def __init__(
        self,
        grant: Grant,
        store: TokenStore | None = None,
        *,
        sign_in_with: Grant | None = None,
        windows: Windows = _ADAPTIVE,
        limits: Limits = _LIMITS,
        observer: Observer | None = log_event,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._grant = grant
        self._observer = observer
        self._clock = clock
        self._monotonic, self._time = clock.monotonic, clock.time
        self._limits = limits
        self._holding = Holding(grant.issued_by, windows, clock)
        self._keeper = Keeper(store or MemoryTokenStore(), self._holding, limits, clock, self._tell)
        self._renewal = Renewal(grant, self._holding, self._keeper, limits, clock, self._tell)
        self._here: _Here | None = None
        self._trouble = Trouble()
        self._login = sign_in_with
        self._next_login = -math.inf  # monotonic: a person who did not sign in is left in peace until then

    async def token(self, *, rejected: Token | None = None, min_valid_for: float = 0.0) -> Token:
        """Return a usable token, other than the `rejected` one, good for `min_valid_for` seconds where one can be had.

        Raises `SignInRequired`, `ConfigurationError`, `ServerUnavailable` or `StoreError`, unless there is still a
        valid token. Cancelling a call, or bounding it by `asyncio.timeout`, ends that call alone: the renewal goes on.
        """
        if rejected is None and not min_valid_for and (token := self.token_at_hand()) is not None:
            return token
        return await self._ask(rejected, min_valid_for)

    def token_at_hand(self) -> Token | None:
        """Return the token if it is fresh; None if `token()` has something to do first. No I/O, no error."""
        held = self._holding.held
        if held is not None and self._monotonic() < held.fresh_until and self._time() < held.fresh_until_wall:
            return held.token
        return None

    async def _ask(self, rejected: Token | None, min_valid_for: float) -> Token:
        here = self._on_this_loop()
        work = partial(self._fly, here, rejected, min_valid_for)
        final = False
        while True:
            token = self._serve(here, work, rejected, min_valid_for)
            if token is not None:
                return token
            ours = not here.flight.in_the_air
            try:
                token = await here.flight.join(work)
            except TokenError:
                if (spare := self._holding.spare(rejected)) is not None:
                    return spare
                raise
            # A flight that was in the air already may not have known of our question; then there is one more.
            if ours or final or not (min_valid_for or token.same_as(rejected)):
                return token
            final = True

    def _serve(self, here: _Here, work: _Work, rejected: Token | None, min_valid_for: float) -> Token | None:
        """Return the token at hand if it answers the question, renewing behind it where that is due."""
        held, trouble = self._holding.held, self._trouble.error
        may_try = self._trouble.is_over(self._monotonic())
        if held is not None and not held.token.same_as(rejected):
            freshness = held.freshness
            enough = freshness in {Freshness.FRESH, Freshness.EXPIRING} and held.lasts(min_valid_for)
            if enough or (trouble is not None and freshness is not Freshness.EXPIRED):
                if may_try and (freshness is not Freshness.FRESH or self._holding.unsaved or not enough):
                    here.flight.start(work)
                return held.token
        if trouble is not None and not may_try:
            raise trouble.again()
        return None

    async def _fly(self, here: _Here, rejected: Token | None, min_valid_for: float) -> Token:
        """Renew, and remember how it went."""
        good = partial(self._holding.good, rejected, min_valid_for)
        reason, began = self._holding.reason(rejected), self._monotonic()
        try:
            try:
                token = await self._renewal.run(here.lock, reason, good, lambda: here.flight.waits)
            except SignInRequired:
                if self._login is None or not here.flight.waiters or self._monotonic() < self._next_login:
                    raise
                token = await self._log_in(self._login)
        except Exception as cause:  # noqa: BLE001  a bug in somebody's store or grant must hang nobody
            error = cause if isinstance(cause, TokenError) else unforeseen(cause)
            self._note(error, reason, here.flight.waits, self._monotonic() - began)
            raise error from error.__cause__
        self._trouble.clear()
        return token

    async def _log_in(self, login: Grant) -> Token:
        """Ask the person, without any lock held (law E2)."""
        self._next_login = math.inf
        try:
            async with asyncio.timeout(self._limits.sign_in):
                return await self.sign_in(login)
        except TimeoutError:
            message = f"nobody signed in within {self._limits.sign_in:g} s"
            raise SignInRequired(message) from None
        finally:
            self._next_login = self._monotonic() + LOGINS_APART

    def _note(self, error: TokenError, reason: Reason, waits: tuple[float, ...], duration: float) -> None:
        now, credential = self._time(), self._holding.credential
        if self._trouble.note(error, credential, until=self._monotonic() + RENEWALS_APART):
            retry_at = credential.retry_at if credential is not None else None
            self._tell(
                RenewalFailed(
                    at=now,
                    reason=reason,
                    waits=waits,
                    duration=duration,
                    remedy=remedy(error),
                    message=str(error),
                    retry_at=retry_at,
                )
            )

    @property
    def status(self) -> Status:
        """What is known now; nothing is read, asked or renewed."""
        return status_of(self._holding, self._trouble)

    async def sign_in(self, grant: Grant) -> Token:
        """Obtain a credential by a grant other than the repository's own, such as a person's sign-in, and keep it.

        The grant runs without any lock, for a person takes time. Raises what the grant raises, and `StoreError` before
        the grant is asked if the store could not keep its answer.
        """
        ours, theirs = self._grant.issued_by, grant.issued_by
        if ours is not None and theirs is not None and not ours.same_client(theirs):
            message = "the sign-in and the repository's grant have different token endpoints or clients; use the same"
            raise ConfigurationError(message)
        await self._keeper.probe()  # nobody signs in for nothing (law F7)
        try:
            credential = await grant.obtain(None, NO_WISH)
        except Rescued as rescue:
            await finish(self._install(rescue.credential), grace=self._limits.shutdown)
            raise rescue.error from rescue.error.__cause__
        await finish(self._install(credential), grace=self._limits.shutdown)
        if credential.token is None:
            message = "the sign-in gave no access token"
            raise ServerUnavailable(message)
        return credential.token

    async def _install(self, credential: Credential) -> None:
        async with self._on_this_loop().lock, self._keeper.exclusive() as slot:
            await self._keeper.look_again(slot)
            self._holding.credential = credential
            await self._keeper.save(slot)
            self._holding.publish(renewal_took=0.0)
            self._keeper.schedule_next_save()
            self._trouble.clear()
        token = credential.token
        name, expires_at = (None, None) if token is None else (token.fingerprint, token.expires_at)
        self._tell(SignedIn(at=self._time(), fingerprint=name, expires_at=expires_at))

    async def sign_out(self) -> SignedOut:
        """Revoke the credential at the server, then delete it here, which happens even if the server cannot be told.

        The answer says whether the server confirmed (RFC 7009). Raises `ConfigurationError` for a credential of another
        endpoint or client, which is left alone, and `StoreError`.
        """
        return await finish(self._sign_out(), grace=self._limits.shutdown)

    async def _sign_out(self) -> SignedOut:
        message = None
        async with self._on_this_loop().lock, self._keeper.exclusive() as slot:
            await self._keeper.look_again(slot)
            if not self._holding.is_ours:
                message = "what is stored belongs to another token endpoint or client, and is left alone"
                raise ConfigurationError(message)
            if self._holding.credential is None:
                message = "there was nothing to revoke"
            elif not isinstance(self._grant, Revocable):
                message = "this grant cannot revoke what it obtained"
            else:
                try:
                    await self._grant.revoke(self._holding.credential)
                except TokenError as error:
                    message = str(error)
            await slot.delete()
            self._holding.forget()
            self._trouble.clear()
        event = SignedOut(at=self._time(), revoked=message is None, message=message)
        self._tell(event)
        return event

    async def aclose(self) -> None:
        """Wait for a renewal under way and save what is unsaved. The repository can be used again afterwards."""
        here = self._on_this_loop()
        await here.flight.landed()
        async with here.lock:
            if self._holding.unsaved:
                await finish(self._keeper.save_at_last(), grace=self._limits.shutdown)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def _on_this_loop(self) -> _Here:
        loop = asyncio.get_running_loop()
        if self._here is None or self._here.loop is not loop:
            self._here = _Here(loop)
        return self._here

    def _tell(self, event: Event) -> None:
        notify(self._observer, event)


class _Here:
    """What belongs to one event loop; made when a loop first needs it, so that nothing is bound to a loop before."""

    __slots__ = ("flight", "lock", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.lock = asyncio.Lock()  # held by whatever changes what the repository holds
        self.flight: SingleFlight[Token] = SingleFlight("aio_token: renewal")
