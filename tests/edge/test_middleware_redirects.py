"""Redirects: aiohttp runs the middlewares again on every hop, and the token goes to its own origins alone."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession, WSServerHandshakeError
from yarl import URL

from aio_token.testing import FixedSource, ProtectedAPI
from tests.support.api import BEARER_1, Accepting, answered, session
from tests.support.certificates import write_certificate
from tests.support.names import connector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

HOPS = [(status, method) for status in (301, 302, 303, 307, 308) for method in ("GET", "POST")]
ELSEWHERE = [
    "http://evil.example/",
    "http://sub.api.example/",
    "http://example/",
    "http://api.example.evil.example/",
    "http://evilapi.example/",
    "http://api.example./",
    "http://api.example:8080/",
    "http://api.example:443/",
    "http://api.example@evil.example/",
    "http://api.example:80@evil.example/",
    "http://evil.example/?http://api.example/",
    "http://xn--pi-7kc.example/",
    "http://аpi.example/",  # noqa: RUF001  a Cyrillic letter is the point
    "//evil.example/",
]
HOME = ["http://API.Example/", "http://api.example:80/", "HTTP://api.example/", "//api.example/", "/me", "?x"]


@pytest.fixture
async def api() -> AsyncIterator[ProtectedAPI]:
    """Run the API that the token is for."""
    async with ProtectedAPI(Accepting("access-1")) as api:
        yield api


@pytest.fixture
async def foreign(api: ProtectedAPI) -> AsyncIterator[ProtectedAPI]:
    """Run a foreign server, on another port."""
    async with ProtectedAPI(api.server) as foreign:
        yield foreign


def redirect(server: ProtectedAPI, to: str, status: int = 302) -> URL:
    """Return a URL of the server that leads there."""
    return URL(f"{server.url}/redirect").with_query(to=to, status=status)


def naive() -> ClientSession:
    """Return a session with the middleware that most people write."""

    async def middleware(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        request.headers["Authorization"] = BEARER_1
        return await handler(request)

    return ClientSession(middlewares=(middleware,))


def port(server: ProtectedAPI) -> int:
    """Return the server's port."""
    return URL(server.url).port or 0


@pytest.mark.parametrize(("status", "method"), HOPS)
async def test_a_redirect_takes_no_token_along(
    api: ProtectedAPI, foreign: ProtectedAPI, status: int, method: str
) -> None:
    """Law A1: another port is another origin, whatever the redirect and the method."""
    async with session(FixedSource(), api.url) as client:
        await answered(
            client.request(method, redirect(api, foreign.url, status), data=b"x" if method == "POST" else None)
        )
    assert api.authorizations == [BEARER_1]
    assert foreign.authorizations == [None]


@pytest.mark.parametrize(("status", "method"), HOPS)
async def test_a_naive_middleware_gives_the_token_away(
    api: ProtectedAPI, foreign: ProtectedAPI, status: int, method: str
) -> None:
    """Law A1: the check can fail; this one leaks on every kind of redirect."""
    async with naive() as client:
        await answered(client.request(method, redirect(api, foreign.url, status)))
    assert foreign.authorizations == [BEARER_1]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1"])
async def test_another_address_is_another_origin(api: ProtectedAPI, host: str) -> None:
    """Law A1: loopback's other addresses are others' too."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.bind((host, 0))
    except OSError:
        pytest.skip(f"this machine has no {host}")
    async with ProtectedAPI(api.server, host=host) as other, session(FixedSource(), api.url) as client:
        await answered(client.get(redirect(api, other.url)))
    assert other.authorizations == [None]


async def test_another_name_of_the_same_server_is_another_origin(api: ProtectedAPI) -> None:
    """Law A1: no name is looked up to find out whether two are one."""
    async with session(FixedSource(), api.url) as client:
        await answered(client.get(redirect(api, api.url.replace("127.0.0.1", "localhost"))))
    assert api.authorizations == [BEARER_1, None]


async def test_a_token_for_an_ipv6_address_goes_there() -> None:
    """Law A1: an origin may be an IPv6 address; the same port of IPv4 is another."""
    try:
        async with ProtectedAPI(Accepting("access-1"), host="::1") as api, session(FixedSource(), api.url) as client:
            long_form = api.url.replace("[::1]", "[0:0:0:0:0:0:0:1]")
            assert (await answered(client.get(redirect(api, long_form)))).status == 200
            assert api.authorizations == [BEARER_1, BEARER_1]
    except OSError:
        pytest.skip("this machine has no ::1")


@pytest.mark.parametrize("to", ELSEWHERE)
async def test_what_looks_alike_gets_no_token(api: ProtectedAPI, foreign: ProtectedAPI, to: str) -> None:
    """Law A1: sub-domain, suffix, trailing dot, port, userinfo, path and look-alike letters."""
    names = connector({("api.example", 80): port(api)}, elsewhere=port(foreign))
    options = {"send_tokens_over_plain_http": True}
    async with session(FixedSource(), "http://api.example", connector=names, **options) as client:
        await answered(client.get(URL("http://api.example/redirect").with_query(to=to)))
    assert api.authorizations == [BEARER_1]
    assert len(foreign.authorizations) == 1
    assert BEARER_1 not in foreign.authorizations


@pytest.mark.parametrize("to", HOME)
async def test_the_same_origin_gets_the_token_however_it_is_written(
    api: ProtectedAPI, foreign: ProtectedAPI, to: str
) -> None:
    """Law A1: case, default port and a relative reference make no other origin."""
    names = connector({("api.example", 80): port(api)}, elsewhere=port(foreign))
    options = {"send_tokens_over_plain_http": True}
    async with session(FixedSource(), "http://api.example", connector=names, **options) as client:
        await answered(client.get(URL("http://api.example/redirect").with_query(to=to, status=302), max_redirects=2))
    assert api.authorizations == [BEARER_1, BEARER_1]
    assert foreign.requests == 0


async def test_an_international_name_is_one_origin(api: ProtectedAPI, foreign: ProtectedAPI) -> None:
    """Law A1: a name in letters and in its ASCII form are the same, and another letter is another."""
    names = connector({("xn--bcher-kva.example", 80): port(api)}, elsewhere=port(foreign))
    options = {"send_tokens_over_plain_http": True}
    async with session(FixedSource(), "http://bücher.example", connector=names, **options) as client:
        for to in ("http://xn--bcher-kva.example/", "http://BÜCHER.example/", "http://bucher.example/"):
            await answered(client.get(URL("http://bücher.example/redirect").with_query(to=to)))
    assert api.authorizations == [BEARER_1] * 5
    assert foreign.authorizations == [None]


async def test_a_user_in_a_redirect_is_not_overwritten(api: ProtectedAPI) -> None:
    """Law A4: aiohttp makes an `Authorization` of it, and that one is sent."""
    async with session(FixedSource(), api.url) as client:
        await answered(client.get(redirect(api, str(URL(f"{api.url}/public").with_user("ada").with_password("x")))))
    assert api.authorizations == [BEARER_1, "Basic YWRhOng="]


async def test_a_token_does_not_follow_from_https_to_http(
    api: ProtectedAPI, foreign: ProtectedAPI, tmp_path: Path
) -> None:
    """Law A1: the scheme is part of the origin, though the host is the same."""
    trusted, shown = write_certificate(tmp_path, "api.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown)
    client_context = ssl.create_default_context(cafile=trusted)
    async with ProtectedAPI(api.server, ssl_context=context) as secure:
        names = connector({("api.example", 443): port(secure)}, elsewhere=port(foreign))
        async with session(FixedSource(), "https://api.example", connector=names) as client:
            for to in ("https://api.example:443/", "http://api.example/"):
                await answered(client.get(URL("https://api.example/redirect").with_query(to=to), ssl=client_context))
    assert secure.authorizations == [BEARER_1] * 3
    assert foreign.authorizations == [None]


async def test_the_token_waits_at_home(api: ProtectedAPI, foreign: ProtectedAPI) -> None:
    """Law A1: there and back again; only the hops at home carry it."""
    back = redirect(foreign, f"{api.url}/me")
    async with session(FixedSource(), api.url) as client:
        assert (await answered(client.get(redirect(api, str(back))))).status == 200
    assert api.authorizations == [BEARER_1, BEARER_1]
    assert foreign.authorizations == [None]


async def test_a_redirected_handshake_takes_no_token_along(api: ProtectedAPI, foreign: ProtectedAPI) -> None:
    """Laws A1 and B7: aiohttp follows redirects of WebSocket handshakes too."""
    async with session(FixedSource(), api.url) as client:
        with pytest.raises(WSServerHandshakeError):
            await client.ws_connect(redirect(api, f"{foreign.url}/ws"))
    assert api.authorizations == [BEARER_1]
    assert foreign.authorizations == [None]


async def test_a_naive_middleware_gives_the_handshake_s_token_away(api: ProtectedAPI, foreign: ProtectedAPI) -> None:
    """Law A1: the check can fail; this one leaks."""
    async with naive() as client, client.ws_connect(redirect(api, f"{foreign.url}/ws")):
        pass
    assert foreign.authorizations == [BEARER_1]


async def test_a_caller_s_own_header_is_not_replaced_by_ours_elsewhere(
    api: ProtectedAPI, foreign: ProtectedAPI
) -> None:
    """Law A4: aiohttp takes the caller's own off when the origin changes, and ours does not take its place."""
    async with session(FixedSource(), api.url) as client:
        await answered(client.get(redirect(api, foreign.url), headers={"Authorization": "Bearer mine"}))
    assert api.authorizations == ["Bearer mine"]
    assert foreign.authorizations == [None]
