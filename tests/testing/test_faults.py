"""Servers of the testing kit that are held, slow, broken, silent, rate-limiting or off the network."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientConnectorError, ClientError, ClientSession, ServerDisconnectedError, web

from aio_token import ConfigurationError
from aio_token.testing import (
    Altered,
    AuthorizationServer,
    Broken,
    Dropped,
    LoopbackServer,
    ProtectedAPI,
    RateLimited,
    Silent,
    Slow,
)
from tests.support.certificates import loopback_contexts
from tests.support.plain_client import call, client_credentials, refresh

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler


async def post(server: AuthorizationServer, *, timeout: float = 5.0) -> tuple[int, dict[str, str], bytes]:  # noqa: ASYNC109
    """Return status, headers and bytes of a token answer; without a client, since the fault comes first."""
    async with ClientSession() as session, asyncio.timeout(timeout), session.post(server.token_url) as response:
        return response.status, dict(response.headers), await response.read()


async def test_a_hold_stops_requests_before_anything_happens() -> None:
    """A held request has not been carried out, and is once it is released."""
    async with AuthorizationServer() as server:
        with server.hold() as hold:
            asking = asyncio.create_task(refresh(server, server.sign_in()))
            await hold.arrived.wait()
            assert (server.refreshes, server.requests["refresh_token"], asking.done()) == (0, 1, False)
            hold.release()
            assert (await asking)[0] == 200
        assert server.refreshes == 1


async def test_a_hold_may_stop_the_answer() -> None:
    """With `after`, the refresh token is spent already, and only the answer is missing."""
    async with AuthorizationServer() as server:
        with server.hold(after=True) as hold:
            asking = asyncio.create_task(refresh(server, server.sign_in()))
            await hold.arrived.wait()
            assert (server.refreshes, asking.done()) == (1, False)
        assert (await asking)[0] == 200


async def test_a_hold_counts_and_lets_go_at_its_end() -> None:
    """A test can wait for several requests at the gate; leaving the block releases them and ends the hold."""
    async with AuthorizationServer() as server:
        with server.hold() as hold:
            asking = [asyncio.create_task(client_credentials(server)) for _ in range(3)]
            await hold.wait_for(3)
            assert hold.count == 3
        assert [status for status, _ in await asyncio.gather(*asking)] == [200, 200, 200]
        assert (await client_credentials(server))[0] == 200


async def test_a_hold_is_for_one_endpoint() -> None:
    """Requests to other endpoints go through."""
    async with AuthorizationServer() as server:
        with server.hold(endpoint="revoke"):
            assert (await client_credentials(server))[0] == 200


async def test_a_server_may_be_slow() -> None:
    """The request takes at least the seconds before and after, and is carried out between them."""
    async with AuthorizationServer() as server:
        server.inject(Slow(before=0.02, after=0.03))
        began = time.perf_counter()
        assert (await client_credentials(server))[0] == 200
        assert time.perf_counter() - began >= 0.05


@pytest.mark.parametrize(
    ("fault", "status", "content_type", "body"),
    [
        (Broken(), 500, "text/html", b"<h1>Internal Server Error</h1>"),
        (Broken(status=200, body=b"\xff{", content_type="application/json"), 200, "application/json", b"\xff{"),
        (Broken(status=400, body={"error": "odd"}), 400, "application/json", b'{"error": "odd"}'),
        (Broken(status=503, body=b"", headers={"Content-Type": "text/plain"}), 503, "text/plain", b""),
    ],
)
async def test_a_server_may_be_broken(fault: Broken, status: int, content_type: str, body: bytes) -> None:
    """Status, type and bytes are those of the fault."""
    async with AuthorizationServer() as server:
        server.inject(fault)
        answer = await post(server)
    assert (answer[0], answer[1]["Content-Type"].split(";")[0], answer[2]) == (status, content_type, body)


async def test_a_server_may_break_after_it_rotated() -> None:
    """With `after`, the refresh token is spent though the answer is of no use."""
    async with AuthorizationServer() as server:
        server.inject(Broken(status=502, body={}, after=True), times=1)
        token = server.sign_in()
        assert await refresh(server, token) == (502, {})
        assert (await refresh(server, token))[0] == 400
    assert (server.refreshes, server.reused) == (1, 1)


@pytest.mark.parametrize(("retry_after", "header"), [(30, "30"), (None, None), ("Wed, 21 Oct 2015 07:28:00 GMT",) * 2])
async def test_a_server_may_limit_the_rate(retry_after: float | str | None, header: str | None) -> None:
    """429 comes with `Retry-After` in seconds, as a date, or without."""
    async with AuthorizationServer() as server:
        server.inject(RateLimited(retry_after=retry_after))
        status, headers, _ = await post(server)
    assert (status, headers.get("Retry-After")) == (429, header)


@pytest.mark.parametrize("after", [False, True])
async def test_a_server_may_drop_the_connection(after: bool) -> None:
    """The connection is closed without an answer, before or after the server rotated."""
    async with AuthorizationServer() as server:
        server.inject(Dropped(after=after))
        with pytest.raises(ServerDisconnectedError):
            await refresh(server, server.sign_in())
    assert server.refreshes == after


@pytest.mark.parametrize("after", [False, True])
async def test_a_server_may_be_silent(after: bool) -> None:
    """No answer comes, though the server may have rotated, and the server stops at once nevertheless."""
    async with AuthorizationServer() as server:
        server.inject(Silent(after=after))
        async with asyncio.timeout(5.0):
            asking = asyncio.create_task(refresh(server, server.sign_in()))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(asking), 0.05)
    with pytest.raises(ClientError):
        await asking
    assert server.refreshes == after


async def test_a_good_answer_may_be_altered() -> None:
    """A function makes of the members what it likes; an error stays what it is."""
    async with AuthorizationServer() as server:
        server.inject(Altered(lambda members: {**members, "refresh_token": ""}))
        status, answer = await refresh(server, server.sign_in())
        assert (status, answer["refresh_token"], server.accepts(answer["access_token"])) == (200, "", True)
        assert await refresh(server, "made-up") == (400, {"error": "invalid_grant"})


async def test_faults_queue_up() -> None:
    """Each fault gets the requests that it asked for, in turn, and then all is well."""
    async with AuthorizationServer() as server:
        server.inject(Broken(status=500, body={}), times=2)
        server.inject(Broken(status=503, body={}), times=1)
        assert [(await client_credentials(server))[0] for _ in range(4)] == [500, 500, 503, 200]


async def test_a_server_recovers() -> None:
    """A fault without a number lasts until it is forgotten, and is for its endpoint only."""
    async with AuthorizationServer() as server:
        server.inject(Broken(body={}))
        server.inject(Broken(status=404, body={}), endpoint="openid-configuration")
        assert (await call(f"{server.url}/.well-known/openid-configuration"))[0] == 404
        assert [(await client_credentials(server))[0] for _ in range(2)] == [500, 500]
        server.recover()
        assert (await client_credentials(server))[0] == 200


async def test_a_fault_may_be_a_function() -> None:
    """Any server middleware of aiohttp is a fault."""

    async def teapot(request: web.Request, handler: Handler) -> web.StreamResponse:
        return web.json_response({}, status=418)

    async with AuthorizationServer() as server:
        server.inject(teapot)
        assert (await client_credentials(server))[0] == 418


async def test_a_server_goes_off_the_network_and_comes_back() -> None:
    """Connections are refused, open ones are gone, and the port is the same afterwards."""
    async with AuthorizationServer() as server, ClientSession() as session:
        url = server.userinfo_url
        async with session.get(url) as response:
            assert response.status == 401
        async with server.offline():
            with pytest.raises(ClientConnectorError):
                await call(url)
        async with session.get(url) as response:
            assert (response.status, url) == (401, server.userinfo_url)


async def test_going_offline_cuts_requests_off() -> None:
    """A request that is under way when the server goes gets no answer."""
    async with AuthorizationServer() as server:
        with server.hold() as hold:
            asking = asyncio.create_task(client_credentials(server))
            await hold.arrived.wait()
            async with server.offline():
                with pytest.raises(ServerDisconnectedError):
                    await asking


async def test_a_server_can_run_again() -> None:
    """A second block serves the same tokens on the same port."""
    server = AuthorizationServer()
    async with server:
        first, token = server.url, server.sign_in()
    async with server:
        assert (server.url, (await refresh(server, token))[0]) == (first, 200)


async def test_a_server_speaks_https() -> None:
    """With a context of its own the server is at an https address."""
    own, trusting = loopback_contexts()
    async with AuthorizationServer(ssl_context=own) as server:
        status, _ = await call(server.userinfo_url, ssl=trusting)
    assert (status, server.url.startswith("https://127.0.0.1:")) == (401, True)


async def test_a_server_may_have_an_address_of_the_next_protocol() -> None:
    """An IPv6 host stands in brackets in its address."""
    async with ProtectedAPI(AuthorizationServer(), host="::1") as api:
        assert api.url.startswith("http://[::1]:")
        assert (await call(f"{api.url}/public"))[0] == 200


async def test_a_path_that_nobody_serves() -> None:
    """An unknown path is a plain 404, faults or not."""
    async with AuthorizationServer() as server:
        server.inject(Broken())
        with server.hold():
            assert await call(f"{server.url}/nothing") == (404, {})


async def test_a_server_serves_inside_its_block_only() -> None:
    """Going offline before or after the block is an error that says so."""
    server = AuthorizationServer()
    for _ in range(2):
        with pytest.raises(RuntimeError, match="inside its `async with` block only"):
            async with server.offline():
                pass
        async with server:
            pass


def test_a_server_needs_routes() -> None:
    """`LoopbackServer` is for deriving from."""
    with pytest.raises(NotImplementedError):
        LoopbackServer().routes()


@pytest.mark.parametrize(("fault", "says"), [(Dropped, "not the class Dropped: call it"), ("503", "not a str")])
async def test_what_is_no_fault_is_refused(fault: Any, says: str) -> None:
    """At once, and not by an answer that the test takes for the fault's."""
    async with AuthorizationServer() as server:
        with pytest.raises(ConfigurationError, match=f"a fault is such as .*, {says}"):
            server.inject(fault)
