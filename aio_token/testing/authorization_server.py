"""An OAuth 2 authorization server on loopback that rotates, counts, and misbehaves on request."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from aiohttp import web

from aio_token._credential import Credential, IssuedBy
from aio_token._ground.public import public
from aio_token._token import Token
from aio_token.testing.dpop import ALGORITHMS, NONCE, challenge_of
from aio_token.testing.exchanging import let_services_exchange
from aio_token.testing.ledger import Ledger
from aio_token.testing.loopback import LoopbackServer
from aio_token.testing.oauth import OAuth
from aio_token.testing.people import People
from aio_token.testing.registered_client import SECRET, RegisteredClient
from aio_token.testing.registering import met_by_document, registered
from aio_token.testing.rules import Rules
from aio_token.testing.seen_request import SeenRequest
from aio_token.testing.signing_in import let_people_sign_in, send_back

_URN = "urn:ietf:params:oauth:grant-type:"
_GRANTS = (
    *("refresh_token", "client_credentials", "password", "authorization_code"),
    *(f"{_URN}{name}" for name in ("device_code", "token-exchange", "jwt-bearer")),
)
_AUTH_METHODS = (
    *("client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"),
    *("tls_client_auth", "self_signed_tls_client_auth"),
)
_REMEMBERED = 1_000  # requests


@public
@dataclass(kw_only=True, eq=False, repr=False)
class AuthorizationServer(Rules, LoopbackServer):
    """Serves RFC 6749's token and authorization endpoints, and what is beside them, while its block lasts.

        async with AuthorizationServer(lifetime=2.0) as server:
            refresh_token = server.sign_in()

    The arguments are those of `Rules`, lifetimes and `grace` in seconds, and: `clients`, by default a confidential
    `bot` and a public `app`; `users` with their passwords; `at_the_browser`, who agrees when a browser comes to the
    authorization endpoint, None for one who does not; `path`, put before every endpoint's path, as an issuer with a
    path has it; `metadata`, members that replace those of the metadata; `host` and `ssl_context`, that of a
    `CertificateAuthority` for clients with certificates.

    `requests` counts token requests by grant, whatever became of them; `seen` holds the last thousand. The endpoints
    for `inject` and `hold` are `token` (the default), `revoke`, `introspect`, `authorize`, `par`,
    `device_authorization`, `userinfo`, `register`, `oauth-authorization-server` and `openid-configuration`.
    `registrations` counts the programs that have registered themselves.
    """

    main_endpoint = "token"

    clients: dict[str, RegisteredClient] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=lambda: {"ada": "lovelace"})
    at_the_browser: str | None = "ada"
    path: str = ""
    metadata: dict[str, object] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter, init=False)
    registrations: int = field(default=0, init=False)
    seen: deque[SeenRequest] = field(default_factory=lambda: deque(maxlen=_REMEMBERED), init=False)

    def __post_init__(self) -> None:
        if not self.clients:
            self.register(RegisteredClient("bot", SECRET))
            self.register(RegisteredClient("app"))
        self._ledger: Ledger = Ledger(self, lambda: self.issuer)
        self._people = People(self, lambda: self.issuer)
        self._oauth = OAuth(self._ledger, self.clients, self.users, lambda: [self.token_url, self.issuer], self._people)
        let_people_sign_in(self._oauth)
        let_services_exchange(self._oauth)

    def __repr__(self) -> str:
        return f"<AuthorizationServer {self.issuer} requests={dict(self.requests)} reused={self.reused}>"

    @property
    def issuer(self) -> str:
        """The issuer's address (RFC 8414)."""
        return f"{self.url}{self.path}"

    @property
    def token_url(self) -> str:
        """The token endpoint's address."""
        return f"{self.issuer}/token"

    @property
    def revocation_url(self) -> str:
        """The revocation endpoint's address."""
        return f"{self.issuer}/revoke"

    @property
    def introspection_url(self) -> str:
        """The introspection endpoint's address."""
        return f"{self.issuer}/introspect"

    @property
    def authorization_url(self) -> str:
        """The authorization endpoint's address; it sends browsers back at once, to loopback addresses only."""
        return f"{self.issuer}/authorize"

    @property
    def pushed_authorization_request_url(self) -> str:
        """The address where authorization requests are pushed to (RFC 9126)."""
        return f"{self.issuer}/par"

    @property
    def device_authorization_url(self) -> str:
        """The device authorization endpoint's address."""
        return f"{self.issuer}/device_authorization"

    @property
    def userinfo_url(self) -> str:
        """The user-info endpoint's address, an API that takes any token of this server."""
        return f"{self.issuer}/userinfo"

    @property
    def registration_url(self) -> str:
        """The registration endpoint's address."""
        return f"{self.issuer}/register"

    @property
    def client(self) -> RegisteredClient:
        """The client that was registered first."""
        return next(iter(self.clients.values()))

    def register(self, client: RegisteredClient) -> RegisteredClient:
        """Make a client known, or replace one."""
        self.clients[client.client_id] = client
        return client

    @property
    def refreshes(self) -> int:
        """How many refreshes succeeded."""
        return self._ledger.refreshes

    @property
    def reused(self) -> int:
        """How often a refresh token came that had been spent before."""
        return self._ledger.reused

    @property
    def forgiven(self) -> int:
        """How many of those came within the grace window."""
        return self._ledger.forgiven

    @property
    def expiries(self) -> int:
        """How many access tokens have come to the end of their lifetime."""
        return self._ledger.expiries

    def issue(self, *, client_id: str | None = None, user: str = "ada", scope: str | None = None) -> dict[str, Any]:
        """Sign a user in without any request, and return the members of the token answer."""
        return self._ledger.issue(client_id or self.client.client_id, user, scope, refreshable=True)

    def sign_in(self, *, client_id: str | None = None, user: str = "ada", scope: str | None = None) -> str:
        """Sign a user in without any request, and return the first refresh token."""
        refresh_token: str = self.issue(client_id=client_id, user=user, scope=scope)["refresh_token"]
        return refresh_token

    def credential(self, *, client_id: str | None = None, user: str = "ada", scope: str | None = None) -> Credential:
        """Sign a user in without any request, and return what a repository would have stored."""
        client_id = client_id or self.client.client_id
        answer, now = self.issue(client_id=client_id, user=user, scope=scope), self.clock.time()
        return Credential(
            token=Token(access_token=answer["access_token"], expires_at=now + self.lifetime, scope=scope),
            obtained_at=now,
            refresh_token=answer["refresh_token"],
            issued_by=IssuedBy(token_endpoint=self.token_url, client_id=client_id, scope=scope),
        )

    @property
    def user_codes(self) -> list[str]:
        """The codes that devices show and nobody has entered."""
        return [device.user_code for device in self._people.waiting()]

    def approve(self, user_code: str, *, user: str = "ada") -> None:
        """Let a device in that shows this code. Raises LookupError if none does."""
        self._people.answer(user_code, user, approved=True)

    def deny(self, user_code: str) -> None:
        """Decline, for the device that shows this code. Raises LookupError if none does."""
        self._people.answer(user_code, "", approved=False)

    def accepts(self, access_token: str) -> bool:
        """Whether the access token counts: issued here, not revoked, not ended."""
        return self._ledger.active(access_token) is not None

    def bound_to(self, access_token: str) -> str | None:
        """Return the thumbprint of the key that the access token is bound to (RFC 9449), None for a bearer token."""
        token = self._ledger.active(access_token)
        return None if token is None else token.key

    def certificate_of(self, access_token: str) -> str | None:
        """Return the `x5t#S256` of the certificate that a token is bound to, None for none (RFC 8705 section 3)."""
        token = self._ledger.active(access_token)
        return None if token is None else token.certificate

    def audience_of(self, access_token: str) -> str | None:
        """Return which resource the access token was asked for, None for none, or for a token that does not count."""
        token = self._ledger.active(access_token)
        return token.family.audience if token is not None else None

    def revoke_all(self) -> None:
        """Revoke every token that was issued so far."""
        self._ledger.revoke_all()

    def revoke_access_tokens(self) -> None:
        """Revoke every access token that was issued so far, and leave the refresh tokens."""
        self._ledger.revoke_access_tokens()

    def routes(self) -> list[web.RouteDef]:
        """Return the endpoints."""
        well_known = "/.well-known"
        return [
            web.post(f"{self.path}/token", self._oauth.token, name="token"),
            web.post(f"{self.path}/revoke", self._oauth.revocation, name="revoke"),
            web.post(f"{self.path}/introspect", self._oauth.introspection, name="introspect"),
            web.get(f"{self.path}/authorize", self._authorize, name="authorize"),
            web.post(f"{self.path}/par", self._oauth.pushed_authorization, name="par"),
            web.post(
                f"{self.path}/device_authorization", self._oauth.device_authorization, name="device_authorization"
            ),
            web.get(f"{self.path}/userinfo", self._userinfo, name="userinfo"),
            web.post(f"{self.path}/register", self._register, name="register"),
            # RFC 8414 puts the issuer's path behind, OpenID Connect Discovery before.
            web.get(
                f"{well_known}/oauth-authorization-server{self.path}", self._metadata, name="oauth-authorization-server"
            ),
            web.get(f"{self.path}{well_known}/openid-configuration", self._metadata, name="openid-configuration"),
        ]

    async def note(self, endpoint: str | None, request: web.Request) -> None:
        """Count a token request, before anything can go wrong with it."""
        if endpoint == "token":
            form = await request.post()
            self.requests[str(form.get("grant_type", ""))] += 1
            self.seen.append(SeenRequest(method=request.method, path=request.path, headers=request.headers, form=form))

    async def put_on(self, request: web.Request, response: web.StreamResponse) -> None:
        """Say the nonce that proofs have to carry."""
        if self.dpop and self.dpop_nonce is not None:
            response.headers[NONCE] = self.dpop_nonce

    async def _metadata(self, request: web.Request) -> web.Response:
        members = {
            "issuer": self.issuer,
            "token_endpoint": self.token_url,
            "revocation_endpoint": self.revocation_url,
            "introspection_endpoint": self.introspection_url,
            "userinfo_endpoint": self.userinfo_url,
            "authorization_endpoint": self.authorization_url,
            "authorization_response_iss_parameter_supported": True,
            "code_challenge_methods_supported": ["S256"],
            "pushed_authorization_request_endpoint": self.pushed_authorization_request_url,
            "require_pushed_authorization_requests": self.pushed_only,
            "device_authorization_endpoint": self.device_authorization_url,
            "grant_types_supported": _GRANTS,
            "token_endpoint_auth_methods_supported": _AUTH_METHODS,
            "tls_client_certificate_bound_access_tokens": self.certificate_bound,
            "response_types_supported": ["code"],
            **({"dpop_signing_alg_values_supported": [*ALGORITHMS]} if self.dpop else {}),
        }
        if self.registration:
            members["registration_endpoint"] = self.registration_url
        if self.client_documents:
            members["client_id_metadata_document_supported"] = True
        return web.json_response({**members, **self.metadata})

    async def _register(self, request: web.Request) -> web.Response:
        if not self.registration:
            return web.json_response({}, status=404)
        response = await registered(request, self.clients, self)
        self.registrations += response.status == HTTPStatus.CREATED
        return response

    async def _authorize(self, request: web.Request) -> web.Response:
        if self.client_documents:
            await met_by_document(request.query.get("client_id", ""), self.clients)
        return send_back(self._oauth, self.issuer, request, self.at_the_browser)

    async def _userinfo(self, request: web.Request) -> web.Response:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        token = self._ledger.active(text) if scheme.lower() in {"bearer", "dpop"} else None
        challenge = 'Bearer error="invalid_token"' if text else "Bearer"
        if token is not None:
            challenge = challenge_of(request, self, self._oauth.proofs, scheme, text, self.dpop_nonce) or ""
        if token is None or challenge:
            return web.json_response({}, status=401, headers={"WWW-Authenticate": challenge})
        return web.json_response({"sub": token.family.user or token.family.client_id})
