"""An API that rejects new tokens too: after each renewal that did not help, 401s go through for a while."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession

from aio_token import (
    BearerMiddleware,
    ClientSecretBasic,
    RefreshTokenGrant,
    StaticToken,
    TokenEndpoint,
    TokenRepository,
)
from aio_token.events import RenewalPaused
from aio_token.testing import AuthorizationServer, FixedSource, ManualClock, ProtectedAPI, RecordingObserver, token
from tests.support.api import Accepting, answered, session
from tests.support.doubles import RotatingGrant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PAUSES = [1, 2, 4, 8, 16, 32, 60, 60]


class AnyToken(Accepting):
    """Takes any token."""

    def accepts(self, access_token: str) -> bool:
        """Yes."""
        return True


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that stands still."""
    return ManualClock()


@pytest.fixture
def observer() -> RecordingObserver:
    """Return what hears of pauses."""
    return RecordingObserver()


@pytest.fixture
async def api() -> AsyncIterator[ProtectedAPI]:
    """Run an API that rejects every token, until told otherwise."""
    async with ProtectedAPI(AnyToken(), always_refuse=True) as api:
        yield api


@pytest.fixture
def source() -> FixedSource:
    """Return a source that has one more token each time."""
    return FixedSource(*(token(f"access-{number}") for number in range(100)))


@pytest.fixture
async def client(
    api: ProtectedAPI, source: FixedSource, clock: ManualClock, observer: RecordingObserver
) -> AsyncIterator[ClientSession]:
    """Run a session of the API."""
    async with session(source, api.url, clock=clock, observer=observer) as client:
        yield client


async def renewals(client: ClientSession, api: ProtectedAPI, source: FixedSource) -> int:
    """Make a request that is rejected, and return how many renewals it caused."""
    before = len(source.rejected)
    assert (await answered(client.get(api.url))).status == 401
    return len(source.rejected) - before


async def test_renewals_that_do_not_help_come_less_and_less_often(
    client: ClientSession, api: ProtectedAPI, source: FixedSource, clock: ManualClock, observer: RecordingObserver
) -> None:
    """Law B6: 1, 2, 4 ... 60 seconds; meanwhile each request is sent once, and the 401 is the caller's."""
    for pause in PAUSES:
        assert await renewals(client, api, source) == 1
        clock.advance(pause - 0.001)
        assert await renewals(client, api, source) == 0
        clock.advance(0.001)
    assert [(event.origin, event.seconds) for event in observer.of(RenewalPaused)] == [(api.url, p) for p in PAUSES]
    assert api.requests == 3 * len(PAUSES)


async def test_accepted_requests_to_other_paths_change_nothing(
    client: ClientSession, api: ProtectedAPI, source: FixedSource, clock: ManualClock
) -> None:
    """Law B6: an API that says 401 on one path and 200 on the next causes few renewals, not one for each request."""
    caused = 0
    for _ in range(600):
        api.always_refuse = True
        caused += await renewals(client, api, source)
        api.always_refuse = False
        assert (await answered(client.get(api.url))).status == 200
        clock.advance(0.1)
    assert caused == 6


async def test_a_token_that_has_served_is_renewed_at_once(
    client: ClientSession, api: ProtectedAPI, source: FixedSource, clock: ManualClock, observer: RecordingObserver
) -> None:
    """Law B6: a server that ends tokens early every few minutes is served without a gap."""
    for _ in range(10):
        api.always_refuse = False
        api.inject(lambda request, _: api.refusal.respond(request), times=1)
        assert (await answered(client.get(api.url))).status == 200
        clock.advance(120)
    assert len(source.rejected) == 10
    assert observer.of(RenewalPaused) == []


async def test_the_pause_grows_shorter_with_each_quiet_minute(
    client: ClientSession, api: ProtectedAPI, source: FixedSource, clock: ManualClock, observer: RecordingObserver
) -> None:
    """Law B6: the step falls by one for each minute without a renewal for this API."""
    for pause in PAUSES[:4]:
        assert await renewals(client, api, source) == 1
        clock.advance(pause)
    clock.advance(120)
    assert await renewals(client, api, source) == 1
    assert [event.seconds for event in observer.of(RenewalPaused)] == [1, 2, 4, 8, 4]


async def test_an_older_token_in_flight_gets_its_successor_in_a_pause(
    client: ClientSession, api: ProtectedAPI, source: FixedSource, observer: RecordingObserver
) -> None:
    """Law B2, B6: the pause is about the token that came last; who sent the one before needs no renewal."""
    with api.hold() as hold:
        late = asyncio.create_task(answered(client.get(api.url)))
        await hold.wait_for(1)
        hold_others = [asyncio.create_task(answered(client.get(api.url))) for _ in range(3)]
        await hold.wait_for(4)
    assert {(await one).status for one in (late, *hold_others)} == {401}
    assert {rejected.access_token for rejected in source.rejected} == {"access-0"}
    assert api.requests == 8
    assert len(observer.of(RenewalPaused)) == 1


async def test_many_refusals_at_once_are_one_step(
    client: ClientSession, api: ProtectedAPI, observer: RecordingObserver
) -> None:
    """Law B6: of the requests in flight the first one counts, or 20 of them would make a minute's pause."""
    with api.hold() as hold:
        requests = [asyncio.create_task(answered(client.get(api.url))) for _ in range(20)]
        await hold.wait_for(20)
    assert {(await request).status for request in requests} == {401}
    assert [event.seconds for event in observer.of(RenewalPaused)] == [1]


async def test_a_healthy_api_on_the_same_repository_is_not_touched(
    api: ProtectedAPI, clock: ManualClock, observer: RecordingObserver
) -> None:
    """Law B6: the pause belongs to the origin that rejects; another one renews when it has to."""
    grant = RotatingGrant(clock, lifetime=None)
    tokens, good = TokenRepository(grant, clock=clock, observer=None), Accepting("access-2")
    async with ProtectedAPI(good) as healthy, tokens, ClientSession() as client:
        sick = (BearerMiddleware(tokens, api.url, clock=clock, observer=observer),)
        well = (BearerMiddleware(tokens, healthy.url, clock=clock, observer=observer),)
        assert [(await answered(client.get(api.url, middlewares=sick))).status for _ in range(5)] == [401] * 5
        assert (await answered(client.get(healthy.url, middlewares=well))).status == 200
        good.tokens = {"access-3"}
        assert (await answered(client.get(healthy.url, middlewares=well))).status == 200
    assert [event.origin for event in observer.of(RenewalPaused)] == [api.url]
    assert grant.calls == 3


async def test_a_source_without_another_token_makes_no_pause(api: ProtectedAPI, observer: RecordingObserver) -> None:
    """Law B6: nothing was renewed, so nothing has to stop."""
    async with session(StaticToken("access-1"), api.url, observer=observer) as client:
        assert [(await answered(client.get(api.url))).status for _ in range(3)] == [401] * 3
    assert observer.of(RenewalPaused) == []
    assert api.requests == 3


async def test_the_system_s_clock_is_the_default(api: ProtectedAPI, source: FixedSource) -> None:
    """Law B6: the first refusal renews, the next ones wait, whatever time it is."""
    async with session(source, api.url) as client:
        assert [await renewals(client, api, source) for _ in range(3)] == [1, 0, 0]


@pytest.mark.parametrize("separate", [True, False])
async def test_a_bad_origin_does_not_pause_a_good_one(
    api: ProtectedAPI, clock: ManualClock, observer: RecordingObserver, separate: bool
) -> None:
    """Law B6: on one middleware or on two, over one source."""
    tokens, good = TokenRepository(RotatingGrant(clock, lifetime=None), clock=clock, observer=None), Accepting()
    async with ProtectedAPI(good) as healthy, tokens, ClientSession() as client:
        both = (BearerMiddleware(tokens, api.url, healthy.url, clock=clock, observer=observer),)
        other = (BearerMiddleware(tokens, healthy.url, clock=clock, observer=observer),) if separate else both
        assert (await answered(client.get(api.url, middlewares=both))).status == 401
        good.tokens = {"access-3"}
        assert (await answered(client.get(healthy.url, middlewares=other))).status == 200


async def test_middlewares_over_one_source_share_the_pause(
    api: ProtectedAPI, source: FixedSource, clock: ManualClock, observer: RecordingObserver
) -> None:
    """Law B6: a session for each user's request would otherwise renew for each."""
    for _ in range(20):
        async with session(source, api.url, clock=clock, observer=observer) as client:
            assert (await answered(client.get(api.url))).status == 401
    assert len(source.rejected) == 1
    assert len(observer.of(RenewalPaused)) == 1


class ByValue(FixedSource):
    """A source that is compared by value, and so has no hash."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ByValue)

    __hash__ = None  # type: ignore[assignment]


async def test_a_source_without_a_hash_has_a_pause_for_each_middleware(
    api: ProtectedAPI, clock: ManualClock, observer: RecordingObserver
) -> None:
    """Law B6: it cannot be looked up, and is bounded all the same."""
    source = ByValue(*(token(f"access-{number}") for number in range(9)))
    async with session(source, api.url, clock=clock, observer=observer) as client:
        assert [await renewals(client, api, source) for _ in range(3)] == [1, 0, 0]


async def test_what_is_renewed_in_any_case_is_no_matter_of_the_api(clock: ManualClock) -> None:
    """Laws B6 and D9: servers end the old token as they give the new one, and the requests in flight are rejected."""
    async with AuthorizationServer(revoke_old_access_token=True) as server, ProtectedAPI(server) as api:
        client = ClientSecretBasic(server.client.client_id, server.client.secret or "")
        grant = RefreshTokenGrant(TokenEndpoint(server.token_url, client), first=server.sign_in())
        tokens = TokenRepository(grant, observer=None)
        async with tokens, session(tokens, api.url, clock=clock) as requests:
            for _ in range(6):
                with api.hold() as hold:
                    late = [asyncio.create_task(answered(requests.get(api.url))) for _ in range(3)]
                    await hold.wait_for(3)
                    await tokens.renew()
                assert [(await request).status for request in late] == [200] * 3
    assert server.reused == 0
