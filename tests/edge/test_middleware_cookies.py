"""Cookies of a 401 that the caller does not see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession, CookieJar, DummyCookieJar, web
from yarl import URL

from aio_token import BearerMiddleware, SignInRequired
from aio_token.testing import FixedSource, token
from tests.support.api import BEARER_1, answered
from tests.support.token_server import token_server

if TYPE_CHECKING:
    from aio_token import Token, TokenError


async def rejects(request: web.Request) -> web.StreamResponse:
    """Set two cookies with a 401 for the first token, and one with what follows."""
    if request.headers.get("Authorization") == BEARER_1:
        response = web.Response(status=401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
        response.set_cookie("affinity", "node-7")
        response.set_cookie("place", "/here", path="/here")
        response.set_cookie("elsewhere", "no", domain="other.example")
        return response
    return web.Response(headers={"Set-Cookie": "last=one"})


@pytest.mark.parametrize("second", [token("access-2"), SignInRequired("sign in")])
async def test_a_swallowed_401_leaves_its_cookies(second: Token | TokenError) -> None:
    """Law B8: they are in the jar as if the caller had seen it, whether the renewal succeeds or not."""
    async with token_server(rejects) as server:
        middleware = BearerMiddleware(FixedSource(token("access-1"), second), server.url)
        jar = CookieJar(unsafe=True)
        async with ClientSession(middlewares=(middleware,), cookie_jar=jar) as client:
            if isinstance(second, SignInRequired):
                with pytest.raises(SignInRequired):
                    await client.get(server.url)
            else:
                assert (await answered(client.get(server.url))).status == 200
        kept = {name: jar.filter_cookies(URL(f"{server.url}{name}")) for name in ("/", "/here")}
    followed = {} if isinstance(second, SignInRequired) else {"last": "one"}
    assert {name: morsel.value for name, morsel in kept["/"].items()} == {"affinity": "node-7", **followed}
    assert kept["/here"]["place"].value == "/here"


async def test_a_session_without_a_jar_keeps_none() -> None:
    """Law B8: where aiohttp would have put them."""
    async with token_server(rejects) as server:
        middleware = BearerMiddleware(FixedSource(token("access-1"), token("access-2")), server.url)
        async with ClientSession(middlewares=(middleware,), cookie_jar=DummyCookieJar()) as client:
            for _ in range(2):
                assert (await answered(client.get(server.url))).status == 200
    assert not any("Cookie" in sent.headers for sent in server.received)
