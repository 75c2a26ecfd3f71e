"""The servers of docs/servers.md, as their documentation describes them."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc.jwk import ECKey, RSAKey

from tests.support.certificates import certificate_of
from tests.support.odd_server import (
    INVALID_CLIENT,
    OddServer,
    assertion_for,
    header_of,
    secret_in_the_body,
    secret_in_the_header,
)

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

    from tests.support.odd_server import Form, Refusal

TENANT = "login.microsoftonline.com/00000000-0000-0000-0000-000000000000"
OKTA = "your-tenant.okta.com"
HOUR = {"token_type": "Bearer", "expires_in": 3_600}
INVALID_TOKEN = 'Bearer error="invalid_token"'


def _entra(_request: web.Request, form: Form) -> Refusal | None:
    key = RSAKey.import_key(os.environ["ENTRA_KEY"])
    header = assertion_for(f"{TENANT}/oauth2/v2.0/token", key, "PS256", form)
    if header is None or "x5t#S256" not in header:
        return INVALID_CLIENT
    return None if form.get("scope", "").endswith("/.default") else (400, {"error": "invalid_scope"})


def _okta(_request: web.Request, form: Form) -> Refusal | None:
    key = ECKey.import_key(os.environ["SIGNING_KEY"])
    if assertion_for(f"{OKTA}/oauth2/v1/token", key, "ES256", form) is None:
        return INVALID_CLIENT
    return None if form.get("scope") else (400, {"error": "invalid_scope"})


def _auth0(request: web.Request, form: Form) -> Refusal | None:
    if form["grant_type"] == "client_credentials" and "audience" not in form:
        return 403, {"error": "access_denied", "error_description": "No audience parameter was provided"}
    return secret_in_the_body(request, form)


def _zoom(request: web.Request, form: Form) -> Refusal | None:
    if form["grant_type"] != "account_credentials" or not form.get("account_id"):
        return 400, {"reason": "unsupported grant type", "error": "unsupported_grant_type"}
    return secret_in_the_header(request, form)


def _reddit(request: web.Request, form: Form) -> Refusal | None:
    if not request.headers["User-Agent"].startswith("linux:"):
        return 429, {"message": "Too Many Requests", "error": 429}
    return secret_in_the_header(request, form)


def _stripe(request: web.Request, form: Form) -> Refusal | None:
    unknown = set(form) - {"grant_type", "code", "refresh_token"}
    if unknown:
        return 400, {"error": {"type": "invalid_request_error", "message": f"Received unknown parameters: {unknown}"}}
    right = header_of(os.environ["CLIENT_SECRET"], "")
    return None if request.headers.get("Authorization") == right else INVALID_CLIENT


def servers() -> dict[str, OddServer]:
    """Return each server anew, by the heading of its section."""
    return {
        "Entra ID": OddServer(
            token=f"{TENANT}/oauth2/v2.0/token",
            api="graph.microsoft.com/v1.0/",
            issuer=f"{TENANT}/v2.0",
            granted={**HOUR, "ext_expires_in": 3_600},
            demands=_entra,
            dead=(401, {"error": {"code": "InvalidAuthenticationToken"}}),
            challenge=INVALID_TOKEN,
        ),
        "Google": OddServer(
            token="oauth2.googleapis.com/token",
            api="www.googleapis.com/",
            issuer="accounts.google.com",
            authorization="accounts.google.com/o/oauth2/v2/auth",
            revocation="oauth2.googleapis.com/revoke",
            granted=HOUR,
            demands=secret_in_the_body,
            dead=(401, {"error": {"code": 401, "status": "UNAUTHENTICATED"}}),
            challenge='Bearer realm="https://accounts.google.com/", error="invalid_token"',
            rotates=False,
            offline="access_type",
        ),
        "GitHub": OddServer(
            token="github.com/login/oauth/access_token",
            api="api.github.com/",
            granted={
                "token_type": "bearer",
                "scope": "",
                "expires_in": 28_800,
                "refresh_token_expires_in": 15_811_200,
            },
            demands=secret_in_the_body,
            over=(200, {"error": "bad_refresh_token", "error_description": "The refresh token is incorrect"}),
            dead=(401, {"message": "Bad credentials"}),
        ),
        "Auth0": OddServer(
            token="your-tenant.eu.auth0.com/oauth/token",
            api="orders.example/",
            issuer="your-tenant.eu.auth0.com/",
            granted={"token_type": "Bearer", "expires_in": 86_400},
            demands=_auth0,
            over=(403, {"error": "invalid_grant", "error_description": "Unknown or invalid refresh token."}),
            dead=(401, {"message": "Unauthorized"}),
            challenge=INVALID_TOKEN,
        ),
        "Okta": OddServer(
            token=f"{OKTA}/oauth2/v1/token",
            api=f"{OKTA}/api/v1/",
            issuer=OKTA,
            granted=HOUR,
            demands=_okta,
            dead=(401, {"errorCode": "E0000011", "errorSummary": "Invalid token provided"}),
        ),
        "Cognito": OddServer(
            token="your-app.auth.eu-west-1.amazoncognito.com/oauth2/token",
            api="your-api.execute-api.eu-west-1.amazonaws.com/",
            issuer="cognito-idp.eu-west-1.amazonaws.com/eu-west-1_yourpool",
            granted={**HOUR, "id_token": ""},
            demands=secret_in_the_header,
            over=(400, {"error": "invalid_grant"}),
            dead=(401, {"message": "Unauthorized"}),
            rotates=False,
            member="id_token",
        ),
        "Slack": OddServer(
            token="slack.com/api/oauth.v2.access",
            api="slack.com/api/",
            authorization="slack.com/oauth/v2/authorize",
            granted={"ok": True, "token_type": "bot", "scope": "chat:write,users:read", "expires_in": 43_200},
            demands=secret_in_the_header,
            over=(200, {"ok": False, "error": "invalid_refresh_token"}),
            dead=(200, {"ok": False, "error": "token_expired"}),
            nest="authed_user",
        ),
        "Salesforce": OddServer(
            token="login.salesforce.com/services/oauth2/token",
            api="your-org.my.salesforce.com/services/data",
            issuer="login.salesforce.com",
            granted={
                "token_type": "Bearer",
                "instance_url": "https://your-org.my.salesforce.com",
                "id": "https://login.salesforce.com/id/00D/005",
                "issued_at": "1764000000000",
                "signature": "c2ln",
            },
            demands=secret_in_the_body,
            over=(400, {"error": "invalid_grant", "error_description": "expired access/refresh token"}),
            dead=(401, {"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}),
            rotates=False,
        ),
        "Zoom": OddServer(
            token="zoom.us/oauth/token",
            api="api.zoom.us/v2/",
            granted={"token_type": "bearer", "expires_in": 3_600, "scope": "user:read:admin"},
            demands=_zoom,
            dead=(401, {"code": 124, "message": "Invalid access token."}),
        ),
        "Spotify": OddServer(
            token="accounts.spotify.com/api/token",
            api="api.spotify.com/v1/",
            authorization="accounts.spotify.com/authorize",
            granted={**HOUR, "scope": "user-read-email"},
            dead=(401, {"error": {"status": 401, "message": "The access token expired"}}),
        ),
        "Discord": OddServer(
            token="discord.com/api/oauth2/token",
            api="discord.com/api/v10/",
            granted={"token_type": "Bearer", "expires_in": 604_800, "scope": "identify"},
            demands=secret_in_the_header,
            dead=(401, {"message": "401: Unauthorized", "code": 0}),
        ),
        "Reddit": OddServer(
            token="www.reddit.com/api/v1/access_token",
            api="oauth.reddit.com/api/v1/",
            granted={"token_type": "bearer", "expires_in": 86_400, "scope": "identity"},
            demands=_reddit,
            over=(400, {"message": "Bad Request", "error": 400}),
            dead=(401, {"message": "Unauthorized", "error": 401}),
            user_agent="linux:",
        ),
        "Stripe Apps": OddServer(
            token="api.stripe.com/v1/oauth/token",
            api="api.stripe.com/v1/",
            authorization="marketplace.stripe.com/oauth/v2/authorize",
            granted={"token_type": "bearer", "scope": "stripe_apps", "livemode": False, "stripe_user_id": "acct_1"},
            demands=_stripe,
            dead=(401, {"error": {"type": "invalid_request_error", "code": "api_key_expired"}}),
            challenge='Basic realm="Stripe"',
        ),
        "Shopify": OddServer(
            token="your-shop.myshopify.com/admin/oauth/access_token",
            api="your-shop.myshopify.com/admin/api/",
            granted={"expires_in": 3_600, "refresh_token_expires_in": 7_776_000, "scope": "read_orders,read_products"},
            demands=secret_in_the_body,
            dead=(401, {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}),
            header="X-Shopify-Access-Token",
            prefix="",
        ),
    }


HOSTS = tuple(sorted({place.partition("/")[0] for server in servers().values() for place in server.places}))


@asynccontextmanager
async def odd_servers(context: ssl.SSLContext) -> AsyncIterator[dict[str, int]]:
    """Serve all of them at one port of loopback; yield the ports of their names."""
    key = RSAKey.generate_key(2_048)
    os.environ["ENTRA_KEY"] = key.as_pem(private=True).decode()
    os.environ["ENTRA_CERTIFICATE"] = certificate_of(key)
    here = servers().values()

    async def handler(request: web.Request) -> web.StreamResponse:
        for server in here:
            answer = await server.answer(request)
            if answer is not None:
                return answer
        return web.Response(status=404)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    running = TestServer(application)
    await running.start_server(ssl=context)
    try:
        yield dict.fromkeys(HOSTS, running.port or 0)
    finally:
        await running.close()
