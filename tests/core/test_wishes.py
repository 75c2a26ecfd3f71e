"""What callers ask a repository for beside a token: a renewal now, news of a change, a name."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from aio_token import (
    GrantRefused,
    MemoryTokenStore,
    Rejection,
    ServerUnavailable,
    StoreError,
    Token,
    TokenRepository,
    Wish,
)
from aio_token import _changes as changes_module
from aio_token._clock import SYSTEM_CLOCK
from aio_token.testing import ManualClock, ScriptedGrant, credential
from tests.support.doubles import FaultyStore, RotatingGrant, stored

if TYPE_CHECKING:
    from aio_token.events import Event


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that stands still."""
    return ManualClock()


@pytest.fixture
def grant(clock: ManualClock) -> RotatingGrant:
    """Return a grant that rotates."""
    return RotatingGrant(clock)


@pytest.fixture
def store() -> FaultyStore:
    """Return an empty store."""
    return FaultyStore()


@pytest.fixture
def tokens(grant: RotatingGrant, store: FaultyStore, clock: ManualClock) -> TokenRepository:
    """Return a repository on the fakes."""
    return TokenRepository(grant, store, clock=clock, observer=None)


async def test_a_renewal_can_be_asked_for(tokens: TokenRepository, grant: RotatingGrant) -> None:
    """However good the token at hand is."""
    first = await tokens.token()
    second = await tokens.renew()
    assert (second.access_token, await tokens.token()) == ("access-2", second)
    assert first is not second
    assert grant.presented == [None, "refresh-1"]


async def test_who_asks_for_a_renewal_together_shares_it(tokens: TokenRepository, grant: RotatingGrant) -> None:
    """Law C1: a thousand wishes are one renewal."""
    await tokens.token()
    await asyncio.gather(*(tokens.renew() for _ in range(1_000)))
    assert grant.calls == 2


async def test_a_process_that_has_just_started_renews_what_is_stored(
    tokens: TokenRepository, grant: RotatingGrant, store: FaultyStore, clock: ManualClock
) -> None:
    """The stored token is fresh, and is not what was asked for."""
    await MemoryTokenStore.save(store, stored(clock, "disk"))
    assert (await tokens.renew()).access_token == "access-1"
    assert grant.presented == ["refresh-disk"]


async def test_an_explicit_wish_passes_the_pause_after_a_failure(
    tokens: TokenRepository, grant: RotatingGrant, clock: ManualClock
) -> None:
    """Law D8: who knows that the server is back need not wait for an hour."""
    grant.errors = [ServerUnavailable("down", retry_after=3_000)]
    with pytest.raises(ServerUnavailable):
        await tokens.token()
    clock.advance(2)
    with pytest.raises(ServerUnavailable, match="down; the server is asked again in 298 s"):
        await tokens.token()
    assert (await tokens.renew()).access_token == "access-2"


async def test_an_explicit_wish_that_fails_says_so(tokens: TokenRepository, grant: RotatingGrant) -> None:
    """The token at hand is good, and is not what was asked for; it stays."""
    first = await tokens.token()
    grant.errors = [ServerUnavailable("down")]
    with pytest.raises(ServerUnavailable, match="down"):
        await tokens.renew()
    assert await tokens.token() is first


async def test_a_store_that_cannot_be_read_is_an_error_of_the_wish(tokens: TokenRepository, store: FaultyStore) -> None:
    """As of any first look."""
    store.faults["load"] = StoreError("no such disk")
    with pytest.raises(StoreError, match="no such disk"):
        await tokens.renew()


async def test_a_rejection_carries_the_wish_to_the_grant(clock: ManualClock) -> None:
    """A challenge may ask for more than another token."""
    seen: list[Wish] = []

    class Noting(ScriptedGrant):
        async def obtain(self, given: object, wish: Wish = Wish()) -> object:  # type: ignore[override]  # noqa: B008
            seen.append(wish)
            return await super().obtain(given, wish)  # type: ignore[arg-type]

    tokens = TokenRepository(Noting(credential("a"), credential("b")), clock=clock, observer=None)  # type: ignore[arg-type]
    first = await tokens.token()
    wish = Wish(acr_values="mfa")
    second = await tokens.token(rejected=Rejection(token=first, origin="https://api.example", wish=wish))
    assert (second.access_token, seen) == ("b", [Wish(), wish])


async def test_a_renewal_is_news_to_all_who_wait(monkeypatch: pytest.MonkeyPatch, tokens: TokenRepository) -> None:
    """A gateway that hands the token on need not poll."""
    monkeypatch.setattr(changes_module, "LOOKS_APART", 3_600.0)  # no look finds it
    first = await tokens.token()
    waiting = [asyncio.create_task(tokens.changed(first)) for _ in range(3)]
    await asyncio.sleep(0)
    second = await tokens.token(rejected=first)
    assert await asyncio.gather(*waiting) == [second] * 3
    assert await tokens.changed(first) is second


async def test_two_changes_in_one_tick_are_one(tokens: TokenRepository) -> None:
    """Who waits is woken once, and looks at what came last."""
    first = await tokens.token()
    waiting = asyncio.create_task(tokens.changed(first))
    await asyncio.sleep(0)
    assert tokens._changes is not None
    tokens._changes.announce()
    tokens._changes.announce()
    await asyncio.sleep(0)
    assert not waiting.done()
    second = await tokens.renew()
    assert await waiting == second


async def test_the_first_token_is_a_change_from_none(tokens: TokenRepository) -> None:
    """A bot waits for its person, and renews nothing meanwhile."""
    waiting = asyncio.create_task(tokens.changed(None))
    await asyncio.sleep(0)
    assert not waiting.done()
    signed_in = await tokens.sign_in(ScriptedGrant(credential("of-a-person")))
    assert await waiting == signed_in


async def test_a_sign_in_by_another_process_is_noticed(
    monkeypatch: pytest.MonkeyPatch, store: FaultyStore, grant: RotatingGrant
) -> None:
    """The store is looked at while somebody waits, once for all, without the lock unless there is something new."""
    monkeypatch.setattr(changes_module, "LOOKS_APART", 0.01)
    tokens = TokenRepository(grant, store, observer=None)
    grant.errors = [GrantRefused("sign in")]
    with pytest.raises(GrantRefused):
        await tokens.token()
    store.steps.clear()
    waiting = [asyncio.create_task(tokens.changed(None)) for _ in range(50)]
    store.faults["load"] = StoreError("the network is away for a moment")
    while len(store.steps) < 3:  # noqa: ASYNC110  the store tells nothing
        await asyncio.sleep(0.005)
    store.faults.clear()
    while store.steps[-1] != "load" or len(store.steps) < 6:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    assert "exclusive" not in store.steps
    theirs = stored(SYSTEM_CLOCK, "person")
    await MemoryTokenStore.save(store, theirs)
    got = await asyncio.gather(*waiting)
    assert {token.access_token for token in got} == {"access-person"}
    assert store.steps.count("exclusive") == 1
    assert tokens.status.trouble is None


async def test_a_wait_that_is_given_up_leaves_nothing(tokens: TokenRepository) -> None:
    """Law H3: callers come and go."""
    for _ in range(100):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await tokens.changed(None)
    assert tokens._changes is not None
    assert tokens._changes._waiting == {}


async def test_events_and_status_say_whose_token_it_is(clock: ManualClock, grant: RotatingGrant) -> None:
    """A bot with the tokens of many people finds out whose renewal failed."""
    events: list[Event] = []
    tokens = TokenRepository(grant, name="alice", clock=clock, observer=events.append)
    await tokens.token()
    await tokens.sign_out()
    assert [event.name for event in events] == ["alice"] * 2
    assert (tokens.name, tokens.status.name, repr(tokens)) == ("alice", "alice", "<TokenRepository 'alice'>")
    assert repr(TokenRepository(grant)) == "<TokenRepository>"


def test_a_token_may_come_back_bare_or_in_a_rejection() -> None:
    """The repository takes both; the middleware says where it happened."""
    rejection = Rejection(token=Token(access_token="abc"))
    assert (rejection.origin, rejection.wish) == (None, Wish())
