"""Each way to leave the standard, from the first token to a call of an API, on a server that leaves it just so."""

from __future__ import annotations

import base64
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from aio_token import (
    BearerMiddleware,
    ClientCredentialsGrant,
    ClientSecretBasic,
    ClientSecretPost,
    PasswordGrant,
    PublicClient,
    RefreshTokenGrant,
    SignInRequired,
    TokenEndpoint,
    TokenRepository,
)
from aio_token.oauth import Dialect, Transport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

POST, BASIC = ClientSecretPost("bot", "s"), ClientSecretBasic("bot", "s")


class OddServer:
    """Takes requests as `reads` says, answers them as `writes` says, and has an API that takes the newest token."""

    def __init__(self, reads: Callable[[web.Request, str], Any], writes: Callable[[dict[str, Any]], Any]) -> None:
        self.reads, self.writes = reads, writes
        self.renewed = 0
        self.url = ""
        self.paths: list[str] = []

    async def token(self, request: web.Request) -> web.Response:
        """Take the refresh token of the last answer alone, and give another one."""
        asked = self.reads(request, await request.text())
        self.paths.append(request.path)
        if self.renewed and asked != f"refresh-{self.renewed}":
            return web.Response(status=400, text=json.dumps({"error": "odd", "message": "It is over."}))
        self.renewed += 1
        said = self.writes(
            {
                "access_token": f"access-{self.renewed}",
                "refresh_token": f"refresh-{self.renewed}",
                "token_type": "Bearer",
                "expires_in": 3_600,
            }
        )
        return web.Response(body=said if isinstance(said, bytes) else json.dumps(said).encode())

    async def api(self, request: web.Request) -> web.Response:
        """Take the newest token."""
        fine = request.headers.get("Authorization") == f"Bearer access-{self.renewed}"
        return web.Response(status=200 if fine else 401)


@asynccontextmanager
async def serving(server: OddServer) -> AsyncIterator[OddServer]:
    """Serve while the block lasts."""
    application = web.Application()
    application.router.add_get("/api", server.api)
    application.router.add_route("*", "/{path:.*}", server.token)
    async with TestServer(application) as running:
        server.url = str(running.make_url("/"))
        yield server


def form(_request: web.Request, body: str) -> Any:
    """Read the standard's form."""
    return dict(parse_qsl(body)).get("refresh_token")


def posted_as(name: str) -> Callable[[web.Request, str], Any]:
    """Read the refresh token by another name."""
    return lambda _request, body: dict(parse_qsl(body)).get(name)


def in_json(_request: web.Request, body: str) -> Any:
    """Read JSON alone."""
    return json.loads(body).get("refresh_token")


def in_the_address(request: web.Request, body: str) -> Any:
    """Read the query alone."""
    assert (request.method, body) == ("GET", "")
    return request.query.get("refresh_token")


def with_raw_basic(request: web.Request, body: str) -> Any:
    """Demand id and secret as they are."""
    assert base64.b64decode(request.headers["Authorization"][6:]).decode() == "b/t:s%t"
    return form(request, body)


def with_another_separator(request: web.Request, body: str) -> Any:
    """Demand a comma where a scope comes."""
    assert dict(parse_qsl(body)).get("scope", "a,b") == "a,b"
    return form(request, body)


def with_a_user_agent(request: web.Request, body: str) -> Any:
    """Demand a name."""
    assert request.headers["User-Agent"] == "bot by /u/me"
    return form(request, body)


def plain(said: dict[str, Any]) -> Any:
    """Answer as the standard has it."""
    return said


QUIRKS: dict[str, tuple[Callable[[web.Request, str], Any], Callable[[dict[str, Any]], Any], Any, dict[str, Any]]] = {
    "JSON": (in_json, plain, POST, {"dialect": Dialect(body="json")}),
    "the address": (in_the_address, plain, POST, {"dialect": Dialect(body="query", method="GET")}),
    "a separator": (with_another_separator, plain, POST, {"dialect": Dialect(scope_separator=",")}),
    "a name": (posted_as("renewal"), plain, POST, {"dialect": Dialect(names={"refresh_token": "renewal"})}),
    "raw Basic": (with_raw_basic, plain, ClientSecretBasic("b/t", "s%t", encoded=False), {}),
    "a User-Agent": (with_a_user_agent, plain, BASIC, {"transport": Transport(headers={"User-Agent": "bot by /u/me"})}),
    "nested": (
        form,
        lambda said: {"ok": True, "authed_user": {**said, "token_type": "user"}, "access_token": "of-the-bot"},
        BASIC,
        {"dialect": Dialect(places={"access_token": "authed_user.access_token"}, bearer_types=["user"])},
    ),
    "the ID token": (
        form,
        lambda said: {**said, "id_token": said["access_token"], "access_token": "not-this"},
        BASIC,
        {"dialect": Dialect(places={"access_token": "id_token"})},
    ),
    "milliseconds": (
        form,
        lambda said: {**said, "expires_in": 3_600_000},
        BASIC,
        {"dialect": Dialect(expires={"expires_in": "milliseconds"})},
    ),
    "a form": (form, lambda said: "&".join(f"{name}={text}" for name, text in said.items()).encode(), BASIC, {}),
    "in data": (form, lambda said: {"code": 0, "data": said}, BASIC, {}),
    "a function": (
        form,
        lambda said: {"tokens": [said]},
        BASIC,
        {"dialect": Dialect(read=lambda members, _reply: members["tokens"][0])},
    ),
}


@pytest.mark.parametrize("quirk", QUIRKS)
async def test_a_server_that_leaves_the_standard_is_served_whole(quirk: str) -> None:
    """Law D0: a sign-in, a call, a renewal after a rejection, another call; the lifetime is known."""
    reads, writes, client, options = QUIRKS[quirk]
    async with serving(OddServer(reads, writes)) as server:
        endpoint = TokenEndpoint(f"{server.url}token", client, **options)
        tokens = TokenRepository(RefreshTokenGrant(endpoint))
        signed_in = await tokens.sign_in(PasswordGrant(endpoint, "ada", "lovelace", scope="a b"))
        assert tokens.status.expires_in == pytest.approx(3_600, abs=60)
        async with ClientSession(middlewares=(BearerMiddleware(tokens, server.url),)) as session:
            async with session.get(f"{server.url}api") as response:
                assert response.status == 200
            await tokens.token(rejected=signed_in)
            async with session.get(f"{server.url}api") as response:
                assert response.status == 200
    assert server.renewed == 2


async def test_another_address_renews() -> None:
    """Law D0: the first token and the next come from different addresses."""
    async with serving(OddServer(form, plain)) as server:
        endpoint = TokenEndpoint(f"{server.url}token", PublicClient("bot"), refresh_url=f"{server.url}renew")
        tokens = TokenRepository(RefreshTokenGrant(endpoint))
        await tokens.sign_in(PasswordGrant(endpoint, "ada", "lovelace"))
        await tokens.renew()
    assert server.paths == ["/token", "/renew"]


async def test_another_grant_by_another_name() -> None:
    """Law D0: a service that calls client credentials something else and wants one more parameter."""
    asked: list[dict[str, str]] = []

    def reads(_request: web.Request, body: str) -> Any:
        asked.append(dict(parse_qsl(body)))

    async with serving(OddServer(reads, plain)) as server:
        dialect = Dialect(grant_types={"client_credentials": "account_credentials"})
        endpoint = TokenEndpoint(server.url, BASIC, dialect=dialect, parameters={"account_id": "7"})
        await TokenRepository(ClientCredentialsGrant(endpoint)).token()
    assert asked == [{"grant_type": "account_credentials", "account_id": "7"}]


async def test_a_session_that_is_over_by_another_word() -> None:
    """Laws D0 and E1: the server is asked once, and then a person has to sign in."""
    async with serving(OddServer(form, plain)) as server:
        server.renewed = 1
        endpoint = TokenEndpoint(server.url, BASIC, dialect=Dialect(errors={"it is over": "invalid_grant"}))
        tokens = TokenRepository(RefreshTokenGrant(endpoint, first="another"))
        for _ in range(5):
            with pytest.raises(SignInRequired):
                await tokens.token()
    assert len(server.paths) == 1
