"""The aiohttp edge: puts a source's token on the requests of its origins, and on no other.

Theory of operation. aiohttp calls its middlewares for every hop of a request, redirects included, and again by itself
after some of its own errors. So nothing is remembered from one call to the next but what concerns the API as a whole:

1. The origin is looked at in each call. A middleware that does it once, or asks the session, hands the token to
   whatever a redirect leads to.
2. The header stands on the request only while the handler runs (`finally`). Responses and errors show a live view of
   the request's headers, and an outer middleware that retries must not take a leftover for the caller's own.
3. A 401 is answered at most once per call, in straight-line code: the rejected token is compared with the current one,
   so that a thousand requests in flight cause one renewal, and a body that can be sent only once is not sent twice.
4. No error of aiohttp's leaves here that comes from a token request: aiohttp would run the middlewares again, and the
   spent refresh token would be presented once more.

The hot path looks into the repository's memory itself and calls no method for it: this is every request's way.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any
from weakref import ref

from aiohttp import ClientError, ClientRequest, ClientResponse
from aiohttp.hdrs import AUTHORIZATION, CONTENT_ENCODING, EXPECT, SET_COOKIE, WWW_AUTHENTICATE
from multidict import istr

from aio_token._arguments import demand
from aio_token._clock import SYSTEM_CLOCK
from aio_token._edge.ambient import filled_in_by_client
from aio_token._edge.bodies import ready_to_send
from aio_token._edge.budget import Budget, budgets_of
from aio_token._edge.challenge import asks_for_renewal
from aio_token._edge.origins import allowed_origins, refuse_proxy
from aio_token._errors import TokenError, unforeseen, without_frames
from aio_token._freshness import Caching
from aio_token._ground.public import public
from aio_token._interfaces import AtHand
from aio_token._token import Unpicklable
from aio_token._wish import Rejection
from aio_token.events import Rejected, RenewalPaused, ReplayImpossible, notify
from aio_token.observe.log import log_event

if TYPE_CHECKING:
    from aiohttp import ClientHandlerType
    from yarl import URL

    from aio_token._clock import Clock
    from aio_token._freshness import CachedToken
    from aio_token._interfaces import TokenSource
    from aio_token._token import Token
    from aio_token.events import Event, Observer

REQUIRES_TOKEN = istr("requires-token")
"""The request header that, set to `false`, opts a request out; it is never sent."""

_UNAUTHORIZED = 401
_SMALL_BODY = 65_536  # bytes; a refused response up to this size is read, so that its connection can be used again
_BODY_PATIENCE = 0.25  # seconds
_STRANGERS = 100  # origins; who looks for a missing token has found the line by then

_logger = logging.getLogger("aio_token")

# Requests that opted out, for every BearerMiddleware of their chain: the first one takes the header away, and an outer
# middleware that retries calls the chain again with the same request. A plain set, for it is nearly always empty and
# the hot path asks whether it is.
_opted_out: set[ref[ClientRequest]] = set()


@public
class BearerMiddleware(Unpicklable):
    """An aiohttp client middleware that sends a bearer token (RFC 6750) to the named origins.

    Every call checks the origin anew, and aiohttp calls middlewares again on each redirect: the token goes nowhere
    else. A caller's own `Authorization` is never replaced, and `requires-token: false` opts a request out. A 401 that a
    new token may satisfy is answered by one renewal and one more request, if the body can be sent again.

    `required` False sends requests without a token where there is none; by default the `TokenError` is raised.
    `renew_without_challenge` False lets a 401 without `WWW-Authenticate` through. `send_tokens_over_plain_http` allows
    http origins other than loopback. Raises `ConfigurationError` for what is not an origin, and for a source that is
    none. A request to an origin that was not named leaves a line at debug level, one for each origin.
    """

    def __init__(
        self,
        source: TokenSource,
        *origins: str | URL,
        required: bool = True,
        renew_without_challenge: bool = True,
        send_tokens_over_plain_http: bool = False,
        observer: Observer | None = log_event,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        demand(source, "token", "a BearerMiddleware takes a source of tokens, such as TokenRepository(grant)")
        self._source = source
        self._at_hand = source.token_at_hand if isinstance(source, AtHand) else _nothing
        cache = getattr(source, "_keeper", None)
        self._cache = cache if isinstance(cache, Caching) else _NO_CACHE
        self._monotonic, self._wall = self._cache.clock.monotonic, self._cache.clock.time
        self._name: str | None = getattr(source, "name", None)
        self._origins = allowed_origins(origins, plain_http=send_tokens_over_plain_http)
        self._required = required
        self._renew_without_challenge = renew_without_challenge
        self._observer = observer
        self._clock = clock
        self._budgets = budgets_of(source)
        self._strangers: set[str] = set()

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Send the request, with a token if it is one of ours."""
        headers, url = request.headers, request.url
        if REQUIRES_TOKEN in headers and headers.popall(REQUIRES_TOKEN)[-1].strip().lower() == "false":
            _opted_out.add(ref(request, _opted_out.discard))
        if url.raw_authority not in self._origins[url.scheme]:
            if len(self._strangers) < _STRANGERS:
                self._pass_by(url)
            return await handler(request)
        if (_opted_out and ref(request) in _opted_out) or (
            AUTHORIZATION in headers and not await filled_in_by_client(request)
        ):
            return await handler(request)
        if request.proxy is not None or request._body is not None:  # noqa: SLF001  `body` is a property, and slower
            await _prepare(request)
        cached = self._cache.cached
        if cached is not None and self._monotonic() < cached.fresh_until and self._wall() < cached.fresh_until_wall:
            token = cached.token
        else:
            fetched = await self._fetched()
            if fetched is None:
                return await handler(request)
            token = fetched
        # What _send() does, for a bearer token and without a coroutine of its own: its header is always the same.
        headers[AUTHORIZATION] = token.authorization
        try:
            response = await handler(request)
        finally:
            if headers.get(AUTHORIZATION) is token.authorization:
                del headers[AUTHORIZATION]
        if response.status == _UNAUTHORIZED:
            return await self._rejected(request, handler, response, token)
        return response

    async def _fetched(self) -> Token | None:
        """Wait for a token; None if there is none and none is required."""
        try:
            return self._at_hand() or await self._source.token()
        except (TokenError, ClientError, OSError) as error:
            if self._required:
                ours = _as_token_error(error)
                raise ours from ours.__cause__
            return None

    async def _rejected(
        self, request: ClientRequest, handler: ClientHandlerType, response: ClientResponse, sent: Token
    ) -> ClientResponse:
        """Renew the rejected token and send the request once more, or return the response as it came."""
        origin = str(request.url.origin())
        self._tell(Rejected, origin=origin, fingerprint=sent.fingerprint)
        challenges = response.headers.getall(WWW_AUTHENTICATE, ())
        if not asks_for_renewal(challenges, without_challenge=self._renew_without_challenge):
            return response
        budget = self._budgets.setdefault(origin, Budget())
        if self._pauses(budget, sent, origin):
            return response
        replayable = not (request.body and request.body.consumed)
        if not replayable:
            # The next request has the new token; sent again, this one would carry an empty body (law B4).
            self._tell(ReplayImpossible, origin=origin, method=request.method)
        whole = replayable and await _read_if_small(response)
        # The session does not see a response that is swallowed; one that it sees sets its cookies twice, which is once.
        request.session.cookie_jar.update_cookies_from_headers(response.headers.getall(SET_COOKIE, ()), response.url)
        token = await self._renewed(response, Rejection(token=sent, origin=origin), required=replayable)
        if token is None or token.same_as(sent):
            return response
        budget.brought(token, self._clock.monotonic())
        if not replayable:
            return response
        if not whole:
            response.close()  # before the next one is asked for: the connector may have one connection only
        await request.close()  # the writer of the rejected request lets go of the body
        if request.body:
            await ready_to_send(request.body)
        if EXPECT in request.headers:
            request.update_expect_continue()  # the server said 401 instead of 100: this time it may say 100
        response = await _send(request, handler, token)
        if response.status == _UNAUTHORIZED:
            self._pauses(budget, token, origin)
        return response

    async def _renewed(self, response: ClientResponse, rejection: Rejection, *, required: bool) -> Token | None:
        """Return another token; None if there is none, and the rejected response is what the caller gets."""
        try:
            return await self._source.token(rejected=rejection)
        except (TokenError, ClientError, OSError) as error:
            if not (required and self._required):
                return None
            response.close()
            ours = _as_token_error(error)
            raise ours from ours.__cause__
        except BaseException:
            response.close()
            raise

    def _pauses(self, budget: Budget, sent: Token, origin: str) -> bool:
        """Whether this token is not renewed now, since it came of a rejection by this API itself (law B6)."""
        left = budget.left(sent, self._clock.monotonic())
        if left and budget.is_news():
            self._tell(RenewalPaused, origin=origin, seconds=left)
        return left > 0

    def _pass_by(self, url: URL) -> None:
        """Say once for each origin that its requests get no token: it may be meant to have one."""
        origin = f"{url.scheme}://{url.raw_authority.rpartition('@')[2]}"
        if origin not in self._strangers:
            self._strangers.add(origin)
            _logger.debug("no token for %s, which is not among the origins of this middleware", origin)

    def _tell(self, kind: type[Event], **members: Any) -> None:  # noqa: ANN401  each event has its own
        notify(self._observer, kind(at=self._clock.time(), name=self._name, **members))


async def _prepare(request: ClientRequest) -> None:
    """Look at what few requests have: a proxy on their way (law A2), a body that may have to be sent again (law B4)."""
    if request.proxy is not None:
        refuse_proxy(request.url)
    await ready_to_send(request.body)


async def _send(request: ClientRequest, handler: ClientHandlerType, token: Token) -> ClientResponse:
    """Put the token on the request for as long as the handler runs.

    Whatever an inner middleware put there instead stays (law A6).
    """
    headers = request.headers
    headers[AUTHORIZATION] = token.authorization  # what a bearer token's `headers()` are, for any method and address
    try:
        return await handler(request)
    finally:
        if headers.get(AUTHORIZATION) is token.authorization:
            del headers[AUTHORIZATION]


async def _read_if_small(response: ClientResponse) -> bool:
    """Read a refused response that is short and at hand, and tell whether it was; its connection is free then."""
    length = response.content_length
    if length is None or length > _SMALL_BODY or CONTENT_ENCODING in response.headers:  # compressed: of any size
        return False
    patience = asyncio.timeout(_BODY_PATIENCE)
    try:
        async with patience:
            await response.read()
    except TimeoutError:
        if not patience.expired():  # it is the caller's own ClientTimeout
            raise
        return False
    except ClientError:
        return False
    return True


class _NoCache:
    """Stands in for the memory of a source that is not a repository."""

    cached: CachedToken | None = None
    clock = SYSTEM_CLOCK


_NO_CACHE: Caching = _NoCache()


def _nothing() -> None:
    """Stand in for a source that has to be awaited."""


def _as_token_error(error: Exception) -> TokenError:
    """Return what may leave the middleware: on some errors of its own aiohttp runs all middlewares again (law D10)."""
    if isinstance(error, TokenError):
        return error
    without_frames(error)
    return unforeseen(error)
