"""What an authorization server answers: Authlib's framework-neutral server half, on a ledger."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from aiohttp import web
from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    ClientCredentialsGrant,
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    OAuth2Request,
    RefreshTokenGrant,
    ResourceOwnerPasswordCredentialsGrant,
)
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from joserfc.jwk import OctKey, import_key

from aio_token.testing.certificates import shown_to, thumbprint_of
from aio_token.testing.details import InvalidDetailsError, details_in
from aio_token.testing.dpop import HEADER, BadProof, ProofCheck

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from authlib.oauth2.rfc6749 import BaseGrant
    from multidict import MultiDictProxy

    from aio_token.testing.ledger import AccessToken, Ledger, RefreshToken
    from aio_token.testing.people import People
    from aio_token.testing.registered_client import RegisteredClient

AUTH_METHODS = ("client_secret_basic", "client_secret_post", "client_assertion_jwt", "mutual_tls", "none")
_REPEATABLE = frozenset({"resource", "audience"})  # RFC 8707, RFC 8693; RFC 6749 forbids it for all others


class OAuth(AuthorizationServer):
    """Authlib's server, told about clients, users and tokens."""

    def __init__(
        self,
        ledger: Ledger,
        clients: Mapping[str, RegisteredClient],
        users: Mapping[str, str],
        own_addresses: Callable[[], list[str]],
        people: People,
    ) -> None:
        super().__init__()
        self.people: People = people
        self.proofs: ProofCheck = ProofCheck(people.rules.clock.time)
        self._ledger: Ledger = ledger
        self.users: Mapping[str, str] = users
        self.own_addresses: Callable[[], list[str]] = own_addresses
        self._clients = clients
        self.register_client_auth_method("client_assertion_jwt", _ClientAssertion(own_addresses))
        self.register_client_auth_method("mutual_tls", _by_certificate)
        for grant in (_Refresh, _ClientCredentials, _Password):
            self.register_grant(grant)
        self.register_endpoint(_Revocation)
        self.register_endpoint(_Introspection)

    async def token(self, request: web.Request) -> web.Response:
        """Answer a token request (RFC 6749 section 3.2)."""
        try:
            key = self._proved(request)
        except BadProof as problem:
            return web.json_response(problem.members, status=400)
        return await self._answer(request, partial(self._bound_to, key))

    def _proved(self, request: web.Request) -> str | None:
        """Return the thumbprint of the key that a token request proves, None for none. Raises `BadProof`."""
        rules = self.people.rules
        if not rules.dpop or HEADER not in request.headers:
            return None
        return self.proofs.of(request, nonces=[rules.dpop_nonce] if rules.dpop_nonce is not None else [])

    def _bound_to(self, key: str | None, asked: _Request) -> Any:
        self._ledger.key = key
        try:
            return self.create_token_response(asked)
        finally:
            self._ledger.key = None

    async def revocation(self, request: web.Request) -> web.Response:
        """Answer a revocation request (RFC 7009)."""
        return await self._answer(request, partial(self.create_endpoint_response, "revocation"))

    async def introspection(self, request: web.Request) -> web.Response:
        """Answer an introspection request (RFC 7662)."""
        return await self._answer(request, partial(self.create_endpoint_response, "introspection"))

    async def device_authorization(self, request: web.Request) -> web.Response:
        """Answer a device authorization request (RFC 8628 section 3.1)."""
        return await self._answer(request, partial(self.create_endpoint_response, "device_authorization"))

    async def pushed_authorization(self, request: web.Request) -> web.Response:
        """Answer an authorization request that comes before its browser (RFC 9126)."""
        return await self._answer(request, partial(self.create_endpoint_response, "pushed_authorization"))

    async def _answer(self, request: web.Request, answer: Callable[[_Request], Any]) -> web.Response:
        asked = _Request(request, await request.post())
        if asked.fault:
            return self.handle_response(*InvalidRequestError(asked.fault)())
        self._ledger.shown = thumbprint_of(asked.certificate)  # for what is answered without a pause
        try:
            response: web.Response = answer(asked)
        except ValueError:  # a proof that is no text, or Authlib's error class over a quote in its own text
            return self.handle_response(*InvalidClientError("The proof of the client cannot be read.")())
        finally:
            self._ledger.shown = None
        return response

    def query_client(self, client_id: str) -> Any:
        """Return the client of this name."""
        return self._clients.get(client_id)

    def create_oauth2_request(self, request: OAuth2Request) -> OAuth2Request:
        """Return the request: it is one already."""
        return request

    def handle_response(self, status: int, body: object, headers: Any) -> web.Response:
        """Make a response of the framework's kind."""
        return web.json_response(body, status=status, headers=[pair for pair in headers if pair[0] != "Content-Type"])

    def save_token(self, token: object, request: OAuth2Request) -> None:
        """Keep nothing: the ledger has it already."""

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Tell nobody."""


class _Request(OAuth2Request):
    def __init__(self, request: web.Request, posted: MultiDictProxy[Any]) -> None:
        super().__init__(request.method, str(request.url), headers=request.headers)
        self._form = {name: value for name, value in posted.items() if isinstance(value, str)}
        self.payload = BasicOAuth2Payload(self._form)
        self.certificate = shown_to(request)
        self.fault: str | None = None
        if any(len(posted.getall(name)) > 1 for name in self._form if name not in _REPEATABLE):
            self.fault = "A parameter is there more than once."
        proofs = [
            request.headers.get("Authorization"),
            self._form.get("client_secret"),
            self._form.get("client_assertion"),
        ]
        if len(list(filter(None, proofs))) > 1:
            self.fault = "The client authenticates in more than one way."

    @property
    def form(self) -> dict[str, str]:
        return self._form


def begin_family(grant: BaseGrant, *, refreshable: bool) -> Any:
    """Issue a token for what was asked."""
    form = grant.request.form
    ledger: Ledger = grant.server._ledger
    audience, details = form.get("audience") or form.get("resource"), details_in(form)
    return ledger.issue(
        grant.client.client_id, grant.request.user, form.get("scope"), audience, details, refreshable=refreshable
    )


class _Refresh(RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
    server: OAuth

    def authenticate_refresh_token(self, refresh_token: str) -> Any:
        return self.server._ledger.present(refresh_token, self.client)

    def authenticate_user(self, refresh_token: RefreshToken) -> str:
        return refresh_token.family.user or refresh_token.family.client_id

    def issue_token(self, user: str, refresh_token: Any) -> Any:
        form, details = self.request.form, details_in(self.request.form)
        if details is not None and any(one not in (refresh_token.family.details or []) for one in details):
            raise InvalidDetailsError
        return self.server._ledger.refresh(refresh_token, form.get("scope") or refresh_token.get_scope(), details)

    def revoke_old_credential(self, refresh_token: object) -> None:
        """Do nothing: the ledger has spent the token already."""


class _ClientCredentials(ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS[:-1]  # RFC 6749 section 4.4: for confidential clients only

    def generate_token(self, *args: Any, **asked: Any) -> Any:
        return begin_family(self, refreshable=False)


class _Password(ResourceOwnerPasswordCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
    server: OAuth

    def authenticate_user(self, username: str, password: str) -> str:
        if self.server.users.get(username) != password:
            raise InvalidGrantError
        return username

    def generate_token(self, *args: Any, **asked: Any) -> Any:
        return begin_family(self, refreshable=True)


class _Revocation(RevocationEndpoint):
    CLIENT_AUTH_METHODS = AUTH_METHODS
    server: OAuth

    def query_token(self, token_string: str, token_type_hint: str | None) -> AccessToken | RefreshToken | None:
        ledger = self.server._ledger
        return ledger.refresh_tokens.get(token_string) or ledger.access_tokens.get(token_string)

    def revoke_token(self, token: AccessToken | RefreshToken, request: OAuth2Request) -> None:
        self.server._ledger.revoke(token)


class _Introspection(IntrospectionEndpoint):
    CLIENT_AUTH_METHODS = AUTH_METHODS[:-1]
    server: OAuth

    def query_token(self, token_string: str, token_type_hint: str | None) -> AccessToken | None:
        return self.server._ledger.active(token_string)

    def check_permission(self, token: AccessToken, client: object, request: OAuth2Request) -> bool:
        return True

    def create_introspection_payload(self, token: AccessToken | None) -> dict[str, object]:
        if token is None:
            return {"active": False}
        return {
            "active": True,
            "client_id": token.family.client_id,
            "username": token.family.user,
            "scope": token.scope,
            **({} if token.key is None else {"token_type": "DPoP"}),
            **token.confirmation,
            "iat": int(token.issued_at),
            "exp": int(token.expires_at),
        }


def _by_certificate(query_client: Callable[[str], RegisteredClient | None], request: _Request) -> Any:
    """Return the client whose certificate was shown (RFC 8705 section 2), None for none."""
    client = query_client(request.form.get("client_id", ""))
    certificate = request.certificate
    if client is None or certificate is None:
        return None
    return client if client.shows(certificate.subject.rfc4514_string(), thumbprint_of(certificate)) else None


class _ClientAssertion(JWTBearerClientAssertion):
    def __init__(self, own_addresses: Callable[[], list[str]]) -> None:
        super().__init__()
        self._own_addresses = own_addresses
        self._seen: set[str] = set()

    def get_audiences(self) -> list[str]:
        return self._own_addresses()

    def validate_jti(self, claims: object, jti: str) -> bool:
        fresh = jti not in self._seen
        self._seen.add(jti)
        return fresh

    def resolve_client_public_key(self, client: RegisteredClient) -> Any:
        return key_of(client)


def key_of(client: RegisteredClient) -> Any:
    """Return what a client's signature is checked with. Raises `InvalidClientError` if it cannot sign."""
    if client.public_key is not None:
        return import_key(client.public_key)
    if client.secret is not None:
        return OctKey.import_key(client.secret)
    raise InvalidClientError
