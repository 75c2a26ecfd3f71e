"""Renewal ahead of requests: for accounts in use, for refresh tokens that end, and no longer than the block lasts."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession

from aio_token import (
    Accounts,
    BearerMiddleware,
    Credential,
    GrantRefused,
    Pace,
    PublicClient,
    RefreshTokenGrant,
    StoreError,
    TokenEndpoint,
)
from aio_token._accounts import ahead
from aio_token._accounts.ahead import Ahead
from aio_token.events import Renewed
from aio_token.stores import MemoryTokenStores
from aio_token.testing import AuthorizationServer, ManualClock, ProtectedAPI, RecordingObserver
from tests.support.doubles import RotatingGrant, stored

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


ACTIVE, SWEEP = 3_600.0, 900.0


class House:
    """Accounts on a clock by hand, and what looks after them, by hand as well."""

    def __init__(self, pace: Pace | None = None) -> None:
        self.clock = ManualClock()
        self.stores = MemoryTokenStores()
        self.grants: dict[str, RotatingGrant] = {}
        self.heard = RecordingObserver()
        self.accounts = Accounts(self.grant, self.stores, pace=pace, observer=self.heard, clock=self.clock)
        self.ahead = Ahead(
            self.accounts._estate,
            self.stores,
            self.accounts._account,
            active=ACTIVE,
            sweep=SWEEP,
            clock=self.clock.time,
        )
        self.accounts._estate.notice(ACTIVE / 8)

    def grant(self, name: str) -> RotatingGrant:
        """Return the grant of one account."""
        return self.grants.setdefault(name, RotatingGrant(self.clock, lifetime=600.0))

    def calls(self, name: str) -> int:
        """Return how often an account was renewed."""
        return self.grants[name].calls

    async def keep(self, name: str, credential: Credential) -> None:
        """Keep a credential."""
        async with self.stores.of(name).exclusive() as slot:
            await slot.save(credential)

    async def settled(self) -> None:
        """Wait for what flies."""
        await self.accounts.aclose()


@pytest.fixture
def house() -> House:
    """Return accounts on a clock that stands still."""
    return House()


async def test_accounts_in_use_are_renewed_before_a_request_needs_it(house: House) -> None:
    """The account stays in memory, its token is renewed in the advisory window, and not before."""
    await house.accounts["alice"].token()
    gc.collect()
    await house.ahead.look()
    await house.settled()
    assert house.calls("alice") == 1
    house.clock.advance(500.0)
    await house.ahead.look()
    await house.settled()
    assert house.calls("alice") == 2
    house.clock.advance(590.0)
    assert house.accounts["alice"].status.state in {"expiring", "due"}


async def test_an_account_that_no_one_uses_any_more_is_let_go(house: House) -> None:
    """Renewals are no uses: after an hour without one there are no more of them."""
    await house.accounts["alice"].token()
    for _ in range(12):
        house.clock.advance(500.0)
        await house.ahead.look()
        await house.settled()
    calls = house.calls("alice")
    assert 6 <= calls <= 9
    gc.collect()
    assert len(house.accounts._in_use) == 0
    house.clock.advance(500.0)
    await house.ahead.look()
    assert house.calls("alice") == calls


async def test_uses_through_memory_are_noticed(house: House) -> None:
    """A session takes its tokens from memory; its account counts as used for as long as it does."""
    alice = house.accounts["alice"]
    await alice.token()
    for _ in range(24):
        house.clock.advance(500.0)
        await house.ahead.look()
        await house.settled()
        if alice.token_at_hand() is None:  # as the middleware asks
            await alice.token()
    assert house.calls("alice") >= 20


async def test_what_needs_a_person_is_left_alone(house: House) -> None:
    """A session that the server has ended is asked for once, and let go."""
    await house.accounts["alice"].token()
    house.grants["alice"].errors.append(GrantRefused("it has ended"))
    for _ in range(5):
        house.clock.advance(500.0)
        await house.ahead.look()
        await house.settled()
    assert house.calls("alice") == 2
    assert house.accounts._estate.idle() == []


async def test_refresh_tokens_of_accounts_at_rest_are_renewed_before_they_end(house: House) -> None:
    """Those that end before the sweep after the next, and no others; once is enough."""
    soon, later = house.clock.time() + 2 * SWEEP - 1, house.clock.time() + 2 * SWEEP + 1
    for name, credential in {
        "soon": Credential(refresh_token="refresh-1", refresh_expires_at=soon),
        "later": Credential(refresh_token="refresh-1", refresh_expires_at=later),
        "never": stored(house.clock, "1"),
    }.items():
        await house.keep(name, credential)
    await house.ahead.sweep()
    assert {name: grant.calls for name, grant in house.grants.items()} == {"soon": 1}
    await house.ahead.sweep()
    assert house.calls("soon") == 1


async def test_another_process_that_was_first_is_seen(house: House) -> None:
    """What was due when it was listed, and is not any more, is not renewed again."""
    await house.keep("alice", stored(house.clock, "1"))
    await house.ahead._renew("alice")
    await house.ahead._renew("mallory")
    assert house.grants == {}


class Unlisted(MemoryTokenStores):
    """Stores that cannot be listed."""

    trouble: Exception

    async def due(self, before: float) -> AsyncIterator[str]:
        """Fail."""
        for name in tuple[str]():
            yield name
        raise self.trouble


@pytest.mark.parametrize(
    ("trouble", "says"),
    [(StoreError("the disk is gone"), "the disk is gone"), (RuntimeError("canary-1"), "RuntimeError")],
)
async def test_stores_that_cannot_be_listed_are_told_and_looked_at_again(
    trouble: Exception, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A sweep that fails is a line in the log, and not the last one."""
    stores = Unlisted()
    stores.trouble = trouble
    accounts = Accounts(RotatingGrant, stores)  # type: ignore[arg-type]
    sweeping = Ahead(accounts._estate, stores, accounts._account, active=1.0, sweep=1.0, clock=accounts._clock.time)
    await sweeping.sweep()
    assert f"were not looked at for refresh tokens that end: {says}" in caplog.text


async def test_accounts_are_kept_fresh_while_the_block_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A real server, tokens of two seconds: renewed with no request behind it; nothing is left when the block ends."""
    monkeypatch.setattr(ahead, "LOOK", 0.05)
    renewed = asyncio.Event()
    async with AuthorizationServer(lifetime=2.0) as server, ProtectedAPI(server) as api:
        endpoint, first = TokenEndpoint(server.token_url, PublicClient("app")), server.sign_in(client_id="app")
        heard = RecordingObserver()

        def hear(event: object) -> None:
            heard(event)  # type: ignore[arg-type]
            if len(heard.of(Renewed)) > 1:
                renewed.set()

        accounts = Accounts(lambda _: RefreshTokenGrant(endpoint, first=first), observer=hear)
        async with accounts, accounts.keep_fresh(sweep=0.1):
            bearer = BearerMiddleware(accounts["alice"], api.url)
            async with ClientSession(api.url, middlewares=(bearer,)) as session, session.get("/page") as response:
                assert response.status == 200
            async with asyncio.timeout(60):
                await renewed.wait()
        assert {event.waiters for event in heard.of(Renewed)[1:]} == {0}
        assert api.refused == 0
        assert accounts._estate.notices is None
        assert accounts._estate.idle() == []
    assert not [task for task in asyncio.all_tasks() if "fresh" in task.get_name()]


async def test_many_accounts_in_use_leave_turns_to_others(house: House) -> None:
    """Among a thousand accounts others have their turn."""
    for number in range(1_000):
        await house.accounts[f"user {number}"].token()
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(other())
    await house.ahead.look()
    beside.cancel()
    assert turns >= 9


async def test_renewals_ahead_are_spread_and_take_their_turn() -> None:
    """Law C12: of two hundred tokens that came together some are early by chance, and four are renewed at a time."""
    house = House(Pace(at_once=4))
    names = [f"user {number}" for number in range(200)]
    for name in names:
        await house.accounts[name].token()
    gate = asyncio.Event()
    for name in names:
        house.grants[name].go = gate
    house.clock.advance(600.0 - 126.0)  # the advisory window has 120 to 132 s
    await house.ahead.look()
    for _ in range(1_000):
        await asyncio.sleep(0)
    assert sum(grant.calls for grant in house.grants.values()) == 200 + 4
    gate.set()
    await house.settled()
    assert 200 + 20 < sum(grant.calls for grant in house.grants.values()) < 400 - 20


async def test_a_renewal_ahead_that_is_under_way_outlives_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stops at once, and what the server rotated is kept by closing the accounts."""
    monkeypatch.setattr(ahead, "LOOK", 0.05)
    async with AuthorizationServer(lifetime=2.0) as server:
        endpoint, stores = TokenEndpoint(server.token_url, PublicClient("app")), MemoryTokenStores()
        accounts = Accounts(lambda _: RefreshTokenGrant(endpoint), stores, observer=None)
        first = server.credential(client_id="app", scope="read")
        async with stores.of("alice").exclusive() as slot:
            await slot.save(first)
        with server.hold(after=True) as hold:
            async with accounts.keep_fresh(), asyncio.timeout(60):
                await accounts["alice"].token()
                await hold.arrived.wait()
            before = await stores.of("alice").load()
        await accounts.aclose()
        assert before is not None
        assert before.refresh_token == first.refresh_token
        kept = await stores.of("alice").load()
    assert kept is not None
    assert kept.refresh_token != first.refresh_token
    assert server.reused == 0
