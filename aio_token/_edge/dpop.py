"""Proofs of possession on requests (RFC 9449 sections 7 and 9): beneath the middleware, one for each time it sends.

Theory of operation. The middleware puts a token's `Authorization` on a request and calls the handler. Where the token
is bound to a key, that handler is one of these: it puts the proof beside it, sends, and takes the proof off again. An
answer may bring a nonce, which all later proofs for its origin carry. A 401 that wants another one, or shows that the
clocks differ, is answered by sending once more: at most once for each hop of a request, whatever else the middleware
sends again, and nothing is renewed for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp.hdrs import DATE, WWW_AUTHENTICATE
from multidict import istr

from aio_token._bound.token import DPoPToken, target
from aio_token._edge.again import made_ready, taken_in
from aio_token._edge.challenge import Challenge, parse
from aio_token._edge.evidence import Sent
from aio_token._edge.origins import origin_asked
from aio_token._errors import ConfigurationError
from aio_token.events import ReplayImpossible
from aio_token.oauth.skew import Skew

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

    from aio_token._bound.nonces import Nonces
    from aio_token._token import Token

_PROOF, _NONCE = istr("DPoP"), istr("DPoP-Nonce")
_UNAUTHORIZED = 401


class Proving:
    """The handler of one hop, with the proofs of one token."""

    def __init__(
        self,
        handler: ClientHandlerType,
        token: DPoPToken,
        nonces: Nonces,
        now: Callable[[], float],
        tell: Callable[..., None],
    ) -> None:
        self.handler: ClientHandlerType = handler
        self.has_repeated: bool = False
        self._token = token
        self._nonces = nonces
        self._now = now
        self._tell = tell

    async def __call__(self, request: ClientRequest) -> ClientResponse:
        """Send the request with a proof of its own, and once more if the server takes only another one."""
        origin = origin_asked(request.url)
        response, is_wanted_again = await self._sent(request, origin)
        if not is_wanted_again or self.has_repeated:
            return response
        if request.body and request.body.consumed:
            # The next request has the nonce; sent again, this one would carry an empty body (law B4).
            self._tell(ReplayImpossible, origin=origin, method=request.method)
            return response
        self.has_repeated = True
        whole = await taken_in(request, response, replayable=True)
        await made_ready(request, response, whole=whole)
        return (await self._sent(request, origin))[0]

    async def _sent(self, request: ClientRequest, origin: str) -> tuple[ClientResponse, bool]:
        nonce, headers = self._nonces.of(origin), request.headers
        asked_at = self._now()
        try:
            proof = self._token.key.proof(
                request.method,
                target(request.url),
                at=asked_at + self._nonces.ahead(origin),
                ath=self._token.ath,
                nonce=nonce,
            )
        except ValueError as error:
            message = f"{error}; sign in again"
            raise ConfigurationError(message) from None
        headers[_PROOF] = proof
        try:
            response = await self.handler(request)
        finally:
            if headers.get(_PROOF) is proof:
                del headers[_PROOF]
        has_nonce = self._nonces.learn(origin, response.headers.get(_NONCE), used=nonce)
        if response.status != _UNAUTHORIZED:
            return response, False
        has_learnt = self._has_learnt_the_time(origin, response, asked_at)  # APIs blame the token for it as well
        challenges = parse(response.headers.getall(WWW_AUTHENTICATE, ()))
        wants_nonce = any(each.parameters.get("error") == "use_dpop_nonce" for each in challenges)
        return response, has_nonce if wants_nonce else has_learnt

    def _has_learnt_the_time(self, origin: str, response: ClientResponse, asked_at: float) -> bool:
        """Whether the origin's clock turns out to be another one than was thought (law D14)."""
        skew = Skew()
        skew.seconds = round(self._nonces.ahead(origin))
        has_learnt = skew.learn(response.headers.get(DATE, ""), asked_at=asked_at, now=self._now())
        self._nonces.learn_clock(origin, skew.seconds)
        return has_learnt


def proving(
    handler: ClientHandlerType,
    sent: Token | Sent,
    *,
    nonces: Nonces,
    now: Callable[[], float],
    tell: Callable[..., None],
) -> ClientHandlerType:
    """Return the handler that sends what is to be sent: the one given, unless the token is bound to a key.

    The one that is given may have sent another token of the same hop.
    """
    token = sent.token if isinstance(sent, Sent) else sent
    earlier = handler if isinstance(handler, Proving) else None
    plain = handler if earlier is None else earlier.handler
    if not isinstance(token, DPoPToken):
        return plain
    bound = Proving(plain, token, nonces, now, tell)
    bound.has_repeated = earlier is not None and earlier.has_repeated
    return bound


def concerning(challenges: Iterable[Challenge], token: Token) -> list[Challenge]:
    """Return an answer's challenges as they concern the token; those for bound tokens are read as Bearer's are.

    An API that knows both kinds names both (RFC 9449 section 7.2); one that names Bearer alone means it.
    """
    found = list(challenges)
    if not isinstance(token, DPoPToken):
        return found
    own = [Challenge("bearer", each.parameters) for each in found if each.scheme == "dpop"]
    return [*own, *(each for each in found if each.scheme not in {"dpop", "bearer"})] if own else found
