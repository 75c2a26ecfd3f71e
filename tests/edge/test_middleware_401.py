"""A 401: one renewal for all whose token was rejected, one more request each, and no more than that."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession, TCPConnector
from yarl import URL

from aio_token import (
    BearerMiddleware,
    ClientSecretBasic,
    RefreshTokenGrant,
    StaticToken,
    TokenEndpoint,
    TokenRepository,
)
from aio_token.events import Rejected, Renewed
from aio_token.testing import (
    INSUFFICIENT_SCOPE,
    INVALID_TOKEN,
    NO_CHALLENGE,
    NO_TOKEN,
    TWO_HEADERS,
    AuthorizationServer,
    FixedSource,
    ProtectedAPI,
    RecordingObserver,
    Refusal,
    token,
)
from tests.support.api import BEARER_1, BEARER_2, Accepting, answered, session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

    from aio_token import Token
    from aio_token.events import Observer

MANY = 1_000


@pytest.fixture
async def api() -> AsyncIterator[ProtectedAPI]:
    """Run an API that takes the second token of two."""
    async with ProtectedAPI(Accepting("access-2")) as api:
        yield api


@pytest.fixture
def source() -> FixedSource:
    """Return a source that has a second token when the first is rejected, and a third."""
    return FixedSource(token("access-1"), token("access-2"), token("access-3"))


def repository(server: AuthorizationServer, observer: Observer | None = None) -> TokenRepository:
    """Return a repository that refreshes at the server, for a user who signed in."""
    client = ClientSecretBasic(server.client.client_id, server.client.secret or "")
    grant = RefreshTokenGrant(TokenEndpoint(server.token_url, client), first=server.sign_in())
    return TokenRepository(grant, observer=observer)


async def test_a_refused_token_is_renewed_and_the_request_sent_again(api: ProtectedAPI, source: FixedSource) -> None:
    """Law B1: the caller sees the second answer; an event names the rejected token by its fingerprint."""
    observer = RecordingObserver()
    async with session(source, api.url, observer=observer) as client:
        assert (await answered(client.get(f"{api.url}/me"))).status == 200
    assert api.authorizations == [BEARER_1, BEARER_2]
    assert source.rejected == [token("access-1")]
    (event,) = observer.of(Rejected)
    assert (event.origin, event.fingerprint) == (api.url, token("access-1").fingerprint)


async def test_a_second_401_is_the_caller_s(api: ProtectedAPI, source: FixedSource) -> None:
    """Law B1: one renewal and one more request, no loop; the body is there to be read."""
    api.always_refuse = True
    async with session(source, api.url) as client, client.get(api.url) as response:
        assert (response.status, await response.text()) == (401, "no. ")
    assert api.authorizations == [BEARER_1, BEARER_2]
    assert source.rejected == [token("access-1")]


async def test_there_is_one_retry_on_each_hop(api: ProtectedAPI, source: FixedSource) -> None:
    """Law B1: another origin of ours, at the end of a redirect, may reject another token."""
    async with ProtectedAPI(Accepting("access-3")) as other, session(source, api.url, other.url) as client:
        api.inject(lambda request, _: api.refusal.respond(request), endpoint="redirect", times=1)
        assert (await answered(client.get(URL(f"{api.url}/redirect").with_query(to=other.url)))).status == 200
    assert api.authorizations == [BEARER_1, BEARER_2]
    assert other.authorizations == [BEARER_2, "Bearer access-3"]


@pytest.mark.parametrize(
    "refusal",
    [
        INVALID_TOKEN,
        NO_TOKEN,
        NO_CHALLENGE,
        TWO_HEADERS,
        Refusal(challenges=('Basic realm="a, b",bearer error=INVALID, Bearer error="invalid_token"',)),
        Refusal(challenges=("x" * 7_000, "BEARER")),
        Refusal(status=403, challenges=INVALID_TOKEN.challenges),
    ],
)
async def test_a_challenge_that_a_new_token_may_meet_renews(
    api: ProtectedAPI, source: FixedSource, refusal: Refusal
) -> None:
    """Law B3: `invalid_token`, a Bearer challenge without error, and none at all."""
    api.refusal = refusal
    async with session(source, api.url) as client:
        assert (await answered(client.get(api.url))).status == 200
    assert len(source.rejected) == 1


@pytest.mark.parametrize(
    "refusal",
    [
        INSUFFICIENT_SCOPE,
        Refusal(status=403),
        Refusal(status=403, challenges=NO_TOKEN.challenges),
        Refusal(status=407, challenges=INVALID_TOKEN.challenges),
        Refusal(challenges=INSUFFICIENT_SCOPE.challenges),
        Refusal(challenges=('Bearer error="invalid_request"',)),
        Refusal(challenges=('Basic realm="api"',)),
        Refusal(challenges=("Digest nonce=x", "Negotiate")),
    ],
)
async def test_a_refusal_that_no_token_mends_is_the_caller_s(
    api: ProtectedAPI, source: FixedSource, refusal: Refusal
) -> None:
    """Law B3: another scheme, too little scope, a bad request, and a 403 that does not blame the token."""
    api.refusal = refusal
    async with session(source, api.url) as client, client.get(api.url) as response:
        assert (response.status, await response.text()) == (refusal.status, "no. ")
    assert (source.rejected, api.requests) == ([], 1)


async def test_a_source_without_another_token_ends_it(api: ProtectedAPI) -> None:
    """A fixed token is not sent twice; the 401 is the caller's, with its body."""
    async with session(StaticToken("access-1"), api.url) as client, client.get(api.url) as response:
        assert (response.status, await response.text()) == (401, "no. ")
    assert api.requests == 1


async def test_a_thousand_refusals_are_one_refresh() -> None:
    """Laws B2 and D9: with 1,000 requests in flight while their token dies, the server sees one refresh, no reuse."""
    async with AuthorizationServer() as server, ProtectedAPI(server) as api, repository(server) as tokens:
        await tokens.token()
        async with session(tokens, api.url, connector=TCPConnector(limit=0)) as client:
            with api.hold() as hold:
                requests = [asyncio.create_task(answered(client.get(api.url))) for _ in range(MANY)]
                await hold.wait_for(MANY)
                server.revoke_access_tokens()
            statuses = [(await request).status for request in requests]
    assert statuses == [200] * MANY
    assert (server.refreshes, server.reused, api.requests) == (2, 0, 2 * MANY)


async def test_late_refusals_take_the_new_token(api: ProtectedAPI) -> None:
    """Laws B2 and D9: a refusal that arrives after the renewal compares the token that was sent, and renews nothing."""
    async with AuthorizationServer(revoke_old_access_token=True) as server, repository(server) as tokens:
        api.server = server
        await tokens.token()
        async with session(tokens, api.url, connector=TCPConnector(limit=0)) as client:
            with api.hold() as hold:
                late = [asyncio.create_task(answered(client.get(api.url))) for _ in range(10)]
                await hold.wait_for(10)
                await tokens.token(rejected=await tokens.token())  # another API rejected it, and the old one died
            assert [(await request).status for request in late] == [200] * 10
    assert (server.refreshes, server.reused) == (2, 0)


async def test_a_middleware_that_does_not_compare_renews_again_and_again(api: ProtectedAPI) -> None:
    """Law B2: the check can fail; a lock alone lets every refusal make a renewal of its own."""
    renewals, lock = 0, asyncio.Lock()

    async def naive(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        nonlocal renewals
        request.headers["Authorization"] = BEARER_1 if not renewals else BEARER_2
        response = await handler(request)
        if response.status == 401:
            response.close()
            async with lock:
                renewals += 1
            request.headers["Authorization"] = BEARER_2
            response = await handler(request)
        return response

    async with ClientSession(middlewares=(naive,)) as client:
        with api.hold() as hold:
            requests = [asyncio.create_task(answered(client.get(api.url))) for _ in range(10)]
            await hold.wait_for(10)
        await asyncio.gather(*requests)
    assert renewals == 10


async def test_each_middleware_tells_its_own_observer(api: ProtectedAPI) -> None:
    """A refusal is told by the middleware that saw it, the renewal by the repository; an observer may be left out."""
    async with AuthorizationServer() as server:
        api.server, seen, told = server, RecordingObserver(), RecordingObserver()
        tokens = repository(server, told)
        chain = (BearerMiddleware(tokens, api.url, observer=seen),)
        async with tokens, ClientSession(middlewares=chain) as client:
            first: Token = await tokens.token()
            server.revoke_access_tokens()
            await answered(client.get(api.url))
            await answered(client.get(api.url, middlewares=(BearerMiddleware(tokens, api.url, observer=None),)))
    assert [event.fingerprint for event in seen.of(Rejected)] == [first.fingerprint]
    assert [event.reason for event in told.of(Renewed)] == ["absent", "rejected"]
