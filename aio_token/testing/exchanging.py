"""How services get a token for something that they hold: for another token (RFC 8693), for an assertion (RFC 7523)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authlib.oauth2.rfc6749 import BaseGrant, InvalidRequestError, TokenEndpointMixin, UnauthorizedClientError
from authlib.oauth2.rfc7523 import JWTBearerGrant

from aio_token.testing.oauth import AUTH_METHODS, begin_family, key_of

if TYPE_CHECKING:
    from aio_token.testing.ledger import AccessToken
    from aio_token.testing.oauth import OAuth
    from aio_token.testing.registered_client import RegisteredClient

_TYPES = "urn:ietf:params:oauth:token-type:"
_ACCESS_TOKEN = f"{_TYPES}access_token"


def let_services_exchange(oauth: OAuth) -> None:
    """Register what follows."""
    oauth.register_grant(_TokenExchange)
    oauth.register_grant(_JWTBearer)


class _TokenExchange(BaseGrant, TokenEndpointMixin):
    """Takes access tokens of this server; a bad one is `invalid_request` (RFC 8693 section 2.2.2)."""

    GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
    server: OAuth

    def validate_token_request(self) -> None:
        client: Any = self.authenticate_token_endpoint_client()
        if not client.check_grant_type(self.GRANT_TYPE):
            raise UnauthorizedClientError
        self.request.client = client
        if self.request.form.get("requested_token_type", _ACCESS_TOKEN) != _ACCESS_TOKEN:
            description = "There are access tokens only."
            raise InvalidRequestError(description)
        subject = self._presented("subject")
        if "actor_token" in self.request.form:
            self._presented("actor")
        self.request.user = subject.family.user or subject.family.client_id

    def create_token_response(self) -> Any:
        answer = begin_family(self, refreshable=False)
        return 200, {"issued_token_type": _ACCESS_TOKEN, **answer}, self.TOKEN_RESPONSE_HEADER

    def _presented(self, whose: str) -> AccessToken:
        form = self.request.form
        token = self.server._ledger.active(form.get(f"{whose}_token", ""))
        if token is None or form.get(f"{whose}_token_type") not in {_ACCESS_TOKEN, f"{_TYPES}jwt"}:
            description = f"The {whose} token is none of this server's, or has ended."
            raise InvalidRequestError(description)
        return token


class _JWTBearer(JWTBearerGrant):
    """Takes what a registered client has signed, about itself or a user."""

    server: OAuth

    def resolve_issuer_client(self, issuer: str) -> Any:
        return self.server.query_client(issuer)

    def resolve_client_public_key(self, client: RegisteredClient) -> Any:
        return key_of(client)

    def get_audiences(self) -> list[str]:
        return self.server.own_addresses()

    def authenticate_user(self, subject: str) -> str | None:
        return subject if subject in self.server.users or self.server.query_client(subject) else None

    def has_granted_permission(self, client: RegisteredClient, user: str) -> bool:
        """Let a client speak for every user, and of clients for itself."""
        return user in self.server.users or user == client.client_id

    def generate_token(self, *args: Any, **asked: Any) -> Any:
        return begin_family(self, refreshable=False)
