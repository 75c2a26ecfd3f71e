"""How programs that a server has never met become clients of it: by a registration, or by a document of their own."""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web
from yarl import URL

from aio_token.testing.registered_client import RegisteredClient

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from aio_token.testing.rules import Rules

_METHODS = ("none", "client_secret_basic", "client_secret_post")


async def registered(
    request: web.Request, clients: MutableMapping[str, RegisteredClient], rules: Rules
) -> web.Response:
    """Answer a registration request (RFC 7591 section 3)."""
    asked: Any = await request.json()
    method, addresses = asked.get("token_endpoint_auth_method", "client_secret_basic"), asked.get("redirect_uris")
    if method not in _METHODS or not isinstance(addresses, list) or not addresses:
        error = "invalid_client_metadata" if method not in _METHODS else "invalid_redirect_uri"
        return web.json_response({"error": error}, status=HTTPStatus.BAD_REQUEST)
    secret = None if method == "none" else f"kit-secret-{secrets.token_urlsafe(32)}"
    client = RegisteredClient(
        f"kit-client-{secrets.token_hex(8)}",
        secret,
        auth_methods=(method,),
        grants=asked.get("grant_types", ["authorization_code"]),
        redirect_uris=addresses,
    )
    clients[client.client_id] = client
    members = {**asked, "client_id": client.client_id, "client_id_issued_at": int(rules.clock.time())}
    if secret is not None:
        lifetime = rules.client_secret_lifetime
        ends = 0 if lifetime is None else int(rules.clock.time() + lifetime)
        members |= {"client_secret": secret, "client_secret_expires_at": ends}
    return web.json_response(members, status=HTTPStatus.CREATED, headers={"Cache-Control": "no-store"})


async def met_by_document(client_id: str, clients: MutableMapping[str, RegisteredClient]) -> None:
    """Make a client of the address of a client id metadata document, if one is there that names it."""
    if client_id in clients or not client_id.startswith(("http:", "https:")):
        return
    async with aiohttp.ClientSession() as session, session.get(client_id, ssl=False) as response:
        said: Any = await response.json(content_type=None)
    if said.get("client_id") == client_id:
        clients[client_id] = RegisteredClient(client_id, redirect_uris=said.get("redirect_uris", ()))


def may_come_back(client: RegisteredClient, redirect_uri: str, *, exactly: bool) -> bool:
    """Whether a browser may be sent to the address; another port of this machine is no other address (RFC 8252)."""
    if client.redirect_uris is None or redirect_uri in client.redirect_uris:
        return True
    return not exactly and any(
        URL(one).with_port(None) == URL(redirect_uri).with_port(None) for one in client.redirect_uris
    )
