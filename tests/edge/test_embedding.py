"""Other people's libraries, with our token: those of docs/embedding.md, as they are."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from aiohttp import ClientConnectionError, ClientSession, web
from aiohttp_retry import ExponentialRetry, RetryClient
from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport
from slack_sdk.web.async_client import AsyncWebClient

from aio_token import (
    BearerMiddleware,
    ClientSecretBasic,
    RefreshTokenGrant,
    ServerUnavailable,
    TokenEndpoint,
    TokenRepository,
)
from aio_token.testing import AuthorizationServer, ProtectedAPI
from tests.support.document import blocks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from aiohttp.typedefs import Handler

PAGE = Path(__file__).parents[2] / "docs" / "embedding.md"
MANY = 20


@pytest.fixture
async def server() -> AsyncIterator[AuthorizationServer]:
    """Run an authorization server."""
    async with AuthorizationServer() as server:
        yield server


@pytest.fixture
async def api(server: AuthorizationServer) -> AsyncIterator[ProtectedAPI]:
    """Run an API of it that answers as GraphQL and as Slack do, once the token is good."""

    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status != 200:
            return response
        return web.json_response({"data": {"me": "alice"}, "ok": True})

    async with ProtectedAPI(server) as api:
        api.inject(answer)
        yield api


@pytest.fixture
async def tokens(server: AuthorizationServer) -> AsyncIterator[TokenRepository]:
    """Return a repository for a user who signed in."""
    client = ClientSecretBasic(server.client.client_id, server.client.secret or "")
    grant = RefreshTokenGrant(TokenEndpoint(server.token_url, client), first=server.sign_in())
    async with TokenRepository(grant, observer=None) as tokens:
        yield tokens


async def survives_a_revocation(
    server: AuthorizationServer, api: ProtectedAPI, call: Callable[[], Awaitable[Any]]
) -> None:
    """Make a call, then many whose token is revoked: all succeed, with one renewal."""
    await call()
    server.revoke_access_tokens()
    await asyncio.gather(*(call() for _ in range(MANY)))
    assert (server.refreshes, server.reused) == (2, 0)
    assert None not in api.authorizations


async def test_gql(server: AuthorizationServer, api: ProtectedAPI, tokens: TokenRepository) -> None:
    """Law B2: gql passes arguments on to the session that it makes."""
    bearer = BearerMiddleware(tokens, api.url)
    transport = AIOHTTPTransport(f"{api.url}/graphql", client_session_args={"middlewares": (bearer,)}, ssl=False)
    async with Client(transport=transport) as client:
        query = gql("{ me }")

        async def call() -> None:
            assert await client.execute(query) == {"me": "alice"}

        await survives_a_revocation(server, api, call)


async def test_slack_sdk(server: AuthorizationServer, api: ProtectedAPI, tokens: TokenRepository) -> None:
    """Law B2: slack_sdk takes a session, and no token of its own."""
    async with ClientSession(middlewares=(BearerMiddleware(tokens, api.url),)) as session:
        client = AsyncWebClient(session=session, base_url=f"{api.url}/")

        async def call() -> None:
            assert (await client.auth_test())["ok"]

        await survives_a_revocation(server, api, call)


async def test_aiohttp_retry(server: AuthorizationServer, api: ProtectedAPI, tokens: TokenRepository) -> None:
    """Law B2: retries stand outside."""
    async with ClientSession(middlewares=(BearerMiddleware(tokens, api.url),)) as session:
        client = RetryClient(client_session=session, retry_options=ExponentialRetry(attempts=3, start_timeout=0.01))

        async def call() -> None:
            async with client.get(api.url) as response:
                assert response.status == 200

        await survives_a_revocation(server, api, call)
        await client.close()


async def test_aiohttp_retry_tries_later(
    server: AuthorizationServer, api: ProtectedAPI, tokens: TokenRepository
) -> None:
    """Law D10: that the token endpoint is away is worth another try; the last error is the middleware's."""
    options = ExponentialRetry(attempts=2, start_timeout=0.01, exceptions={ClientConnectionError})
    async with (
        ClientSession(middlewares=(BearerMiddleware(tokens, api.url),)) as session,
        RetryClient(client_session=session, retry_options=options) as client,
        server.offline(),
    ):
        with pytest.raises(ServerUnavailable):
            await client.get(api.url)


async def test_httpx(server: AuthorizationServer, api: ProtectedAPI, tokens: TokenRepository) -> None:
    """Laws A1 and B2: the `Auth` that the page shows, as it stands there; another origin gets nothing."""
    page = PAGE.read_text(encoding="utf-8")
    (recipe,) = [source for _, _, source in blocks(page, "python") if "httpx.Auth" in source]
    shown: dict[str, Any] = {}
    exec(recipe, shown)  # noqa: S102  it is the recipe that is tested
    async with (
        ProtectedAPI(server) as stranger,
        httpx.AsyncClient(auth=shown["TokenAuth"](tokens, api.url)) as client,
    ):

        async def call() -> None:
            assert (await client.get(f"{api.url}/me")).status_code == 200

        await survives_a_revocation(server, api, call)
        assert (await client.get(f"{stranger.url}/me")).status_code == 401
        redirected = await client.get(f"{api.url}/redirect", params={"to": stranger.url}, follow_redirects=True)
        assert redirected.status_code == 401
    assert stranger.authorizations == [None] * 2
