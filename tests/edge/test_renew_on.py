"""`renew_on=`: which answers mean "renew"."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientResponse, TCPConnector, web

import aio_token._edge.renew_on as renew_on_module
from aio_token import BearerMiddleware, ConfigurationError
from aio_token.events import RenewalPaused
from aio_token.testing import (
    INSUFFICIENT_SCOPE,
    INVALID_TOKEN,
    FixedSource,
    ProtectedAPI,
    RecordingObserver,
    Refusal,
    token,
)
from tests.support.api import BEARER_1, BEARER_2, Accepting, answered, session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp.typedefs import Handler

BASIC = 'Basic realm="api"'
CUSTOM = 'Bearer error="token_expired"'


@pytest.fixture
async def api() -> AsyncIterator[ProtectedAPI]:
    """Run an API that takes the second token of two."""
    async with ProtectedAPI(Accepting("access-2")) as api:
        yield api


@pytest.fixture
def source() -> FixedSource:
    """Return a source that has a second token when the first is rejected."""
    return FixedSource(token("access-1"), token("access-2"))


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a predicate all the time that a loaded machine may need."""
    monkeypatch.setattr(renew_on_module, "_PATIENCE", 30.0)


@pytest.mark.parametrize(
    ("refusal", "renews"),
    [
        (INVALID_TOKEN, True),
        (Refusal(), True),
        (Refusal(challenges=(BASIC,)), True),
        (Refusal(challenges=(CUSTOM,)), True),
        (Refusal(challenges=INSUFFICIENT_SCOPE.challenges), False),
        (Refusal(challenges=('Bearer error="invalid_request"',)), False),
        (Refusal(status=403, challenges=INVALID_TOKEN.challenges), True),
        (Refusal(status=403, challenges=(CUSTOM,)), True),
        (Refusal(status=403), True),
        (Refusal(status=403, challenges=(BASIC,), size=100_000), True),
        (Refusal(status=403, endless=True), True),
        (INSUFFICIENT_SCOPE, False),
        (Refusal(status=404), False),
    ],
    ids=repr,
)
async def test_a_status_means_renew_unless_its_challenge_says_otherwise(
    api: ProtectedAPI, source: FixedSource, refusal: Refusal, renews: bool
) -> None:
    """Law B3: a set of statuses; what no token helps against stays the caller's. One connection is enough."""
    api.refusal = refusal
    connector = TCPConnector(limit=1)
    async with session(source, api.url, renew_on={401, 403}, connector=connector) as client:
        assert (await answered(client.get(api.url))).status == (200 if renews else refusal.status)
    assert len(source.rejected) == renews


async def test_401_alone_leaves_a_403_to_its_caller(api: ProtectedAPI, source: FixedSource) -> None:
    """Law B3: a set says which statuses, and no others, whatever the challenge."""
    async with session(source, api.url, renew_on=[HTTPStatus.UNAUTHORIZED]) as client:
        api.refusal = Refusal(status=403, challenges=INVALID_TOKEN.challenges)
        assert (await answered(client.get(api.url))).status == 403
        api.refusal = Refusal(challenges=(BASIC,))
        assert (await answered(client.get(api.url))).status == 200


async def test_a_function_may_look_at_the_response(api: ProtectedAPI, source: FixedSource) -> None:
    """Law B3: whatever the status; it sees every answer."""
    seen: list[int] = []

    def is_dead(response: ClientResponse) -> bool:
        seen.append(response.status)
        return response.status == 418

    api.refusal = Refusal(status=418)
    async with session(source, api.url, renew_on=is_dead) as client:
        assert (await answered(client.get(api.url))).status == 200
        api.always_refuse, api.refusal = True, INVALID_TOKEN
        assert (await answered(client.get(api.url))).status == 401
    assert api.authorizations == [BEARER_1, BEARER_2, BEARER_2]
    assert seen == [418, 401]


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("compressed", [False, True])
async def test_a_function_may_read_the_body(api: ProtectedAPI, source: FixedSource, compressed: bool) -> None:
    """Law B3: errors that come with status 200; what it read is there for the caller, and for other ways to read."""

    async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
        is_good = request.headers["Authorization"] == BEARER_2
        response = web.json_response({"data": "fine"} if is_good else {"errors": ["token expired"]})
        if compressed:
            response.enable_compression(web.ContentCoding.gzip)
        return response

    async def is_dead(response: ClientResponse) -> bool:
        said = await response.json()
        assert await response.text() == await response.text()
        return "errors" in said

    api.inject(errors)
    async with session(source, api.url, renew_on=is_dead) as client:
        async with client.get(api.url) as response:
            assert await response.json() == {"data": "fine"}
        async with client.get(api.url) as response:
            assert b"".join([chunk async for chunk in response.content.iter_any()]) == b'{"data": "fine"}'
    assert source.rejected == [token("access-1")]


@pytest.mark.usefixtures("patient")
async def test_a_body_that_is_too_long_is_no_reason(api: ProtectedAPI, source: FixedSource) -> None:
    """Law B3: 64 kB are read; the caller gets all of it."""

    async def is_dead(response: ClientResponse) -> bool:
        return bool(await response.read())

    for size, renews in ((65_536, True), (65_537, False)):
        source = FixedSource(token("access-1"), token("access-2"))
        api.refusal = Refusal(size=size, chunked=True)
        async with session(source, api.url, renew_on=is_dead) as client, client.get(api.url) as response:
            assert response.status == (200 if renews else 401)
            assert renews or len(await response.read()) == size
        assert len(source.rejected) == renews


async def test_a_body_that_is_slow_is_no_reason(api: ProtectedAPI, source: FixedSource) -> None:
    """Law B3: 250 ms; the caller gets the body when it comes, its beginning included."""

    async def is_dead(response: ClientResponse) -> bool:
        return bool(await response.read())

    api.refusal = Refusal(size=20_000, pause=0.4)
    async with session(source, api.url, renew_on=is_dead) as client, client.get(api.url) as response:
        assert len(await response.read()) == 20_000
    assert source.rejected == []


async def test_what_a_middleware_further_in_has_read_is_read_again(api: ProtectedAPI, source: FixedSource) -> None:
    """Law B3: it is there."""

    async def reading(request: Any, handler: Any) -> ClientResponse:
        response: ClientResponse = await handler(request)
        await response.read()
        return response

    async def is_dead(response: ClientResponse) -> bool:
        return await response.read() == b"no. "

    chain = (BearerMiddleware(source, api.url, renew_on=is_dead), reading)
    async with session(source, api.url) as client:
        assert (await answered(client.get(api.url, middlewares=chain))).status == 200


async def test_a_function_that_fails_is_logged(
    api: ProtectedAPI, source: FixedSource, caplog: pytest.LogCaptureFixture
) -> None:
    """Law B3: the caller gets what the API said, and the log says where to look."""

    def is_dead(response: ClientResponse) -> bool:
        raise KeyError(response.status)

    async with session(source, api.url, renew_on=is_dead) as client, client.get(api.url) as response:
        assert (response.status, await response.text()) == (401, "no. ")
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.getMessage() == f"renew_on failed on an answer of {api.url}"


@pytest.mark.usefixtures("patient")
async def test_a_caller_that_gives_up_holds_no_response(api: ProtectedAPI, source: FixedSource) -> None:
    """Law C3: the function is asked no more, and the connection is closed."""
    asked: asyncio.Queue[ClientResponse] = asyncio.Queue()

    async def is_dead(response: ClientResponse) -> bool:
        asked.put_nowait(response)
        await asyncio.sleep(60)
        return True

    async with session(source, api.url, renew_on=is_dead) as client:
        task = asyncio.create_task(client.get(api.url))
        response = await asked.get()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert response.closed


async def test_a_function_is_bounded_as_well(api: ProtectedAPI) -> None:
    """Law B6: whoever says "renew" to everything gets the pauses of everybody."""
    observer = RecordingObserver()
    source = FixedSource(*(token(f"access-{number}") for number in range(1, 9)))
    async with session(source, api.url, renew_on=lambda _: True, observer=observer) as client:
        for _ in range(5):
            await answered(client.get(api.url))
    assert len(source.rejected) == 1
    assert len(observer.of(RenewalPaused)) == 1


@pytest.mark.parametrize("wrong", [401, "401", (), {"401"}, [True], object()])
def test_what_is_no_policy_is_refused(wrong: Any) -> None:
    """A mistake shows when the program starts."""
    with pytest.raises(ConfigurationError, match="renew_on takes statuses such as"):
        BearerMiddleware(FixedSource(), "https://api.example", renew_on=wrong)
