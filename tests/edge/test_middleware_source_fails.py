"""A source that fails: no error of aiohttp's leaves the middleware for it, since aiohttp would run the chain again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientConnectionError, ClientError, ClientOSError, ClientSession, ServerDisconnectedError

from aio_token import (
    BearerMiddleware,
    ConfigurationError,
    PublicClient,
    RefreshTokenGrant,
    ServerUnavailable,
    SignInRequired,
    StoreError,
    Token,
    TokenEndpoint,
    TokenError,
    TokenRepository,
)
from aio_token.testing import AuthorizationServer, Dropped, ProtectedAPI
from tests.support.api import Accepting, session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

    from aio_token import Rejection


class Leaking:
    """A source that gives `access-0`, then raises what its transport raised, with a secret in the frame."""

    def __init__(self, error: Exception, *, good_first: bool = False) -> None:
        self.error = error
        self.asked = 0
        self._good = good_first

    async def token(self, *, rejected: Rejection | Token | None = None, min_valid_for: float = 0.0) -> Token:
        """Fail, unless this is the first question of two."""
        self.asked += 1
        if self._good and rejected is None:
            return Token(access_token="access-0")
        raise self.error


TRANSPORT_ERRORS = [ServerDisconnectedError(), ClientOSError(104, "reset"), ConnectionResetError(104, "reset")]


@pytest.fixture
async def api() -> AsyncIterator[ProtectedAPI]:
    """Run an API that rejects every token."""
    async with ProtectedAPI(Accepting()) as api:
        yield api


@pytest.mark.parametrize("error", TRANSPORT_ERRORS, ids=repr)
async def test_a_transport_error_of_a_source_is_a_token_error(api: ProtectedAPI, error: Exception) -> None:
    """Law D10: the source is asked once, and the request is not sent."""
    source = Leaking(error)
    async with session(source, api.url) as client:
        with pytest.raises(TokenError, match=type(error).__name__) as failure:
            await client.get(api.url)
    assert failure.value.__cause__ is error
    assert error.__traceback__ is None
    assert (source.asked, api.requests) == (1, 0)


@pytest.mark.parametrize("error", TRANSPORT_ERRORS, ids=repr)
async def test_a_transport_error_after_a_401_is_a_token_error(api: ProtectedAPI, error: Exception) -> None:
    """Law D10: asked for another token the source fails, and aiohttp does not send the request again."""
    source = Leaking(error, good_first=True)
    async with session(source, api.url) as client:
        with pytest.raises(TokenError, match=type(error).__name__):
            await client.get(api.url)
    assert (source.asked, api.requests) == (2, 1)


async def test_a_naive_middleware_asks_twice(api: ProtectedAPI) -> None:
    """Law D10: the check can fail; aiohttp takes the source's error for one of a kept connection and starts over."""
    source = Leaking(ServerDisconnectedError())

    async def naive(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        request.headers["Authorization"] = (await source.token()).authorization
        return await handler(request)

    async with ClientSession(middlewares=(naive,)) as client:
        with pytest.raises(ServerDisconnectedError):
            await client.get(api.url)
    assert source.asked == 2


async def test_a_dropped_token_request_is_nobody_else_s_business(api: ProtectedAPI) -> None:
    """Law D10: of many requests that wait for one renewal none starts another; law D7 repeats the POST once."""
    async with AuthorizationServer() as server:
        server.inject(Dropped())
        grant = RefreshTokenGrant(TokenEndpoint(server.token_url, PublicClient("app")), first="canary-refresh")
        async with TokenRepository(grant) as tokens, session(tokens, api.url) as client:
            errors = await asyncio.gather(*(client.get(api.url) for _ in range(100)), return_exceptions=True)
        assert server.requests == {"refresh_token": 2}
    assert {isinstance(error, ServerUnavailable) for error in errors} == {True}
    assert api.requests == 0


class Overloaded(ServerUnavailable):
    """A stranger's error, which says more."""


@pytest.mark.parametrize("kind", [ServerUnavailable, Overloaded])
async def test_try_later_is_a_connection_error_as_well(api: ProtectedAPI, kind: type[ServerUnavailable]) -> None:
    """Law D10: libraries that connect again know aiohttp's errors; this one aiohttp itself does not repeat."""
    cause = OSError("no route")
    error = kind("the server is away; try again later", retry_after=3.0, outcome_unknown=True)
    error.__cause__ = cause
    source = Leaking(error)
    async with session(source, api.url) as client:
        with pytest.raises(ClientConnectionError):
            await client.get(api.url)
        with pytest.raises(kind) as caught:
            await client.get(api.url)
    told = caught.value
    assert (told.retry_after, told.outcome_unknown, str(told)) == (3.0, True, "the server is away; try again later")
    assert told.__cause__ is cause
    assert (type(told).__name__, type(told).__module__) == (kind.__name__, kind.__module__)
    assert not isinstance(error, ClientConnectionError)
    assert isinstance(told.again(), ClientConnectionError)
    assert (source.asked, api.requests) == (2, 0)


async def test_what_passes_two_middlewares_is_told_once(api: ProtectedAPI) -> None:
    """Law D10: what is a connection error already stays the object that it is."""

    class Known(ServerUnavailable, ClientConnectionError):
        """Both, by its maker's own will."""

    known = Known("away")
    async with session(Leaking(known), api.url) as client:
        with pytest.raises(Known) as caught:
            await client.get(api.url)
    assert caught.value is known


@pytest.mark.parametrize(
    "error", [SignInRequired("sign in"), ConfigurationError("fix it"), StoreError("full")], ids=repr
)
async def test_what_trying_again_does_not_help_is_no_error_of_aiohttp_s(api: ProtectedAPI, error: TokenError) -> None:
    """Law D10: a library would try for ever."""
    async with session(Leaking(error), api.url) as client:
        with pytest.raises(type(error)) as caught:
            await client.get(api.url)
    assert not isinstance(caught.value, ClientError)


async def test_without_a_required_token_the_401_is_the_answer(api: ProtectedAPI) -> None:
    """With `required=False` a renewal that fails raises nothing: the 401 is returned as it came."""
    source = Leaking(ServerDisconnectedError(), good_first=True)
    async with session(source, api.url, required=False) as client, client.get(api.url) as response:
        assert (response.status, await response.read()) == (401, b"no. ")
    assert api.requests == 1


async def test_a_caller_s_exception_is_not_mixed_with_a_missing_token(api: ProtectedAPI) -> None:
    """With `required=False` an error of the request itself has no `TokenError` for its context."""
    chain = (BearerMiddleware(Leaking(ServerDisconnectedError()), api.url, required=False),)
    async with ClientSession(middlewares=chain) as client, api.offline():
        with pytest.raises(ClientOSError) as failure:
            await client.get(api.url)
    context = failure.value.__context__
    while context is not None:
        assert not isinstance(context, TokenError | ServerDisconnectedError)
        context = context.__context__
