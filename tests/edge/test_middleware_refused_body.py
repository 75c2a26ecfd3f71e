"""What comes with a 401: read if it is small, let go of if not, and never in the way of the second request."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession, ClientTimeout, TCPConnector, TraceConfig, web

import aio_token._edge.refused as refused_module
from aio_token import BearerMiddleware, ServerUnavailable, SignInRequired, TokenError
from aio_token.testing import FixedSource, ProtectedAPI, Refusal, Silent, token
from tests.support.api import BEARER_1, BEARER_2, Accepting, answered, session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
    from aiohttp.typedefs import Handler

    from aio_token import Rejection, Token, TokenSource

SMALL = [Refusal(size=0), Refusal(size=4), Refusal(size=65_536)]
AWKWARD = [
    Refusal(size=65_537),
    Refusal(size=5_000_000),
    Refusal(size=4, chunked=True),
    Refusal(size=100_000, chunked=True),
    Refusal(endless=True),
    Refusal(endless=True, pause=0.01),
    Refusal(size=4, pause=30.0),
    Refusal(size=60_000, pause=0.2),
]
SOON = 30.0  # seconds


class Halting:
    """A source whose second token is long in coming."""

    def __init__(self) -> None:
        self.arrived = asyncio.Event()

    async def token(self, *, rejected: Rejection | Token | None = None, min_valid_for: float = 0.0) -> Token:
        """Give the first token; never another."""
        if rejected is not None:
            self.arrived.set()
            await asyncio.Event().wait()
        return token("access-1")


@pytest.fixture
async def api() -> AsyncIterator[ProtectedAPI]:
    """Run an API that takes the second token of two."""
    async with ProtectedAPI(Accepting("access-2")) as api:
        yield api


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a small body all the time that a loaded machine may need."""
    monkeypatch.setattr(refused_module, "_BODY_PATIENCE", 30.0)


@pytest.fixture
def source() -> FixedSource:
    """Return a source that has a second token when the first is rejected."""
    return FixedSource(token("access-1"), token("access-2"))


def one_connection(source: TokenSource, api: ProtectedAPI) -> ClientSession:
    """Return a session that never has two connections at once."""
    return session(source, api.url, connector=TCPConnector(limit=1))


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("refusal", SMALL, ids=repr)
async def test_a_small_body_is_read_and_its_connection_used_again(
    api: ProtectedAPI, source: FixedSource, refusal: Refusal
) -> None:
    """Law B5: up to 64 kB; the second request makes no connection of its own."""
    api.refusal = refusal
    trace, made = TraceConfig(), []

    async def connected(*_: object) -> None:
        made.append(1)

    trace.on_connection_create_end.append(connected)
    chain = (BearerMiddleware(source, api.url),)
    async with ClientSession(middlewares=chain, trace_configs=[trace]) as client:
        assert (await answered(client.get(api.url))).status == 200
    assert api.authorizations == [BEARER_1, BEARER_2]
    assert len(made) == 1


@pytest.mark.parametrize("refusal", AWKWARD, ids=repr)
async def test_no_body_is_in_the_way_of_the_second_request(
    api: ProtectedAPI, source: FixedSource, refusal: Refusal
) -> None:
    """Law B5: large, chunked, endless or slow, with one connection there is no deadlock, so there are never two."""
    api.refusal = refusal
    async with asyncio.timeout(SOON), one_connection(source, api) as client:
        assert (await answered(client.get(api.url))).status == 200
    assert api.authorizations == [BEARER_1, BEARER_2]


async def test_a_compressed_body_is_not_small(api: ProtectedAPI, source: FixedSource) -> None:
    """Law B5: its Content-Length does not tell how much memory it takes, so it is not read."""
    responses: list[ClientResponse] = []

    async def compressed(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = web.Response(status=401, body=b"\0" * 1_000_000)
        response.enable_compression(web.ContentCoding.gzip)
        return response

    async def noting(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        response = await handler(request)
        responses.append(response)
        return response

    api.inject(compressed, times=1)
    async with ClientSession(middlewares=(BearerMiddleware(source, api.url), noting)) as client:
        assert (await answered(client.get(api.url))).status == 200
    assert int(responses[0].headers["Content-Length"]) < 65_536
    assert [response._body for response in responses] == [None, None]


async def test_a_middleware_that_keeps_the_refused_response_waits_for_ever(api: ProtectedAPI) -> None:
    """Law B5: the check can fail; this is what aiohttp's own middlewares do."""
    api.refusal = Refusal(size=5_000_000)

    async def naive(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        request.headers["Authorization"] = BEARER_1
        kept.append(await handler(request))
        request.headers["Authorization"] = BEARER_2
        return await handler(request)

    kept: list[ClientResponse] = []

    async with ClientSession(middlewares=(naive,), connector=TCPConnector(limit=1)) as client:
        with pytest.raises(TimeoutError):
            await client.get(api.url, timeout=ClientTimeout(total=0.3))
        kept[0].close()


@pytest.mark.parametrize("refusal", [Refusal(), *AWKWARD], ids=repr)
@pytest.mark.parametrize("error", [SignInRequired("sign in"), ServerUnavailable("later")], ids=repr)
async def test_a_renewal_that_fails_lets_go_of_the_response(
    api: ProtectedAPI, error: TokenError, refusal: Refusal
) -> None:
    """Law B5: the `TokenError` is raised, and the only connection is free."""
    api.refusal = refusal
    async with asyncio.timeout(SOON), one_connection(FixedSource(token("access-1"), error), api) as client:
        with pytest.raises(type(error), match=str(error)):
            await client.get(api.url)
        assert (await answered(client.get(f"{api.url}/public", headers={"requires-token": "false"}))).status == 200


@pytest.mark.usefixtures("patient")
async def test_a_caller_s_deadline_ends_the_reading_of_a_refused_body(api: ProtectedAPI, source: FixedSource) -> None:
    """Law C3: a `ClientTimeout` that fires while a small body dawdles is a timeout, and no reason to go on."""
    api.refusal = Refusal(size=4, pause=30.0)
    async with asyncio.timeout(SOON), one_connection(source, api) as client:
        with pytest.raises(TimeoutError):
            await client.get(api.url, timeout=ClientTimeout(total=0.1))
        assert (await answered(client.get(f"{api.url}/public", headers={"requires-token": "false"}))).status == 200
    assert source.rejected == []


async def test_a_body_that_breaks_off_is_no_error(api: ProtectedAPI, source: FixedSource) -> None:
    """Law B5: the server hangs up in the middle of a small body, and the second request has a connection of its own."""

    async def broken(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = web.StreamResponse(status=401)
        response.content_length = 1_000
        await response.prepare(request)
        await response.write(b"no")
        assert request.transport is not None
        request.transport.close()
        return response

    api.inject(broken, times=1)
    async with one_connection(source, api) as client:
        assert (await answered(client.get(api.url))).status == 200
    assert api.authorizations == [BEARER_1, BEARER_2]


@pytest.mark.parametrize("refusal", [Refusal(), Refusal(endless=True)], ids=repr)
async def test_cancelled_while_a_renewal_runs(api: ProtectedAPI, refusal: Refusal) -> None:
    """Laws B5 and C3: the rejected response is let go of."""
    api.refusal, source = refusal, Halting()
    async with asyncio.timeout(SOON), one_connection(source, api) as client:
        request = asyncio.create_task(client.get(api.url))
        await source.arrived.wait()
        await is_cancelled(request)
        await still_works(client, api)


@pytest.mark.parametrize("number", [1, 2])
async def test_cancelled_while_a_request_is_under_way(api: ProtectedAPI, source: FixedSource, number: int) -> None:
    """Laws A6 and B5: before the refusal or after the renewal, nothing is held and no header is left."""
    requests: list[ClientRequest] = []

    async def noting(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        requests.append(request)
        return await handler(request)

    chain, arrived = (noting, BearerMiddleware(source, api.url)), asyncio.Event()

    async def stuck(request: web.Request, handler: Handler) -> web.StreamResponse:
        if api.requests < number:
            return await handler(request)
        arrived.set()
        return await Silent()(request, handler)

    api.inject(stuck, times=number)
    async with asyncio.timeout(SOON), ClientSession(middlewares=chain, connector=TCPConnector(limit=1)) as client:
        request = asyncio.create_task(client.get(api.url))
        await arrived.wait()
        await is_cancelled(request)
        await still_works(client, api)
    assert "Authorization" not in requests[0].headers


@pytest.mark.usefixtures("patient")
async def test_cancelled_while_a_small_body_dawdles(api: ProtectedAPI, source: FixedSource) -> None:
    """Laws B5 and C3: the caller need not wait until the middleware has lost its patience."""
    api.refusal, refused = Refusal(size=4, pause=30.0), asyncio.Event()
    async with asyncio.timeout(SOON), ClientSession(connector=TCPConnector(limit=1)) as client:
        bearer = BearerMiddleware(source, api.url, observer=lambda _: refused.set())
        request = asyncio.create_task(client.get(api.url, middlewares=(bearer,)))
        await refused.wait()  # the event comes first, the reading next
        await is_cancelled(request)
        await still_works(client, api)
    assert source.rejected == []


async def is_cancelled(request: asyncio.Task[ClientResponse]) -> None:
    """Cancel the request and see that it is."""
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request


async def still_works(client: ClientSession, api: ProtectedAPI) -> None:
    """See that the session's only connection is to be had."""
    async with client.get(f"{api.url}/public", headers={"requires-token": "false"}) as response:
        assert response.status == 200
