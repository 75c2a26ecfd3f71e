"""A middleware on a session that exists already, and what tells two middlewares apart."""

from __future__ import annotations

import asyncio
import gc
import logging
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession

from aio_token import BearerMiddleware, ConfigurationError
from aio_token.testing import FixedSource, ProtectedAPI, token
from tests.support.api import BEARER_1, Accepting, answered

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse


@pytest.fixture
async def api() -> AsyncIterator[ProtectedAPI]:
    """Run an API that takes two tokens."""
    async with ProtectedAPI(Accepting("access-1", "access-2")) as api:
        yield api


class Library:
    """Makes its session itself, retries, and notes what it sees."""

    def __init__(self) -> None:
        self.seen: list[str | None] = []
        self.session = ClientSession(middlewares=[self.retry, self.note])

    async def retry(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Try twice."""
        response = await handler(request)
        if response.status == 401:
            response.close()
            response = await handler(request)
        return response

    async def note(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Log a request as it is sent."""
        self.seen.append(request.headers.get("Authorization"))
        return await handler(request)


async def test_it_is_innermost_and_once(api: ProtectedAPI) -> None:
    """The library's own middlewares are called as before, outside: a retry gets a token anew, and a log sees none."""
    async with ProtectedAPI(Accepting()) as stranger:
        library, source = Library(), FixedSource(token("access-0"), token("access-1"))
        bearer = BearerMiddleware(source, api.url)
        async with library.session as client:
            for _ in range(3):
                bearer.attach(client)
            assert (await answered(client.get(api.url))).status == 200
            assert (await answered(client.get(stranger.url))).status == 401
    assert api.authorizations == ["Bearer access-0", BEARER_1]
    assert stranger.authorizations == [None, None]
    assert library.seen == [None] * 3
    assert source.rejected == [token("access-0")]


async def test_a_session_without_any_takes_it_too(api: ProtectedAPI) -> None:
    """A plain session has none."""
    async with ClientSession() as client:
        BearerMiddleware(FixedSource(), api.url).attach(client)
        assert (await answered(client.get(api.url))).status == 200


@pytest.mark.parametrize("wrong", [None, ClientSession, object()])
async def test_what_is_no_session_is_refused(wrong: Any) -> None:
    """A mistake shows at once."""
    with pytest.raises(ConfigurationError, match=r"attach takes an aiohttp\.ClientSession"):
        BearerMiddleware(FixedSource(), "https://api.example").attach(wrong)


def test_no_two_middlewares_look_alike() -> None:
    """Caches of other libraries are keyed by the repr, and a new object may stand where another one was."""
    seen = set()
    for _ in range(100):
        seen.add(repr(BearerMiddleware(FixedSource(), "https://api.example")))
        gc.collect(0)
    assert len(seen) == 100
    assert all(text.startswith("<BearerMiddleware ") for text in seen)


async def test_a_header_of_the_caller_s_own_is_told_once(api: ProtectedAPI, caplog: pytest.LogCaptureFixture) -> None:
    """A library that insists on a key of its own sends a dummy: 401 for ever, and one line that says why."""
    caplog.set_level(logging.DEBUG, "aio_token")
    source = FixedSource(token("access-1"))
    async with ClientSession(middlewares=(BearerMiddleware(source, api.url),)) as client:
        own = {"Authorization": "Bearer canary-unused"}
        statuses = [(await answered(client.get(f"{api.url}/?q=canary", headers=own))).status for _ in range(3)]
    assert statuses == [401] * 3
    lines = [record.getMessage() for record in caplog.records if record.name == "aio_token"]
    assert lines == [f"no token for a request to {api.url}, which has Authorization of its own"]


async def test_a_base_of_middlewares_sends_nothing() -> None:
    """Each middleware says what it does."""
    from aio_token._edge.attachable import Attachable  # noqa: PLC0415  no name for users

    with pytest.raises(NotImplementedError):
        await asyncio.wait_for(Attachable()(None, None), 5)  # type: ignore[arg-type]
