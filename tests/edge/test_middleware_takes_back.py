"""Our header is on the request while the handler runs, and at no other time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientConnectorError, ClientResponseError, ClientSession, WSServerHandshakeError

from aio_token import BearerMiddleware
from aio_token.testing import FixedSource, ProtectedAPI, token
from tests.support.api import BEARER_1, BEARER_2, Accepting, answered, session, twice
from tests.support.exposure import exposure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse


@pytest.fixture
async def api() -> AsyncIterator[ProtectedAPI]:
    """Run an API that takes two tokens."""
    async with ProtectedAPI(Accepting("access-1", "access-2")) as api:
        yield api


async def naive(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Set the header and leave it there."""
    request.headers["Authorization"] = BEARER_1
    return await handler(request)


async def test_a_response_does_not_show_the_token(api: ProtectedAPI) -> None:
    """Law A6: its request's headers are a live view."""
    async with session(FixedSource(), api.url) as client:
        response = await answered(client.get(api.url))
    assert "Authorization" not in response.request_info.headers


async def test_an_error_does_not_show_the_token(api: ProtectedAPI) -> None:
    """Law A6: `raise_for_status` makes an error whose repr shows the request's headers."""
    async with session(FixedSource(), api.url, raise_for_status=True) as client:
        with pytest.raises(ClientResponseError) as error:
            await client.get(f"{api.url}/redirect?to=/&status=418")
    assert api.authorizations == [BEARER_1]
    assert "access-" not in exposure(error.value)


async def test_a_failed_handshake_does_not_show_the_token(api: ProtectedAPI) -> None:
    """Law A6: the same for a WebSocket."""
    async with session(FixedSource(), api.url) as client:
        with pytest.raises(WSServerHandshakeError) as error:
            await client.ws_connect(f"{api.url}/me")
    assert api.authorizations == [BEARER_1]
    assert "access-" not in exposure(error.value)


async def test_a_naive_middleware_shows_the_token(api: ProtectedAPI) -> None:
    """Law A6: the check can fail; this is what most middlewares do."""
    async with ClientSession(middlewares=(naive,)) as client:
        with pytest.raises(WSServerHandshakeError) as error:
            await client.ws_connect(f"{api.url}/me")
    assert BEARER_1 in repr(error.value)


async def test_a_retry_further_out_finds_no_leftover(api: ProtectedAPI) -> None:
    """Law A6: a leftover would be taken for the caller's own, and a new token never sent."""
    source = FixedSource(token("access-1"), token("access-2"))

    async def renewing(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        (await handler(request)).close()
        await source.token(rejected=token("access-1"))
        return await handler(request)

    async with ClientSession(middlewares=(renewing, BearerMiddleware(source, api.url))) as client:
        assert (await answered(client.get(api.url))).status == 200
    assert api.authorizations == [BEARER_1, BEARER_2]


async def test_a_retry_further_in_finds_the_header(api: ProtectedAPI) -> None:
    """Law A6: as long as the handler runs the header stays, however often it sends."""
    async with ClientSession(middlewares=(BearerMiddleware(FixedSource(), api.url), twice)) as client:
        assert (await answered(client.get(api.url))).status == 200
    assert api.authorizations == [BEARER_1, BEARER_1]


async def test_what_another_middleware_put_there_stays(api: ProtectedAPI) -> None:
    """Law A6: only what is ours is taken back."""
    source = FixedSource(token("access-2"))
    async with ClientSession(middlewares=(BearerMiddleware(source, api.url), naive)) as client:
        response = await answered(client.get(api.url))
    assert response.request_info.headers["Authorization"] == BEARER_1


async def test_what_another_middleware_put_on_the_repeat_stays(api: ProtectedAPI) -> None:
    """Law A6: it is not ours, though the rejected request was."""
    source = FixedSource(token("dead"), token("access-2"))

    async def second_time(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        if request.headers["Authorization"] == BEARER_2:
            request.headers["Authorization"] = BEARER_1
        return await handler(request)

    async with ClientSession(middlewares=(BearerMiddleware(source, api.url), second_time)) as client:
        response = await answered(client.get(api.url))
    assert response.request_info.headers["Authorization"] == BEARER_1


async def test_an_error_of_the_handler_passes_through(api: ProtectedAPI) -> None:
    """Law A6: it is the handler's own error, and the header is off again."""
    requests: list[ClientRequest] = []

    async def noting(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        requests.append(request)
        return await handler(request)

    async with (
        ClientSession(middlewares=(noting, BearerMiddleware(FixedSource(), api.url))) as client,
        api.offline(),
    ):
        with pytest.raises(ClientConnectorError) as error:
            await client.get(api.url)
    assert "access-" not in exposure(error.value)
    assert [list(request.headers.getall("Authorization", ())) for request in requests] == [[]]
