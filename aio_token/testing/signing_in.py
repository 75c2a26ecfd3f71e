"""How people sign in at an authorization server: Authlib's grants and endpoint for it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from aiohttp import web
from authlib.oauth2.rfc6749 import AuthorizationCodeGrant, InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc7636 import CodeChallenge, create_s256_code_challenge
from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint, DeviceCodeGrant
from yarl import URL

from aio_token.oauth.url import is_loopback
from aio_token.testing.details import InvalidDetailsError, details_in
from aio_token.testing.oauth import AUTH_METHODS
from aio_token.testing.people import Code
from aio_token.testing.registering import may_come_back

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aio_token.testing.oauth import OAuth
    from aio_token.testing.rules import Rules

_CREDENTIALS = frozenset({"client_assertion", "client_assertion_type", "client_secret"})


def let_people_sign_in(oauth: OAuth) -> None:
    """Register what follows."""
    oauth.register_grant(_Device)
    oauth.register_grant(_AuthorizationCode, [CodeChallenge(required=False)])
    oauth.register_endpoint(_PushedAuthorization)  # type: ignore[arg-type]  # Authlib names too narrow a class
    oauth.register_endpoint(_DeviceAuthorization)  # type: ignore[arg-type]  # Authlib names too narrow a class


def send_back(oauth: OAuth, issuer: str, request: web.Request, user: str | None) -> web.Response:
    """Answer an authorization request (RFC 6749 section 4.1.1) for the user at the browser; None declines.

    A browser is sent to loopback addresses only, whatever port they have (RFC 8252 section 7.3). What it brings may be
    a reference to a request that was pushed (RFC 9126).
    """
    asked: Mapping[str, str] | None = request.query
    reference, rules = request.query.get("request_uri"), oauth.people.rules
    if reference is not None:
        asked = oauth.people.pushed.spend(reference, request.query.get("client_id", ""))
    if asked is None:
        return web.Response(status=400, text="The request_uri was used before, has ended, or is another client's.")
    client_id, redirect_uri = asked.get("client_id", ""), URL(asked.get("redirect_uri", ""))
    client, exactly = oauth.query_client(client_id), oauth.people.rules.exact_redirects
    if (
        client is None
        or not is_loopback(redirect_uri.host)
        or not may_come_back(client, str(redirect_uri), exactly=exactly)
    ):
        return web.Response(
            status=400, text="An unknown client, or a redirect URI that is not its own or not on this machine."
        )
    members = {"iss": issuer, **{name: value for name, value in asked.items() if name == "state"}}
    challenge = asked.get("code_challenge")
    if asked.get("response_type") != "code":
        members["error"] = "unsupported_response_type"
    elif rules.pushed_only and reference is None:
        members |= {"error": "invalid_request", "error_description": "A request has to be pushed first."}
    elif rules.pkce and (not challenge or asked.get("code_challenge_method") != "S256"):
        members |= {"error": "invalid_request", "error_description": "A challenge by S256 is needed."}
    elif user is None:
        members["error"] = "access_denied"
    else:
        try:
            code = Code(
                client_id,
                user,
                asked.get("scope"),
                asked["redirect_uri"],
                challenge or "",
                details_in(asked),
                asked.get("resource"),
                key=asked.get("dpop_jkt", "") if oauth.people.rules.dpop else "",
            )
            members["code"] = oauth.people.new_code(code)
        except InvalidDetailsError:
            members["error"] = "invalid_authorization_details"
    return web.Response(status=302, headers={"Location": str(redirect_uri.update_query(members))})


class _PushedAuthorization:
    ENDPOINT_NAME = "pushed_authorization"

    def __init__(self, server: OAuth) -> None:
        self.server: OAuth = server

    def create_endpoint_request(self, request: Any) -> Any:
        return request

    def __call__(self, request: Any) -> Any:
        client: Any = self.server.authenticate_client(request, AUTH_METHODS, self.ENDPOINT_NAME)
        asked = {name: value for name, value in request.form.items() if name not in _CREDENTIALS}
        asked.setdefault("client_id", client.client_id)
        fault = _fault_of(asked, client.client_id, self.server.people.rules)
        details_in(asked)
        if fault:
            raise InvalidRequestError(fault)
        name, lifetime = self.server.people.pushed.keep(asked), self.server.people.rules.pushed_lifetime
        return 201, {"request_uri": name, "expires_in": lifetime}, [("Cache-Control", "no-store")]


def _fault_of(asked: Mapping[str, str], client_id: str, rules: Rules) -> str:
    if "request_uri" in asked:
        return "A pushed request has no request_uri."
    if asked["client_id"] != client_id:
        return "The client_id is another client's."
    if not is_loopback(URL(asked.get("redirect_uri", "")).host):
        return "The redirect_uri is not on this machine."
    if rules.pkce and (not asked.get("code_challenge") or asked.get("code_challenge_method") != "S256"):
        return "A challenge by S256 is needed."
    return ""


class _DeviceAuthorization(DeviceAuthorizationEndpoint):
    CLIENT_AUTH_METHODS = AUTH_METHODS
    server: OAuth
    asked: Mapping[str, str]

    def create_endpoint_response(self, request: Any) -> Any:
        rules = self.server.people.rules
        self.asked = request.form
        if rules.device_pkce and self.asked.get("code_challenge_method") != "S256":
            return 400, {"error": "invalid_request", "error_description": "A challenge by S256 is needed."}, []
        self.EXPIRES_IN, self.INTERVAL = rules.device_lifetime, rules.device_interval  # type: ignore[assignment]
        return super().create_endpoint_response(request)  # type: ignore[no-untyped-call]  # types-authlib leaves it out

    def generate_device_code(self) -> str:
        return f"kit-device-{secrets.token_urlsafe(24)}"

    def get_verification_uri(self) -> str:
        return f"{self.server.people.address()}/device"

    def save_device_credential(self, client_id: str, scope: str | None, data: Any) -> None:
        self.server.people.begin(self.asked, client_id, scope, data, details_in(self.asked))


class _Device(DeviceCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
    server: OAuth

    def query_device_credential(self, device_code: str) -> Any:
        found = self.server.people.device(device_code)
        if found is None:
            raise InvalidGrantError
        verifier = self.request.form.get("code_verifier", "")
        if found.code_challenge and create_s256_code_challenge(verifier) != found.code_challenge:  # type: ignore[no-untyped-call]  # types-authlib leaves it out
            raise InvalidGrantError
        return found

    def query_user_grant(self, user_code: str) -> Any:
        return self.server.people.decision(user_code)

    def should_slow_down(self, credential: Any) -> bool:
        too_soon: bool = credential.polled_too_soon()
        return too_soon

    def generate_token(self, *args: Any, **asked: Any) -> Any:
        device: Any = self.request.credential
        self.server.people.spend_device(device)
        return self.server._ledger.issue(
            device.client_id, device.user, device.scope, details=device.details, refreshable=True
        )


class _AuthorizationCode(AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
    server: OAuth

    def query_authorization_code(self, code: str, client: Any) -> Any:
        found = self.server.people.spend_code(code)
        if found is None or found.client_id != client.client_id:
            return None
        return found if found.key in {"", self.server._ledger.key} else None

    def authenticate_user(self, authorization_code: Any) -> Any:
        return authorization_code.user

    def generate_token(self, *args: Any, **asked: Any) -> Any:
        code: Any = self.request.authorization_code
        return self.server._ledger.issue(
            code.client_id, code.user, code.scope, code.resource, details=code.details, refreshable=True
        )

    def delete_authorization_code(self, authorization_code: object) -> None:
        """Do nothing: the code was spent when it was looked up."""
