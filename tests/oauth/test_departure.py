"""The limit on a connection, and what is known of a request that never went out."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from aio_token import (
    MemoryTokenStore,
    PublicClient,
    RefreshTokenGrant,
    ServerUnavailable,
    TokenEndpoint,
    TokenRepository,
)
from aio_token._ground.value import replace
from aio_token.oauth.form import Request
from aio_token.oauth.sending import send
from aio_token.oauth.transport import Transport
from aio_token.testing import AuthorizationServer
from tests.support.mute_server import mute
from tests.support.token_server import drops, sends, token_server

if TYPE_CHECKING:
    from collections.abc import Iterator


def request(url: str) -> Request:
    """Make a request."""
    return Request(to="the server", url=url, headers={}, body="a=b")


@contextmanager
def full() -> Iterator[str]:
    """Listen and take no connection: further ones hang, as they do behind a firewall that drops them."""
    with ExitStack() as sockets, socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        for _ in range(3):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("limit", ["connect_timeout", "timeout"])
@pytest.mark.parametrize("way", ["no connection", "no TLS", "no word of the proxy"])
async def test_a_connection_that_does_not_come_is_given_up_and_nothing_was_sent(way: str, limit: str) -> None:
    """Law C4: by its own limit or by the one on all attempts, if that is shorter; it is not tried again."""
    match = r"^the server cannot be reached: no connection within 0\.3 seconds; check the address and what stands "
    with full() as hanging:
        async with mute() as (silent, heard):
            url = f"http://{hanging}" if way == "no connection" else f"https://{silent}"
            proxy = f"http://{silent}" if way == "no word of the proxy" else None
            with pytest.raises(ServerUnavailable, match=match) as caught:
                await send(request(url), replace(Transport(proxy=proxy), **{limit: 0.3}))
            assert len(heard) == (way != "no connection")
    assert not caught.value.outcome_unknown
    assert not isinstance(caught.value, aiohttp.ClientError)


async def test_a_refresh_token_that_was_not_sent_is_not_marked_as_spent() -> None:
    """Law F8: a connection that was never made leaves no mark, and the next attempt is an ordinary one."""
    way = Transport(connect_timeout=0.3, connector=lambda: Slow(0, hangs=True))
    async with AuthorizationServer() as server:
        store = MemoryTokenStore(replace(server.credential(client_id="app"), token=None))
        endpoint = TokenEndpoint(server.token_url, PublicClient("app"), transport=way)
        async with TokenRepository(RefreshTokenGrant(endpoint), store) as tokens:
            with pytest.raises(ServerUnavailable, match="no connection within"):
                await tokens.token()
        kept = await store.load()
    assert kept is not None
    assert (kept.failed_at is not None, kept.spending_since) == (True, None)


async def test_the_limit_ends_when_the_request_goes_out() -> None:
    """Law C4: a server that needs longer than a connection may is waited for."""

    async def think(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(1.5)
        return web.Response(body=b"{}")

    async with token_server(think) as server:
        assert (await send(request(server.url), Transport(connect_timeout=1.0))).body == b"{}"


class Slow(aiohttp.TCPConnector):
    """A connector under which the event loop stands still, and that may then hang."""

    def __init__(self, still: float, *, hangs: bool) -> None:
        super().__init__()
        self._still = still
        self._hangs = hangs

    async def connect(self, *arguments: Any, **named: Any) -> Any:
        """Connect, late or never."""
        await asyncio.sleep(0)
        time.sleep(self._still)  # noqa: ASYNC251  a synchronous call of another
        if self._hangs:
            await asyncio.Event().wait()
        return await super().connect(*arguments, **named)


async def test_a_loop_that_stands_still_costs_no_connection() -> None:
    """Law C13: a limit that passes meanwhile says nothing about the server."""
    async with token_server(sends(b"{}")) as server:
        transport = Transport(connect_timeout=0.3, connector=lambda: Slow(0.8, hangs=False))
        assert (await send(request(server.url), transport)).body == b"{}"


async def test_a_limit_on_reading_that_another_set_says_nothing_of_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Law F8: what instruments every session of a process may bound them, too; the request had gone out by then."""
    plain, go = aiohttp.ClientSession._request, asyncio.Event()

    async def bounded(self: aiohttp.ClientSession, *arguments: Any, **named: Any) -> aiohttp.ClientResponse:
        return await plain(self, *arguments, **named, timeout=aiohttp.ClientTimeout(sock_read=0.3))

    async def waits(_request: web.Request) -> web.StreamResponse:
        await go.wait()
        return web.Response()

    monkeypatch.setattr(aiohttp.ClientSession, "_request", bounded)
    async with token_server(waits) as server:
        with pytest.raises(ServerUnavailable, match=r"gave no usable answer \(TimeoutError\)") as caught:
            await send(request(server.url), Transport())
        go.set()
    assert caught.value.outcome_unknown
    assert len(server.received) == 1


class Asking(aiohttp.TCPConnector):
    """A connector that needs a token of its own, for a proxy or so, and gets none."""

    async def connect(self, *arguments: Any, **named: Any) -> Any:
        """Fail as a source of tokens does."""
        message = "the proxy's own server is down"
        raise ServerUnavailable(message)


async def test_what_a_connector_meets_is_no_limit_that_has_passed() -> None:
    """Law C4: another party's error inside stays that."""
    with pytest.raises(ServerUnavailable, match=r"gave no usable answer \(ServerUnavailable\)"):
        await send(request("http://127.0.0.1/token"), Transport(connector=Asking))


@pytest.mark.parametrize("limit", ["connect_timeout", "timeout"])
async def test_an_answer_that_was_lost_before_stays_unknown(limit: str) -> None:
    """Law D7: it was sent, dropped, and the connection for the one repetition does not come."""
    hangs = iter([False, True])
    way = Transport(connector=lambda: Slow(0, hangs=next(hangs)))
    async with token_server(drops) as server:
        with pytest.raises(ServerUnavailable, match="unknown") as caught:
            await send(request(server.url), replace(way, **{limit: 2.0}))
    assert caught.value.outcome_unknown
    assert len(server.received) == 1
