"""The aiohttp edge: puts a source's token on the requests of its origins, and on no other.

Theory of operation. aiohttp calls its middlewares for every hop of a request, redirects included, and again by itself
after some of its own errors. So nothing is remembered from one call to the next but what concerns the API as a whole:

1. The origin is looked at in each call. A middleware that does it once, or asks the session, hands the token to
   whatever a redirect leads to.
2. The header stands on the request only while the handler runs (`finally`). Responses and errors show a live view of
   the request's headers, and an outer middleware that retries must not take a leftover for the caller's own.
3. A rejection is answered at most once per call, in straight-line code: the rejected token is compared with the current
   one, so that a thousand requests in flight cause one renewal, and a body that can be sent only once goes out once.
4. No error of aiohttp's leaves here that comes from a token request: aiohttp would run the middlewares again, and the
   spent refresh token would be presented once more.

The hot path looks into the repository's memory itself and calls no method for it: this is every request's way.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ref

from aiohttp import ClientError, ClientRequest, ClientResponse
from aiohttp.hdrs import WWW_AUTHENTICATE
from multidict import istr

from aio_token._arguments import demand
from aio_token._bound.nonces import nonces_of
from aio_token._clock import SYSTEM_CLOCK
from aio_token._edge.again import closed_on_error, made_ready, taken_in
from aio_token._edge.attachable import Attachable
from aio_token._edge.bodies import prepare
from aio_token._edge.challenge import parse
from aio_token._edge.demands import wish_in
from aio_token._edge.dpop import concerning, proving
from aio_token._edge.evidence import Sent
from aio_token._edge.leaving import as_token_error
from aio_token._edge.notices import Notices
from aio_token._edge.origins import allowed_origins
from aio_token._edge.placement import header_named, value_after
from aio_token._edge.renew_on import UNAUTHORIZED, policy_of
from aio_token._edge.source import NO_CACHE, at_hand_of, cache_of, is_due
from aio_token._edge.step_up import step_up_of
from aio_token._edge.telling import telling
from aio_token._errors import TokenError
from aio_token._ground.public import public
from aio_token._pacing.budget import Budget, budgets_of
from aio_token._wish import NO_WISH, Rejection
from aio_token.events import Rejected, RenewalPaused, ReplayImpossible
from aio_token.observe.log import log_event

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from aiohttp import ClientHandlerType
    from yarl import URL

    from aio_token._clock import Clock
    from aio_token._interfaces import TokenSource
    from aio_token._token import Token
    from aio_token.events import Observer

    _Obtain = Callable[[], Awaitable[Token | None]]

REQUIRES_TOKEN = istr("requires-token")
"""The request header that, set to `false`, opts a request out; it is never sent."""

# Requests that opted out, for every BearerMiddleware of their chain: the first one takes the header away, and an outer
# middleware that retries calls the chain again with the same request. A plain set, for it is nearly always empty and
# the hot path asks whether it is.
_opted_out: set[ref[ClientRequest]] = set()


@public
class BearerMiddleware(Attachable):
    """An aiohttp client middleware that sends a bearer token (RFC 6750) to the named origins.

    Every call checks the origin anew, and aiohttp calls middlewares again on each redirect: the token goes nowhere
    else. A caller's own `Authorization` is never replaced, and `requires-token: false` opts a request out. An answer
    that a new token may better is answered by one renewal and one more request, if the body can be sent again.

    `required` False sends requests without a token where there is none; by default the `TokenError` is raised.
    `renew_on` says which answers mean "renew": by default a 401 that does not blame something else, and a 403 that says
    `invalid_token`; or a set of statuses; or a function of the response, which may be asynchronous and read 64 kB in
    250 ms. `header` and `prefix` are for APIs that want the token elsewhere. `step_up` is the scope that an origin may
    ask for by `insufficient_scope`, and gets for itself alone. `send_tokens_over_plain_http` allows http origins other
    than loopback. Raises `ConfigurationError` for what is not an origin, and for a source that is
    none. A request to an origin that was not named leaves a line at debug level, one for each origin.
    """

    def __init__(  # noqa: PLR0913  each has its default
        self,
        source: TokenSource,
        *origins: str | URL,
        required: bool = True,
        renew_on: Collection[int] | Callable[[ClientResponse], bool | Awaitable[bool]] | None = None,
        header: str = "Authorization",
        prefix: str = "Bearer",
        step_up: str | Collection[str] | None = None,
        send_tokens_over_plain_http: bool = False,
        observer: Observer | None = log_event,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        super().__init__()
        demand(source, "token", "a BearerMiddleware takes a source of tokens, such as TokenRepository(grant)")
        self._source = source
        self._at_hand = at_hand_of(source)
        self._policy = policy_of(renew_on)
        self._looks_from = self._policy.looks_from
        self._header, self._value = header_named(header), value_after(prefix)
        self._memory = cache_of(source)
        # The hot path serves what the memory holds as it is. What needs more has an empty one and goes the long way.
        self._is_plain = prefix == "Bearer" and not self._policy.compares
        self._cache = self._memory if self._is_plain and step_up is None else NO_CACHE
        self._monotonic, self._wall = self._cache.clock.monotonic, self._cache.clock.time
        self._origins = allowed_origins(origins, plain_http=send_tokens_over_plain_http)
        self._required = required
        self._tell = telling(observer, clock, getattr(source, "name", None))
        self._now = clock.monotonic
        self._budgets = budgets_of(source)
        self._proving = partial(proving, nonces=nonces_of(source), now=clock.time, tell=self._tell)
        self._notices = Notices()
        alike: dict[str, Any] = {"required": required, "renew_on": renew_on, "header": header, "prefix": prefix}
        alike |= {"send_tokens_over_plain_http": send_tokens_over_plain_http, "observer": observer, "clock": clock}
        self._step_up = step_up_of(step_up, source, partial(BearerMiddleware, **alike), clock)

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Send the request, with a token if it is one of ours."""
        headers, url, header = request.headers, request.url, self._header
        if REQUIRES_TOKEN in headers and headers.popall(REQUIRES_TOKEN)[-1].strip().lower() == "false":
            _opted_out.add(ref(request, _opted_out.discard))
        if url.raw_authority not in self._origins[url.scheme]:
            self._notices.passed_by(url)
            return await handler(request)
        if (_opted_out and ref(request) in _opted_out) or (
            header in headers and await self._notices.is_callers_own(request, header)
        ):
            return await handler(request)
        if request.proxy is not None or request._body is not None:  # noqa: SLF001  `body` is a property, and slower
            await prepare(request)
        cached = self._cache.cached
        if cached is not None and self._monotonic() < cached.plain_until and self._wall() < cached.fresh_until_wall:
            sent: Token | Sent = cached.token
        else:
            if self._step_up is not None and (wider := await self._step_up.serving(url, self)) is not None:
                return await wider(request, handler)
            fetched = await self._fetched(request)
            if fetched is None:
                return await handler(request)
            sent, handler = fetched, self._proving(handler, fetched)
        # What _sent_again() does, without a coroutine of its own.
        headers[header] = sent.authorization
        try:
            response = await handler(request)
        finally:
            if headers.get(header) is sent.authorization:
                del headers[header]
        if response.status >= self._looks_from:
            return await self._answered(request, handler, response, sent)
        return response

    async def _fetched(self, request: ClientRequest) -> Token | Sent | None:
        """Wait for a token; None if there is none and none is required."""
        try:
            return self._on_its_way(self._at_hand() or await self._source.token(), request)
        except (TokenError, ClientError, OSError) as error:
            if self._required:
                ours = as_token_error(error)
                raise ours from ours.__cause__
            return None

    def _on_its_way(self, token: Token, request: ClientRequest) -> Token | Sent:
        """Return what the request carries: the token itself, unless its header or its answer is out of the common."""
        if self._is_plain:
            return token
        sent = Sent(token, self._value(token))
        if self._policy.compares:
            self._policy.sending(sent, request)
        return sent

    async def _answered(
        self, request: ClientRequest, handler: ClientHandlerType, response: ClientResponse, sent: Token | Sent
    ) -> ClientResponse:
        """Return the answer, or what the request gets with another token if the answer asks for one."""
        token = sent.token if isinstance(sent, Sent) else sent
        challenges = concerning(parse(response.headers.getall(WWW_AUTHENTICATE, ())), token)
        wish, due = wish_in(challenges), is_due(self._memory, token)
        with closed_on_error(response):
            is_asked = await self._policy.means_renew(response, challenges, sent, is_due=due) or wish != NO_WISH
        if self._step_up is not None and (step := self._step_up.asked(response, challenges, token, self)) is not None:
            return await step.bearer._once_more(request, handler, response, step.obtained)  # noqa: SLF001  one of us
        if is_asked or response.status == UNAUTHORIZED:
            origin = str(request.url.origin())
            rejection = Rejection(token=token, origin=origin, wish=wish)
            self._tell(Rejected, origin=origin, fingerprint=token.fingerprint)
            if is_asked:
                return await self._rejected(request, handler, response, rejection, due=due)
        return response

    async def _rejected(
        self,
        request: ClientRequest,
        handler: ClientHandlerType,
        response: ClientResponse,
        rejection: Rejection,
        *,
        due: bool,
    ) -> ClientResponse:
        """Renew the rejected token and send the request once more, or return the response as it came."""
        origin = str(rejection.origin)
        budget = self._budgets.setdefault(origin, Budget())
        if not due and self._pauses(budget, rejection.token, origin):
            return response
        budget.asks(rejection.token, due=due)

        async def renewed() -> Token | None:
            token = await self._source.token(rejected=rejection)
            if token.same_as(rejection.token):
                return None
            budget.brought(token, rejection.token, self._now())
            return token

        return await self._once_more(request, handler, response, renewed)

    async def _once_more(
        self, request: ClientRequest, handler: ClientHandlerType, response: ClientResponse, obtain: _Obtain
    ) -> ClientResponse:
        """Send the request again with the token that is obtained, or return the response as it came."""
        replayable = not (request.body and request.body.consumed)
        if not replayable:
            # The next request has the new token; sent again, this one would carry an empty body (law B4).
            self._tell(ReplayImpossible, origin=str(request.url.origin()), method=request.method)
        whole = await taken_in(request, response, replayable=replayable)
        token = await self._obtained(response, obtain, required=replayable)
        if token is None or not replayable:
            return response
        await made_ready(request, response, whole=whole)
        return await self._sent_again(request, handler, response.status, self._on_its_way(token, request))

    async def _sent_again(
        self, request: ClientRequest, handler: ClientHandlerType, refused_with: int, sent: Token | Sent
    ) -> ClientResponse:
        """Put the token on the request for as long as the handler runs.

        Whatever an inner middleware put there instead stays (law A6).
        """
        headers, header = request.headers, self._header
        headers[header] = sent.authorization
        try:
            response = await self._proving(handler, sent)(request)
        finally:
            if headers.get(header) is sent.authorization:
                del headers[header]
        in_vain = response.status == refused_with >= UNAUTHORIZED
        if isinstance(sent, Sent):
            sent.got(response, in_vain=in_vain)
        if in_vain:
            origin = str(request.url.origin())
            self._pauses(
                self._budgets.setdefault(origin, Budget()), sent.token if isinstance(sent, Sent) else sent, origin
            )
        return response

    async def _obtained(self, response: ClientResponse, obtain: _Obtain, *, required: bool) -> Token | None:
        """Return another token; None if there is none, and the rejected response is what the caller gets."""
        with closed_on_error(response):
            try:
                return await obtain()
            except (TokenError, ClientError, OSError) as error:
                if not (required and self._required):
                    return None
                ours = as_token_error(error)
                raise ours from ours.__cause__

    def _pauses(self, budget: Budget, sent: Token, origin: str) -> bool:
        """Whether this token is not renewed now, since it came of a rejection by this API itself (law B6)."""
        left = budget.left(sent, self._now())
        if left and budget.is_news():
            self._tell(RenewalPaused, origin=origin, seconds=left)
        return left > 0
