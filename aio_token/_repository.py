"""A source that looks in memory, then in its store, then asks its grant, at most once at a time for all who ask.

Theory of operation. `token_at_hand()` is the hot path: two clocks and a comparison. Whatever else there is to do is
done by one flight per event loop (`_single_flight.py`), which has the keeper renew (`_keeper.py`). Everybody who asks
meanwhile waits for that flight and shares its outcome. A token that an API rejected is asked about as `rejected`: a
compare-and-swap spelled as a question.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from aio_token._arguments import demand, demand_kind, demand_one_of
from aio_token._authorized import Authorizing
from aio_token._changes import Changes
from aio_token._clock import SYSTEM_CLOCK
from aio_token._errors import SignInRequired, TokenError, unforeseen
from aio_token._freshness import ANY, RENEWALS_APART, Answer, Question, Windows
from aio_token._ground.closing import Closing
from aio_token._ground.public import public
from aio_token._keeper import Keeper
from aio_token._limits import Limits
from aio_token._lineage import asked
from aio_token._narrowing.narrowable import Narrowable
from aio_token._pacing.pace import PACE, Pace
from aio_token._sessions.person import Person
from aio_token._sessions.scope import missing_scope, tell_what_is_missing
from aio_token._sessions.sessions import Sessions
from aio_token._single_flight import Flights, SingleFlight, finish
from aio_token._status import status_of
from aio_token._token import Token, Unpicklable
from aio_token._trouble import Trouble, described
from aio_token._wish import NO_WISH, Rejection
from aio_token.events import Event, RenewalFailed, notify
from aio_token.observe.log import log_event
from aio_token.stores._forgiving import forgiving
from aio_token.stores.memory import MemoryTokenStore

if TYPE_CHECKING:
    from aio_token._clock import Clock
    from aio_token._interfaces import Grant, TokenStore
    from aio_token._status import Status
    from aio_token.events import Observer, Reason, SignedOut

_EventT = TypeVar("_EventT", bound=Event)

_ADAPTIVE = Windows()
_LIMITS = Limits()


@public
class TokenRepository(Narrowable, Authorizing, Closing, Unpicklable):
    """Keeps one credential and supplies its token; share one repository among all who use that credential.

    Several event loops may use it, in turn or at once, each in its thread. A copy is the repository itself.

    `store` defaults to memory. `name` says in events, logs and `status` whose token it is. `sign_in_with` is a grant
    for people: it runs by itself when only that helps and a caller waits, once for all who wait; without it they get
    `SignInRequired`. `unwritable` says what to do when the store cannot keep the successor of a refresh token that can
    be used once: `refuse` raises `StoreError` and keeps the session, `serve` renews and risks it. `pace` bounds the
    repositories that share it, by default all. `observer` is told every event; the default logs them under the name
    `aio_token`. Raises `ConfigurationError` for arguments that are something else.
    """

    # A service may have one for each of its users.
    __slots__ = (
        "__weakref__",
        "_changes",
        "_family",
        "_flights",
        "_grant",
        "_keeper",
        "_limits",
        "_monotonic",
        "_name",
        "_observer",
        "_person",
        "_signing",
        "_store",
        "_time",
        "_trouble",
        "_wish",
    )

    def __init__(  # noqa: PLR0913  each has its default
        self,
        grant: Grant,
        store: TokenStore | None = None,
        *,
        name: str | None = None,
        sign_in_with: Grant | None = None,
        windows: Windows = _ADAPTIVE,
        limits: Limits = _LIMITS,
        pace: Pace = PACE,
        unwritable: Literal["refuse", "serve"] = "refuse",
        observer: Observer | None = log_event,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        demand(grant, "obtain", "a TokenRepository takes a grant, such as RefreshTokenGrant(endpoint)")
        if store is not None:
            demand(store, "exclusive", "the store of a TokenRepository is one such as FileTokenStore(path)")
        if sign_in_with is not None:
            demand(sign_in_with, "obtain", "sign_in_with takes a grant, such as DeviceGrant(endpoint)")
        demand_kind(windows, Windows, "windows takes a Windows(...)")
        demand_kind(limits, Limits, "limits takes a Limits(...)")
        demand_kind(pace, Pace, "pace takes a Pace(...)")
        demand_one_of(unwritable, ("refuse", "serve"), "unwritable")
        self._grant = grant
        self._name = name
        self._observer = observer
        self._monotonic, self._time = clock.monotonic, clock.time
        self._limits = limits
        self._store = store or MemoryTokenStore()
        kept = forgiving(self._store, grant, limits) if store is not None else self._store
        self._keeper = Keeper(
            grant, kept, windows, limits, clock, self._tell, pace=pace, serves_unsaved=unwritable == "serve"
        )
        self._trouble, self._family, self._wish = Trouble(), None, NO_WISH
        self._flights: Flights[Token] = Flights("aio_token: renewal")
        self._person = Person(sign_in_with, limits.sign_in, self._keeper) if sign_in_with is not None else None
        self._changes: Changes | None = None  # few repositories ever have any
        self._signing: Sessions | None = None  # nor that

    def __repr__(self) -> str:
        return f"<TokenRepository {self._name!r}>" if self._name is not None else "<TokenRepository>"

    @property
    def name(self) -> str | None:
        """What events call it."""
        return self._name

    async def token(self, *, rejected: Rejection | Token | None = None, min_valid_for: float = 0.0) -> Token:
        """Return a usable token, other than the `rejected` one, good for `min_valid_for` seconds where possible.

        Raises `SignInRequired`, `ConfigurationError`, `ServerUnavailable` or `StoreError`, unless there is still a
        valid token. Cancelling a call, or bounding it by `asyncio.timeout`, ends that call alone: the renewal goes on.
        """
        if rejected is None and not min_valid_for and (token := self.token_at_hand()) is not None:
            return token
        if isinstance(rejected, Rejection):
            return await self._ask(Question(rejected.token, min_valid_for, rejected.wish))
        return await self._ask(Question(rejected, min_valid_for))

    def token_at_hand(self) -> Token | None:
        """Return the token if it is fresh; None if `token()` has something to do first. No I/O, no error."""
        cached = self._keeper.cached
        if cached is not None and self._monotonic() < cached.fresh_until and self._time() < cached.fresh_until_wall:
            return cached.token
        return None

    async def renew(self) -> Token:
        """Obtain a new token now, however good the one at hand is, and even where the server is left alone for a while.

        Callers who ask together share one renewal. Raises what `token` raises.
        """
        if not self._keeper.known:
            await self._in_order(ANY)
            await self._keeper.look()
        cached = self._keeper.cached
        return await self._ask(Question(cached.token if cached is not None else None, insists=True))

    async def changed(self, token: Token | None) -> Token:
        """Wait until the token is another one than `token`, and return it: after a renewal, or a sign-in anywhere.

        Nothing is renewed for it. While a caller waits, the store is looked at every second, for what other processes
        write; one that fails is looked at again.
        """
        if self._changes is None:
            self._changes = Changes(self._keeper, self._trouble.clear)
        return await self._changes.other_than(token, self._flights.here().lock)

    @property
    def status(self) -> Status:
        """What is known now; nothing is read, asked or renewed."""
        keeper, error = self._keeper, self._trouble.error
        known, unsaved = keeper.known, keeper.unsaved
        return status_of(keeper.credential, keeper.cached, known=known, unsaved=unsaved, trouble=error, name=self._name)

    async def sign_in(self, grant: Grant) -> Token:
        """Obtain a credential by a grant other than the repository's own, such as a person's sign-in, and keep it.

        The store shows first that it could keep what comes, else `StoreError` is raised. A person is waited for without
        any lock, and cancelling ends that. What the grant redeems then is kept, though the caller is cancelled: it goes
        on by itself, as a renewal does. A live session that is replaced is revoked, as far as the server can be told.
        Raises what the grant raises, and `ConfigurationError` for what is no grant.
        """
        demand(grant, "obtain", "sign_in takes a grant, such as DeviceGrant(endpoint)")
        return await self._of_the_session._sessions.begin(grant, NO_WISH)  # noqa: SLF001  of its own kind

    async def sign_out(self) -> SignedOut:
        """Revoke the credential at the server, then delete it here, which happens even if the server cannot be told.

        The answer says whether the server confirmed (RFC 7009). Raises `ConfigurationError` for a credential of another
        endpoint or client, which is left alone, and `StoreError`.
        """
        return await self._of_the_session._sessions.end()  # noqa: SLF001  the same

    async def aclose(self) -> None:
        """Wait for a renewal or redemption under way, of narrowed tokens too, and save; no person is waited for.

        The repository can be used again afterwards.
        """
        flight = self._flights.here()
        await flight.landed()
        await self._close_those_beside()
        if self._signing is not None:
            await self._signing.landed()
        await finish(self._keeper.save_what_is_unsaved(flight.lock), grace=self._limits.shutdown)

    async def _ask(self, question: Question) -> Token:
        flight, question = self._flights.here(), self._asked(question)
        token = self._serve(flight, question)
        if token is not None:
            return token
        late = flight.in_the_air  # it may not know of our question: then there is one more
        token = await self._join(flight, question)
        if late and not question.accepts(token):
            token = self._serve(flight, question) or await self._join(flight, question)
        return token

    def _serve(self, flight: SingleFlight[Token], question: Question) -> Token | None:
        """Return the token at hand if it answers the question, renewing behind it where that is due.

        Raises the last failure for a moment, so that a thousand callers do not repeat it.
        """
        cached, trouble = self._keeper.cached, self._trouble.error
        may_try = question.insists or self._trouble.is_over(self._monotonic())
        answer = question.answer(cached)
        if cached is not None and (answer >= Answer.USABLE or (answer is Answer.SPARE and trouble is not None)):
            if may_try and (answer is not Answer.FRESH or self._keeper.unsaved):
                flight.start(partial(self._fly, flight, question))
            return cached.token
        if trouble is not None and not may_try:
            raise trouble.again()
        return None

    async def _join(self, flight: SingleFlight[Token], question: Question) -> Token:
        try:
            return await flight.join(partial(self._fly, flight, question))
        except TokenError:
            cached = self._keeper.cached
            if cached is not None and question.answer(cached) >= Answer.SPARE:
                return cached.token
            raise

    async def _fly(self, flight: SingleFlight[Token], question: Question) -> Token:
        """Renew, and remember how it went."""
        reason, began = question.reason(self._keeper.cached), self._monotonic()
        before = missing_scope(self._keeper.credential)
        try:
            try:
                await self._in_order(question)
                token = await self._keeper.renew(question, flight)
            except SignInRequired:
                if self._person is None or not flight.waiters or not self._person.may_be_asked:
                    raise
                token = await self._person.sign_in(self._sessions, flight, question)
        except Exception as cause:  # noqa: BLE001  a bug in a stranger's store or grant must hang no caller
            error = cause if isinstance(cause, TokenError) else unforeseen(cause)
            self._note(error, reason, flight.waits, self._monotonic() - began)
            raise error from error.__cause__
        self._trouble.clear()
        tell_what_is_missing(self._whole, self._tell, before=before)
        return token

    def _note(self, error: TokenError, reason: Reason, waits: tuple[float, ...], duration: float) -> None:
        credential = self._keeper.credential
        if self._trouble.note(error, credential, until=self._monotonic() + RENEWALS_APART):
            told = described(error, credential, self._time()) | {"server": asked(self._grant)}
            self._tell(RenewalFailed, reason=reason, waits=waits, duration=duration, **told)

    @property
    def _sessions(self) -> Sessions:
        if self._signing is None:
            self._signing = Sessions(
                self._grant,
                self._store,
                self._limits,
                keeper=self._keeper,
                trouble=self._trouble,
                tell=self._tell,
                begin_anew=self._begin_anew,
                lock=lambda: self._flights.here().lock,
            )
        return self._signing

    def _tell(self, kind: type[_EventT], **members: Any) -> _EventT:  # noqa: ANN401  each event has its own
        event = kind(at=self._time(), name=self._name, **members)
        notify(self._observer, event)
        if self._changes is not None:
            self._changes.announce()
        return event
