"""WebSocket handshakes are requests like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp import WSServerHandshakeError

from aio_token.testing import FixedSource, ProtectedAPI, Refusal, token
from tests.support.api import BEARER_1, BEARER_2, Accepting, session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import ClientSession


@pytest.fixture
async def api() -> AsyncIterator[ProtectedAPI]:
    """Run an API that takes one token of two."""
    async with ProtectedAPI(Accepting("access-2")) as api:
        yield api


async def said_back(client: ClientSession, url: str) -> str:
    """Say something on a WebSocket, and return what comes back."""
    async with client.ws_connect(url) as websocket:
        await websocket.send_str("hello")
        return await websocket.receive_str(timeout=30)


@pytest.mark.parametrize("scheme", ["http", "ws"])
async def test_a_handshake_carries_the_token(api: ProtectedAPI, scheme: str) -> None:
    """Law B7: an origin covers its WebSockets, under either name of the scheme."""
    async with session(FixedSource(token("access-2")), api.url) as client:
        assert await said_back(client, f"{api.url}/ws".replace("http", scheme)) == "hello"
    assert api.authorizations == [BEARER_2]


@pytest.mark.parametrize("refusal", [Refusal(), Refusal(size=100_000), Refusal(endless=True)])
async def test_a_refused_handshake_is_tried_again(api: ProtectedAPI, refusal: Refusal) -> None:
    """Law B7: with a new token, once, whatever came with the refusal."""
    api.refusal = refusal
    async with session(FixedSource(token("access-1"), token("access-2")), api.url) as client:
        assert await said_back(client, f"{api.url}/ws") == "hello"
    assert api.authorizations == [BEARER_1, BEARER_2]


async def test_a_handshake_refused_twice_is_the_caller_s(api: ProtectedAPI) -> None:
    """Laws B1 and B7: aiohttp's error says so, and shows no token."""
    async with session(FixedSource(token("access-0"), token("access-1")), api.url) as client:
        with pytest.raises(WSServerHandshakeError) as refused:
            await client.ws_connect(f"{api.url}/ws")
    assert refused.value.status == 401
    assert "access-" not in repr(refused.value)
    assert api.authorizations == ["Bearer access-0", BEARER_1]
