"""The API of the testing kit."""

from __future__ import annotations

import asyncio
import hashlib
import time
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession, TCPConnector, WSMsgType, WSServerHandshakeError, web

from aio_token.testing import (
    INSUFFICIENT_SCOPE,
    INVALID_TOKEN,
    NO_CHALLENGE,
    NO_TOKEN,
    TWO_HEADERS,
    AuthorizationServer,
    Broken,
    ManualClock,
    ProtectedAPI,
    Refusal,
)
from tests.support.plain_client import call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def server() -> AsyncIterator[AuthorizationServer]:
    """Run an authorization server with a clock by hand."""
    async with AuthorizationServer(lifetime=60.0, clock=ManualClock()) as server:
        yield server


@pytest.fixture
async def api(server: AuthorizationServer) -> AsyncIterator[ProtectedAPI]:
    """Run an API that takes the server's tokens."""
    async with ProtectedAPI(server) as api:
        yield api


def good(server: AuthorizationServer) -> str:
    """Return an access token that counts."""
    return str(server.issue()["access_token"])


async def refused(api: ProtectedAPI, access_token: str | None = "made-up") -> tuple[int, list[str], bytes]:
    """Return status, challenges and body of a refusal."""
    headers = {"Authorization": f"Bearer {access_token}"} if access_token else {}
    async with ClientSession() as session, session.get(api.url, headers=headers) as response:
        return response.status, response.headers.getall("WWW-Authenticate", []), await response.read()


async def test_a_good_token_is_let_in(api: ProtectedAPI, server: AuthorizationServer) -> None:
    """The answer tells what came: method, path, and the body's size and digest."""
    body = b"x" * 100_000
    status, answer = await call(f"{api.url}/a/b?c=d", good(server), method="PUT", data=body)
    told = {"method": "PUT", "path": "/a/b", "size": 100_000, "sha256": hashlib.sha256(body).hexdigest()}
    assert (status, answer) == (200, told)
    assert (api.requests, api.accepted, api.refused) == (1, 1, 0)


async def test_handlers_of_one_s_own_answer_those_who_bring_a_token(server: AuthorizationServer) -> None:
    """The first whose path fits is asked, all other paths get the API's own answer, and a fault comes first."""

    async def order(request: web.Request) -> web.Response:
        return web.json_response({"order": request.path.rpartition("/")[2]})

    async def all_orders(request: web.Request) -> web.Response:
        return web.json_response({"orders": []})

    async with ProtectedAPI(server, handlers={"/orders/*": order, "/orders*": all_orders}) as api:
        assert (await call(f"{api.url}/orders/7", good(server)))[1] == {"order": "7"}
        assert (await call(f"{api.url}/orders", good(server)))[1] == {"orders": []}
        assert (await call(f"{api.url}/me", good(server)))[1]["path"] == "/me"
        assert (await call(f"{api.url}/orders/7", "made-up"))[0] == 401
        api.inject(Broken(status=503))
        assert (await call(f"{api.url}/orders/7", good(server)))[0] == 503
    assert (api.accepted, api.refused) == (3, 1)


async def test_tokens_that_do_not_count_are_refused(api: ProtectedAPI, server: AuthorizationServer) -> None:
    """Unknown, revoked and ended tokens get the refusal of RFC 6750."""
    revoked = good(server)
    server.revoke_all()
    ended = good(server)
    assert isinstance(server.clock, ManualClock)
    server.clock.advance(60.0)
    for access_token in ("made-up", revoked, ended):
        assert (await refused(api, access_token))[:2] == (401, list(INVALID_TOKEN.challenges))
    assert (api.accepted, api.refused) == (0, 3)


async def test_no_token_is_no_invalid_token(api: ProtectedAPI) -> None:
    """A request without a token gets a challenge without an error code; so does one with something else."""
    assert (await refused(api, None))[:2] == (401, list(NO_TOKEN.challenges))
    async with ClientSession() as session, session.get(api.url, headers={"Authorization": "Basic eDp5"}) as response:
        assert response.headers["WWW-Authenticate"] == NO_TOKEN.challenges[0]


@pytest.mark.parametrize("refusal", [INVALID_TOKEN, NO_CHALLENGE, TWO_HEADERS, INSUFFICIENT_SCOPE])
async def test_refusals_are_as_a_test_wants_them(api: ProtectedAPI, refusal: Refusal) -> None:
    """Status and challenges are those that were set, one header each."""
    api.refusal = refusal
    assert (await refused(api))[:2] == (refusal.status, list(refusal.challenges))


async def test_an_api_may_refuse_everything(api: ProtectedAPI, server: AuthorizationServer) -> None:
    """With `always_refuse` a good token is refused too, and none at all is refused alike."""
    api.always_refuse = True
    for access_token in (good(server), None):
        assert (await refused(api, access_token))[1] == list(INVALID_TOKEN.challenges)
    assert (api.accepted, api.refused) == (0, 2)


async def test_what_came_is_remembered(api: ProtectedAPI, server: AuthorizationServer) -> None:
    """Every request is there, with its headers, whatever became of it."""
    access_token = good(server)
    await call(f"{api.url}/a", access_token)
    await call(f"{api.url}/public")
    assert api.authorizations == [f"Bearer {access_token}", None]
    assert [seen.path for seen in api.seen] == ["/a", "/public"]
    assert access_token not in repr([api, *api.seen])


async def test_some_routes_want_no_token(api: ProtectedAPI) -> None:
    """`/public` answers anyone, and is not counted as accepted."""
    assert (await call(f"{api.url}/public"))[0] == 200
    assert (api.requests, api.accepted) == (1, 0)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_lead_where_they_are_told(api: ProtectedAPI, status: int) -> None:
    """`/redirect` answers with the status and the address of its query, token or not."""
    address = f"{api.url}/redirect?status={status}&to={api.url}/public"
    async with ClientSession() as session, session.get(address) as response:
        assert [hop.status for hop in response.history] == [status]
        assert str(response.url) == f"{api.url}/public"


@pytest.mark.parametrize("chunked", [False, True])
async def test_refusals_may_be_large(api: ProtectedAPI, chunked: bool) -> None:
    """A body of any size comes whole, announced or chunked."""
    api.refusal = Refusal(size=100_001, chunked=chunked)
    async with ClientSession() as session, session.get(api.url, headers={"Authorization": "Bearer x"}) as response:
        assert (response.content_length, len(await response.read())) == (None if chunked else 100_001, 100_001)


async def test_refusals_may_have_no_body(api: ProtectedAPI) -> None:
    """Size 0 is announced as such."""
    api.refusal = Refusal(size=0)
    assert (await refused(api))[2] == b""


async def test_refusals_may_be_endless(api: ProtectedAPI) -> None:
    """An endless body goes on, and does no harm when its reader hangs up."""
    api.refusal = Refusal(endless=True)
    async with ClientSession() as session, session.get(api.url, headers={"Authorization": "Bearer x"}) as response:
        assert len(await response.content.readexactly(1_000_000)) == 1_000_000
        response.close()
    assert (await call(f"{api.url}/public"))[0] == 200


async def test_refusals_may_be_slow(api: ProtectedAPI) -> None:
    """The pause comes before each piece."""
    api.refusal = Refusal(size=40_000, pause=0.01)
    began = time.perf_counter()
    assert len((await refused(api))[2]) == 40_000
    assert time.perf_counter() - began >= 0.03


async def test_a_websocket_says_everything_back(api: ProtectedAPI, server: AuthorizationServer) -> None:
    """Text and bytes come back to who brought a good token."""
    headers = {"Authorization": f"Bearer {good(server)}"}
    async with ClientSession() as session, session.ws_connect(f"{api.url}/ws", headers=headers) as websocket:
        await websocket.send_str("hello")
        assert await websocket.receive_str() == "hello"
        await websocket.send_bytes(b"\x00")
        assert await websocket.receive_bytes() == b"\x00"


async def test_a_websocket_wants_a_token(api: ProtectedAPI) -> None:
    """The handshake is refused like any request."""
    async with ClientSession() as session:
        with pytest.raises(WSServerHandshakeError) as caught:
            await session.ws_connect(f"{api.url}/ws")
    assert caught.value.status == 401


async def test_an_open_websocket_does_not_keep_the_server(server: AuthorizationServer) -> None:
    """The server stops, and the other end hears of it."""
    headers = {"Authorization": f"Bearer {good(server)}"}
    async with ClientSession() as session:
        async with ProtectedAPI(server) as api:
            websocket = await session.ws_connect(f"{api.url}/ws", headers=headers)
        async with asyncio.timeout(5.0):
            assert (await websocket.receive()).type in {WSMsgType.CLOSE, WSMsgType.CLOSED}


async def test_requests_to_an_api_can_be_held(api: ProtectedAPI, server: AuthorizationServer) -> None:
    """A token may be revoked while a request stands at the gate."""
    with api.hold() as hold:
        calling = asyncio.create_task(call(api.url, good(server)))
        await hold.arrived.wait()
        server.revoke_access_tokens()
    assert (await calling)[0] == 401


async def test_a_thousand_at_once(api: ProtectedAPI, server: AuthorizationServer) -> None:
    """A thousand concurrent requests are answered, each on a connection of its own."""
    headers = {"Authorization": f"Bearer {good(server)}"}

    async def get(session: ClientSession) -> int:
        async with session.get(api.url, headers=headers) as response:
            return response.status

    async with ClientSession(connector=TCPConnector(limit=0)) as session:
        assert await asyncio.gather(*(get(session) for _ in range(1_000))) == [200] * 1_000
    assert api.accepted == 1_000
