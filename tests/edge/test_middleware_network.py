"""What a session does by itself on the way to an API: proxies, and passwords of ~/.netrc."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientHttpProxyError, ClientSession, web
from yarl import URL

from aio_token import BearerMiddleware, ConfigurationError
from aio_token.testing import FixedSource, ProtectedAPI, token
from tests.support.api import BEARER_1, BEARER_2, Accepting, answered, twice
from tests.support.token_server import sends, token_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.token_server import TokenServer

OTHER = f"Basic {b64encode(b'ada:netrc').decode()}"


@pytest.fixture
async def api() -> AsyncIterator[ProtectedAPI]:
    """Run an API that takes the second token of two."""
    async with ProtectedAPI(Accepting("access-2")) as api:
        yield api


@pytest.fixture
async def proxy() -> AsyncIterator[TokenServer]:
    """Run what stands for a proxy on another machine."""
    async with token_server(sends(b"")) as proxy:
        yield proxy


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the proxies out of the environment."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a password for this machine into ~/.netrc."""
    path = tmp_path / "netrc"
    path.write_text("machine 127.0.0.1 login ada password netrc\n")
    monkeypatch.setenv("NETRC", str(path))
    return path


@pytest.mark.parametrize("origin", ["http://localhost:9", "http://127.0.0.1:9", "http://api.example"])
@pytest.mark.parametrize("how", ["the session's", "the request's", "the environment's"])
@pytest.mark.parametrize("required", [True, False])
async def test_plain_http_passes_no_proxy(
    bare: None, proxy: TokenServer, monkeypatch: pytest.MonkeyPatch, origin: str, how: str, *, required: bool
) -> None:
    """Law A2: http is for this machine; a proxy would read the token, so nothing is sent and no token is asked for."""
    source = FixedSource()
    middleware = BearerMiddleware(source, origin, required=required, send_tokens_over_plain_http=True)
    options: dict[str, Any] = {}
    if how == "the environment's":
        monkeypatch.setenv("http_proxy", proxy.url)
        options = {"trust_env": True}
    elif how == "the session's":
        options = {"proxy": proxy.url}
    async with ClientSession(middlewares=(middleware,), **options) as client:
        with pytest.raises(ConfigurationError, match=r"^a proxy stands between this session and http://") as caught:
            await client.get(f"{origin}/me?key=canary-5ecret", proxy=proxy.url if how == "the request's" else None)
    assert (proxy.received, source.asked) == ([], 0)
    assert "canary-" not in str(caught.value)


async def test_a_handshake_over_plain_http_passes_no_proxy(proxy: TokenServer) -> None:
    """Laws A2 and B7: a WebSocket's first request is one like any other."""
    async with ClientSession(middlewares=(BearerMiddleware(FixedSource(), "http://localhost:9"),)) as client:
        with pytest.raises(ConfigurationError, match="a proxy stands"):
            await client.ws_connect("ws://localhost:9/", proxy=proxy.url)
    assert proxy.received == []


async def test_a_redirect_to_plain_http_passes_no_proxy(proxy: TokenServer) -> None:
    """Law A2: each hop is looked at, as the origin is."""
    proxied: list[str] = []

    async def leads_on(request: Any, handler: Any) -> Any:
        if request.url == URL("http://strangers.example/"):
            proxied.append(str(request.url))
        return await handler(request)

    async with (
        token_server(sends(status=307, headers={"Location": "http://localhost:9/me"})) as leading,
        ClientSession(middlewares=(BearerMiddleware(FixedSource(), "http://localhost:9"), leads_on)) as client,
    ):
        with pytest.raises(ConfigurationError, match="a proxy stands"):
            await client.get("http://strangers.example/", proxy=leading.url)
    assert proxied == ["http://strangers.example/"]
    assert [sent.headers.get("Authorization") for sent in leading.received] == [None]


async def test_https_passes_a_proxy() -> None:
    """Law A2: the proxy is told where to, and reads nothing of what is sent through it."""
    received: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1") as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        middleware = BearerMiddleware(FixedSource(), "https://api.example")
        async with ClientSession(middlewares=(middleware,)) as client:
            with pytest.raises(ClientHttpProxyError):
                await client.get("https://api.example/me", proxy=url)
    (head,) = received
    assert head.startswith(b"CONNECT api.example:443 ")
    assert b"access-1" not in head


async def test_a_stranger_s_request_passes_the_proxy(proxy: TokenServer) -> None:
    """Law A2: what carries no token of ours is not looked at, nor what its caller has authorized."""
    async with ClientSession(middlewares=(BearerMiddleware(FixedSource(), "http://localhost:9"),)) as client:
        await answered(client.get("http://other.example/", proxy=proxy.url))
        await answered(client.get("http://localhost:9/", proxy=proxy.url, headers={"Authorization": "Basic eA=="}))
        await answered(client.get("http://localhost:9/", proxy=proxy.url, headers={"requires-token": "false"}))
    assert [sent.headers.get("Authorization") for sent in proxy.received] == [None, "Basic eA==", None]


async def test_what_netrc_filled_in_is_not_the_caller_s(bare: None, netrc: Path, api: ProtectedAPI) -> None:
    """Law A4: the token goes out in its place, is renewed as any, and leaves nothing behind for a retry around it."""
    source = FixedSource(token("access-1"), token("access-2"))
    async with ClientSession(middlewares=(twice, BearerMiddleware(source, api.url)), trust_env=True) as client:
        response = await answered(client.get(api.url))
    assert response.status == 200
    assert api.authorizations == [BEARER_1, BEARER_2, BEARER_2]
    assert "Authorization" not in response.request_info.headers


async def test_the_caller_s_own_wins_over_the_token(bare: None, netrc: Path, api: ProtectedAPI) -> None:
    """Law A4: with `trust_env` too, where netrc has another host, or nothing at all."""
    netrc.write_text("machine other.example login ada password netrc\n")
    async with ClientSession(middlewares=(BearerMiddleware(FixedSource(), api.url),), trust_env=True) as client:
        await answered(client.get(api.url, headers={"Authorization": OTHER}))
        netrc.unlink()
        await answered(client.get(api.url, headers={"Authorization": OTHER}))
    async with ClientSession(middlewares=(BearerMiddleware(FixedSource(), api.url),)) as client:
        await answered(client.get(api.url, headers={"Authorization": OTHER}))
    assert api.authorizations == [OTHER] * 3


async def test_netrc_is_compared_and_not_believed(bare: None, netrc: Path, api: ProtectedAPI) -> None:
    """Law A4: an outer middleware's header is its own, though netrc has an entry."""

    async def own(request: Any, handler: Any) -> Any:
        request.headers["Authorization"] = "Basic b3duOm93bg=="
        return await handler(request)

    middlewares = (own, BearerMiddleware(FixedSource(), api.url))
    async with ClientSession(middlewares=middlewares, trust_env=True) as client:
        await answered(client.get(api.url))
    assert api.authorizations == ["Basic b3duOm93bg=="]


async def test_a_request_that_opted_out_keeps_what_netrc_has(bare: None, netrc: Path, api: ProtectedAPI) -> None:
    """Law A4: it is sent as it would be without this middleware."""
    async with ClientSession(middlewares=(BearerMiddleware(FixedSource(), api.url),), trust_env=True) as client:
        await answered(client.get(api.url, headers={"requires-token": "false"}))
    assert api.authorizations == [OTHER]


async def test_netrc_s_entry_for_another_host_goes_there(bare: None, netrc: Path, api: ProtectedAPI) -> None:
    """Law A1: strangers get what aiohttp gives them, and no token."""
    seen: list[str | None] = []

    async def note(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("Authorization"))
        return web.Response()

    middleware = BearerMiddleware(FixedSource(), "https://api.example")
    async with token_server(note) as stranger, ClientSession(middlewares=(middleware,), trust_env=True) as client:
        await answered(client.get(stranger.url))
    assert seen == [OTHER]
