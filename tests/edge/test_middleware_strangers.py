"""Requests to origins that were not named: they get no token, and a line says so."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientRequest, ClientResponse, ClientSession

from aio_token import BearerMiddleware
from aio_token.testing import FixedSource, ProtectedAPI
from tests.support.api import Accepting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import ClientHandlerType


@pytest.fixture
async def api() -> AsyncIterator[ProtectedAPI]:
    """Serve an API that wants a token."""
    async with ProtectedAPI(Accepting("access-1")) as api:
        yield api


async def test_an_origin_that_was_not_named_is_told_once(api: ProtectedAPI, caplog: pytest.LogCaptureFixture) -> None:
    """`localhost` is not 127.0.0.1: who wonders where the token is turns debug on, and reads why."""
    caplog.set_level(logging.DEBUG, "aio_token")
    elsewhere = api.url.replace("127.0.0.1", "localhost")
    async with ClientSession(middlewares=(BearerMiddleware(FixedSource(), elsewhere),)) as client:
        for path in ("/", "/a?token=secret"):
            async with client.get(api.url + path) as response:
                assert response.status == 401
    lines = [record.getMessage() for record in caplog.records if record.name == "aio_token"]
    assert lines == [f"no token for {api.url}, which is not among the origins of this middleware"]


async def test_a_crawler_is_told_of_the_first_hundred(caplog: pytest.LogCaptureFixture, api: ProtectedAPI) -> None:
    """A crawler visits a million origins, and neither its log nor its memory grows with them."""
    caplog.set_level(logging.DEBUG, "aio_token")
    middleware = BearerMiddleware(FixedSource(), "https://api.example")

    async def answered(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Have the one server answer for all of them."""
        request.url = request.original_url = request.url.with_host("127.0.0.1").with_port(port)
        return await handler(request)

    port = int(api.url.rpartition(":")[2])
    async with ClientSession(middlewares=(middleware, answered)) as client:
        for number in range(150):
            async with client.get(f"http://{number}.example/") as response:
                assert response.status == 401
    assert len([record for record in caplog.records if record.name == "aio_token"]) == 100
    assert len(middleware._notices._strangers) == 100
