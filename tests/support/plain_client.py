"""A client of token endpoints that knows nothing of this package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import ClientSession, encode_basic_auth

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aio_token.testing import AuthorizationServer

Members = dict[str, Any]


async def ask(
    url: str, form: Mapping[str, str] | list[tuple[str, str]], headers: Mapping[str, str] | None = None
) -> tuple[int, Members]:
    """Post a form and return status and answer."""
    async with ClientSession() as session, session.post(url, data=form, headers=headers) as response:
        return response.status, await response.json()


def as_bot(server: AuthorizationServer) -> dict[str, str]:
    """Return the header that proves to be the server's first client."""
    return {"Authorization": encode_basic_auth(server.client.client_id, server.client.secret or "")}


async def refresh(server: AuthorizationServer, refresh_token: str, **more: str) -> tuple[int, Members]:
    """Present a refresh token."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token, **more}
    return await ask(server.token_url, form, as_bot(server))


async def client_credentials(server: AuthorizationServer, **more: str) -> tuple[int, Members]:
    """Ask for a token of the client's own."""
    return await ask(server.token_url, {"grant_type": "client_credentials", **more}, as_bot(server))


async def call(url: str, access_token: str | None = None, **options: Any) -> tuple[int, Members]:
    """Call an API and return status and answer; what is no JSON is an empty answer."""
    headers = {"Authorization": f"Bearer {access_token}"} if access_token else {}
    method = options.pop("method", "GET")
    async with ClientSession() as session, session.request(method, url, headers=headers, **options) as response:
        return response.status, await response.json() if response.content_type == "application/json" else {}
