"""An API on loopback that wants bearer tokens, and says what it saw."""

from __future__ import annotations

import hashlib
import time
from collections import deque
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from aiohttp import WSMsgType, web
from yarl import URL

from aio_token._ground.public import public
from aio_token.testing.certificates import shown_to, thumbprint_of
from aio_token.testing.dpop import NONCE, ProofCheck, challenge_of
from aio_token.testing.loopback import LoopbackServer
from aio_token.testing.refusal import INVALID_TOKEN, NO_TOKEN, Refusal
from aio_token.testing.seen_request import SeenRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp.typedefs import Handler

_WELL_KNOWN = "/.well-known/oauth-protected-resource"
_REMEMBERED = 10_000  # requests


@public
class TokenCheck(Protocol):
    """Knows good tokens: an `AuthorizationServer`, for one."""

    def accepts(self, access_token: str) -> bool:
        """Whether the access token counts."""
        ...


@runtime_checkable
class _Binding(Protocol):
    def certificate_of(self, access_token: str) -> str | None: ...


@public
@dataclass(kw_only=True, eq=False, repr=False)
class ProtectedAPI(LoopbackServer):
    """Answers every path, method and body, to those who bring a token that `server` accepts.

        async with AuthorizationServer() as server, ProtectedAPI(server) as api: ...

    The answer is JSON: `method`, `path`, and the `size` and `sha256` of the body. `/ws` is a WebSocket that says
    everything back. `handlers`, by their paths, answer instead where a good token came; a path may have a `*`, such as
    `/orders/*`, and the first that fits is asked. `/public` wants no token, nor does `/redirect?to=URL&status=307`,
    which redirects. The endpoints for `inject` and `hold` are `api` (the default), `ws`, `public` and `redirect`.

    A token that is bound to a key (RFC 9449) counts with a proof by that key, made for the very request, and never as
    Bearer. `dpop_nonce` is what proofs have to carry, and every answer says it; put another one in its place at any
    time. One that is bound to a certificate (RFC 8705) counts where that is shown, over the `ssl_context` of a
    `CertificateAuthority`.

    With `resource`, a path such as `/mcp`, or "" for all of it, the API describes itself (RFC 9728): its refusals say
    where the metadata is, which names `server` and is served as the endpoint `oauth-protected-resource`, and a token
    that was asked for another resource does not count. `metadata` has members that replace those of the metadata.

    Who brings a token that does not count gets `refusal`, who brings none `refusal_without_token`; with `always_refuse`
    everybody gets `refusal`. `requests`, `accepted` and `refused` count, `seen` holds the last ten thousand requests.
    """

    main_endpoint = "api"

    server: TokenCheck = field(kw_only=False)
    refusal: Refusal = INVALID_TOKEN
    refusal_without_token: Refusal = NO_TOKEN
    always_refuse: bool = False
    dpop_nonce: str | None = None
    handlers: Mapping[str, Handler] = field(default_factory=dict)
    resource: str | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    requests: int = field(default=0, init=False)
    accepted: int = field(default=0, init=False)
    refused: int = field(default=0, init=False)
    seen: deque[SeenRequest] = field(default_factory=lambda: deque(maxlen=_REMEMBERED), init=False)
    _proofs: ProofCheck = field(default_factory=lambda: ProofCheck(time.time), init=False)

    def __repr__(self) -> str:
        return f"<ProtectedAPI {self.url} requests={self.requests} refused={self.refused}>"

    @property
    def authorizations(self) -> list[str | None]:
        """The `Authorization` headers that came, one entry a request."""
        return [request.headers.get("Authorization") for request in self.seen]

    @property
    def resource_url(self) -> str:
        """The name that the API gives itself."""
        return f"{self.url}{self.resource or ''}"

    @property
    def metadata_url(self) -> str:
        """Where the metadata is (RFC 9728 section 3.1)."""
        return f"{self.url}{_WELL_KNOWN}{self.resource or ''}"

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/ws", self._websocket, name="ws"),
            web.route("*", "/public", self._echo, name="public"),
            web.route("*", "/redirect", self._redirect, name="redirect"),
            web.get(f"{_WELL_KNOWN}{{path:.*}}", self._describe, name="oauth-protected-resource"),
            web.route("*", "/{path:.*}", self._api, name="api"),
        ]

    async def note(self, endpoint: str | None, request: web.Request) -> None:
        """Count a request."""
        self.requests += 1
        self.seen.append(SeenRequest(method=request.method, path=request.path, headers=request.headers))

    async def put_on(self, request: web.Request, response: web.StreamResponse) -> None:
        """Say the nonce that proofs have to carry."""
        if self.dpop_nonce is not None:
            response.headers[NONCE] = self.dpop_nonce

    async def _api(self, request: web.Request) -> web.StreamResponse:
        if refusal := self._judge(request):
            return await refusal.respond(request)
        own = (handler for path, handler in self.handlers.items() if fnmatchcase(request.path, path))
        return await next(own, self._echo)(request)

    async def _describe(self, request: web.Request) -> web.StreamResponse:
        if self.resource is None or request.path != URL(self.metadata_url).path:
            return web.json_response({}, status=404)
        members = {
            "resource": self.resource_url,
            "authorization_servers": [getattr(self.server, "issuer", None)],
            "bearer_methods_supported": ["header"],
        }
        return web.json_response(
            {name: value for name, value in {**members, **self.metadata}.items() if value is not ...}
        )

    async def _echo(self, request: web.Request) -> web.StreamResponse:
        digest, size = hashlib.sha256(), 0
        async for piece in request.content.iter_any():
            digest.update(piece)
            size += len(piece)
        return web.json_response(
            {"method": request.method, "path": request.path, "size": size, "sha256": digest.hexdigest()}
        )

    async def _redirect(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=int(request.query.get("status", "302")), headers={"Location": request.query["to"]})

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        if refusal := self._judge(request):
            return await refusal.respond(request)
        websocket = web.WebSocketResponse()
        await websocket.prepare(request)
        async for message in websocket:
            say = websocket.send_str if message.type is WSMsgType.TEXT else websocket.send_bytes
            await say(message.data)
        return websocket

    def _judge(self, request: web.Request) -> Refusal | None:
        scheme, _, access_token = request.headers.get("Authorization", "").partition(" ")
        if self.always_refuse:
            refusal = self.refusal
        elif scheme.lower() not in {"bearer", "dpop"}:
            refusal = self.refusal_without_token
        elif (
            not self.server.accepts(access_token)
            or not self._shows_its_certificate(access_token, request)
            or self._is_for_another(access_token)
        ):
            refusal = self.refusal
        elif challenge := challenge_of(request, self.server, self._proofs, scheme, access_token, self.dpop_nonce):
            refusal = Refusal(challenges=(challenge,))
        else:
            self.accepted += 1
            return None
        self.refused += 1
        refusal = _to_dpop(refusal) if scheme.lower() == "dpop" else refusal
        return refusal if self.resource is None else refusal.pointing_to(self.metadata_url)

    def _shows_its_certificate(self, access_token: str, request: web.Request) -> bool:
        bound_to = self.server.certificate_of(access_token) if isinstance(self.server, _Binding) else None
        return bound_to is None or bound_to == thumbprint_of(shown_to(request))

    def _is_for_another(self, access_token: str) -> bool:
        audience_of: Any = getattr(self.server, "audience_of", None)
        audience = audience_of(access_token) if self.resource is not None and audience_of is not None else None
        return audience is not None and audience != self.resource_url


def _to_dpop(refusal: Refusal) -> Refusal:
    """Return what is answered where a bound token came (RFC 9449 section 7.1)."""
    own = [f"DPoP{each.removeprefix('Bearer')}" if each.startswith("Bearer") else each for each in refusal.challenges]
    return replace(refusal, challenges=tuple(own))
