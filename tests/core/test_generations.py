"""Laws E6 and F9: what is gone, what is older, and what is remembered of a session that is over."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from aio_token import (
    Credential,
    FileTokenStore,
    MemoryTokenStore,
    PublicClient,
    RefreshTokenGrant,
    ServerUnavailable,
    SignInRequired,
    TokenEndpoint,
    TokenRepository,
)
from aio_token._lineage import is_older, put_back, succeeding
from aio_token._token import fingerprint
from aio_token.stores import Superseded
from aio_token.testing import AuthorizationServer
from aio_token.testing.clock import ManualClock
from tests.support.doubles import FaultyStore, RevocableGrant, RotatingGrant, stored

if TYPE_CHECKING:
    from pathlib import Path

    from aio_token import TokenStore
    from aio_token.events import Event

DAYS = 86_400.0


class LosingStore(FaultyStore):
    """A store that may lose what it confirmed, as one with replicas does."""

    @property
    def may_lose(self) -> bool:
        """Say so."""
        return True

    def lose(self, credential: Credential | None = None) -> None:
        """Be what a replica was."""
        self._credential = credential

    async def delete(self) -> None:
        """Leave a tombstone whatever was kept."""
        await self._step("delete")
        self._credential = self._credential and self._credential.tombstone(4e9, may_lose=True)


class Host:
    """A process with a repository of its own over a store of all."""

    def __init__(self, store: TokenStore, clock: ManualClock, grant: RotatingGrant | None = None) -> None:
        self.grant = grant or RevocableGrant(clock)
        self.events: list[Event] = []
        self.tokens = TokenRepository(self.grant, store, clock=clock, observer=self.events.append)

    async def token(self) -> str:
        """Return the token's text."""
        return (await self.tokens.token()).access_token


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that stands still."""
    return ManualClock()


def repository(server: AuthorizationServer, store: TokenStore, first: str) -> TokenRepository:
    """Return what a process makes at its start."""
    grant = RefreshTokenGrant(TokenEndpoint(server.token_url, PublicClient("app")), first=first)
    return TokenRepository(grant, store, observer=None)


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("kind", ["file", "memory"])
async def test_a_first_is_not_presented_again_after_a_sign_out(tmp_path: Path, kind: str, told: bool) -> None:
    """Law E6: it stays in the environment; whether the server was told or not, only another one begins a session."""
    async with AuthorizationServer() as server:
        store = FileTokenStore(tmp_path / "t") if kind == "file" else MemoryTokenStore()
        first = server.sign_in(client_id="app")
        tokens = repository(server, store, first)
        await tokens.token()
        asked = server.requests["refresh_token"]
        await tokens.sign_out()
        for each in (tokens, repository(server, store, first)):
            with pytest.raises(SignInRequired):
                await each.token()
        if told:
            await repository(server, store, first).sign_out()
        assert (server.requests["refresh_token"], server.reused) == (asked, 0)
        left = await store.load()
        assert left is not None
        assert left.is_tombstone
        assert (left.token, left.refresh_token) == (None, None)
        another = server.sign_in(client_id="app")
        assert server.accepts((await repository(server, store, another).token()).access_token)
        kept = await store.load()
        assert kept is not None
        assert not kept.is_tombstone
        assert {fingerprint(first), fingerprint(another)} <= set(kept.begun_with)


async def test_a_first_that_the_store_held_to_begin_with_is_not_presented_again(tmp_path: Path) -> None:
    """Law E6: the store was seeded with the refresh token that the environment has as well."""
    async with AuthorizationServer() as server:
        store = FileTokenStore(tmp_path / "t")
        seed = server.credential(client_id="app")
        assert seed.refresh_token is not None
        async with store.exclusive() as slot:
            await slot.save(replace(seed, token=None))
        await repository(server, store, seed.refresh_token).token()
        server.revoke_all()
        for _ in range(2):
            with pytest.raises(SignInRequired):
                await repository(server, store, seed.refresh_token).renew()
        assert server.reused == 0


async def test_a_sign_in_remembers_what_was_begun_with(clock: ManualClock) -> None:
    """Law E6: a person signs in over a session that a `first` began, signs out, and an older `first` is set again."""
    store = MemoryTokenStore(Credential(refresh_token="r1", first="f1f1f1f1", spent=("f0f0f0f0",), generation=5))
    host = Host(store, clock)
    await host.tokens.sign_in(RotatingGrant(clock))
    kept = await store.load()
    assert kept is not None
    assert set(kept.begun_with) == {"f0f0f0f0", "f1f1f1f1"}
    await host.tokens.sign_out()
    left = await store.load()
    assert left is not None
    assert set(left.begun_with) == {"f0f0f0f0", "f1f1f1f1", fingerprint("refresh-1")}
    assert "refresh-1" not in left.to_json().decode()


def test_a_tombstone_lasts_as_long_as_the_refresh_token_would_have() -> None:
    """Law F9: else 90 days; one that is deleted stays as it is until then; what is remembered has an end."""
    now = 1_000_000.0
    bare = Credential(refresh_token="r", first="f1f1f1f1", generation=3)
    for ends, until in ((None, now + 90 * DAYS), (now + 5, now + 5), (now - 5, now + 90 * DAYS)):
        tombstone = replace(bare, refresh_expires_at=ends).tombstone(now)
        assert tombstone is not None
        assert (tombstone.removed_until, tombstone.generation) == (until, 4)
        assert tombstone.tombstone(now) is tombstone
        assert tombstone.tombstone(until) is None
        assert Credential.from_json(tombstone.to_json()) == tombstone
    many = replace(bare, spent=tuple(f"{number:08}" for number in range(100)))
    assert len(many.ended) == 32
    assert replace(bare, refresh_token=None).ended == ("f1f1f1f1",)


async def test_where_nothing_is_to_be_remembered_nothing_is_left(clock: ManualClock) -> None:
    """Law F9: a service's own token, or a session that no `first` began, leaves no file behind."""
    assert stored(clock, "a").tombstone(clock.time()) is None
    lost = stored(clock, "a").tombstone(clock.time(), may_lose=True)
    assert lost is not None
    assert lost.begun_with == (fingerprint("refresh-a"),)


@pytest.mark.parametrize("kind", ["file", "memory"])
async def test_a_tombstone_whose_time_has_passed_is_nothing(tmp_path: Path, kind: str) -> None:
    """Law F9: who loads it finds an empty store."""
    store = FileTokenStore(tmp_path / "t") if kind == "file" else MemoryTokenStore()
    async with store.exclusive() as slot:
        await slot.save(Credential(spent=("f1f1f1f1",), removed_until=5.0))
        assert await slot.load() is None
    assert await store.load() is None


def test_a_session_that_begins_later_is_newer(clock: ManualClock) -> None:
    """Law F9: a generation begins with the seconds of a sign-in and grows by one; a mark leaves it as it is."""
    now = clock.time()
    begun = succeeding(stored(clock, "a"), None, now=now)
    assert begun.generation == int(now)
    renewed = succeeding(replace(stored(clock, "b"), generation=begun.generation), begun, now=now + 500)
    assert renewed.generation == begun.generation + 1
    marked = succeeding(replace(renewed, failures=1, generation=0), renewed, now=now + 500)
    assert marked.generation == renewed.generation
    anew = succeeding(stored(clock, "c"), renewed, now=now + 500)
    assert anew.generation == int(now + 500)
    ahead = succeeding(stored(clock, "c"), replace(renewed, generation=int(now) + 9_000), now=now + 500)
    assert ahead.generation == int(now) + 9_001
    assert is_older(renewed, anew)
    assert not is_older(replace(renewed, generation=0), anew)  # a release that did not count


async def test_what_is_gone_from_a_store_that_loses_is_put_back(clock: ManualClock) -> None:
    """Law F9: its token has not ended, so no other host has renewed; the refresh token is presented at once."""
    store = LosingStore(stored(clock, "a"))
    host = Host(store, clock)
    assert await host.token() == "access-a"
    for lost in (None, replace(stored(clock, "old"), generation=1)):
        store.lose(lost)
        await host.tokens.renew()
        kept = await store.load()
        assert kept is not None
        assert kept.refresh_token == f"refresh-{host.grant.calls}"
        assert kept.refresh_not_before is None
    assert host.grant.presented == ["refresh-a", "refresh-1"]


async def test_what_is_gone_from_a_file_was_removed(clock: ManualClock) -> None:
    """Law F9: a store that loses nothing does not get back what somebody removed."""
    store = FaultyStore(stored(clock, "a"))
    host = Host(store, clock)
    await host.token()
    store._credential = None
    await host.tokens.renew()
    assert host.grant.presented == [None]


async def test_what_another_host_may_have_renewed_is_not_presented_at_once(clock: ManualClock) -> None:
    """Law F9: the token has ended, and the store is empty: another host may hold a newer refresh token."""
    store = LosingStore()
    one, two = Host(store, clock), Host(store, clock)
    two.grant.calls = 100
    assert await one.token() == await two.token() == "access-1"
    clock.advance(61)
    assert await two.token() == "access-101"
    store.lose()
    with pytest.raises(ServerUnavailable) as caught:
        await one.token()
    assert caught.value.retry_after == pytest.approx(60, abs=1)
    assert one.grant.presented == [None]
    kept = await store.load()
    assert kept is not None
    assert kept.refresh_token == "refresh-1"
    clock.advance(2)
    fresh = Host(store, clock)
    with pytest.raises(ServerUnavailable):  # nor by one that has just started
        await fresh.token()
    clock.advance(20)
    await two.tokens.renew()  # which finds the older one, and writes its own
    clock.advance(2)
    assert await one.token() == (await two.tokens.token()).access_token
    assert one.grant.presented == [None]


@pytest.mark.parametrize("ended", [False, True])
async def test_a_backup_of_any_store_says_that_writes_were_lost(clock: ManualClock, *, ended: bool) -> None:
    """Law F9: a store that loses nothing by itself was put back to an older record: what is held may not be newest."""
    store = FaultyStore(stored(clock, "a"))
    one = Host(store, clock)
    backup = replace(stored(clock, "a"), generation=1)
    first = await one.tokens.renew()
    store._credential = backup
    clock.advance(61 if ended else 30)
    if not ended:
        await one.tokens.renew()
        assert one.grant.presented == ["refresh-a", "refresh-1"]
        return
    with pytest.raises(ServerUnavailable):
        await one.token()
    kept = await store.load()
    assert kept is not None
    assert (kept.token, one.grant.presented) == (first, ["refresh-a"])


async def test_after_one_more_lifetime_it_is_presented(clock: ManualClock) -> None:
    """Law F9: whoever held a newer one would have written it by then."""
    store = LosingStore(stored(clock, "a"))
    host = Host(store, clock)
    await host.token()
    clock.advance(61)
    store.lose()
    with pytest.raises(ServerUnavailable):
        await host.token()
    clock.advance(61)
    await host.token()
    assert host.grant.presented == ["refresh-a"]


@pytest.mark.parametrize(
    ("ours", "ended", "waits"),
    [
        (Credential(), True, False),
        (None, False, False),
        (None, True, True),
    ],
)
def test_who_waits_before_it_presents(clock: ManualClock, ours: Credential | None, ended: bool, waits: bool) -> None:
    """Law F9: what has no end, what may be used again and what waits already gets no other beginning."""
    ours = ours or stored(clock, "a")
    now = clock.time()
    back = put_back(ours, ended=ended, now=now)
    assert (back.refresh_not_before is not None) is waits
    assert put_back(back, ended=ended, now=now + 1) is back
    assert put_back(replace(ours, reusable=True), ended=ended, now=now).refresh_not_before is None


async def test_who_renews_ahead_leaves_time_to_a_holder_whose_hold_was_lost(clock: ManualClock) -> None:
    """Laws F9 and J4: the store was emptied while another host renewed, and its hold went with the record. Its save
    may be on its way: a good token is served meanwhile, and the successor adopted.
    """
    store = LosingStore(stored(clock, "a"))
    host = Host(store, clock)
    assert await host.token() == "access-a"
    clock.advance(55)
    store.lose()
    asking = asyncio.create_task(host.token())
    async with asyncio.timeout(30):
        while (kept := await store.load()) is None:  # noqa: ASYNC110  it tells of no event
            await asyncio.sleep(0)
        assert kept.refresh_token == "refresh-a"
        store.lose(replace(stored(clock, "b"), generation=kept.generation + 1))  # the other one's save
        await asking
        while await host.token() != "access-b":  # noqa: ASYNC110  it is what callers do
            await asyncio.sleep(0.01)
    assert host.grant.presented == []


async def test_a_token_that_an_api_rejects_has_ended(clock: ManualClock) -> None:
    """Law F9: another host's renewal may be what ended it."""
    store = LosingStore(stored(clock, "a"))
    host = Host(store, clock)
    token = await host.tokens.token()
    store.lose()
    with pytest.raises(ServerUnavailable):
        await host.tokens.token(rejected=token)
    assert host.grant.presented == []


async def test_a_sign_out_is_not_undone(clock: ManualClock) -> None:
    """Law F9: another host's tombstone is newer than what is held."""
    store = LosingStore(replace(stored(clock, "a"), generation=7))
    one, two = Host(store, clock), Host(store, clock)
    await one.token()
    await two.token()
    await one.tokens.sign_out()
    await two.tokens.renew()
    assert two.grant.presented == [None]  # it knows of no session


async def test_a_sign_out_is_kept_though_the_session_was_lost(clock: ManualClock) -> None:
    """Law F9: the store was emptied meanwhile; the tombstone is newer than what other hosts hold."""
    store = LosingStore(replace(stored(clock, "a"), generation=7))
    one, two = Host(store, clock), Host(store, clock)
    await one.token()
    await two.token()
    for _ in range(2):
        store.lose()
        await one.tokens.sign_out()
        left = await store.load()
        assert left is not None
        assert left.is_tombstone
        assert left.generation >= 8
    await two.tokens.renew()
    assert two.grant.presented == [None]


async def test_a_store_that_is_older_at_the_moment_of_a_save_is_written(clock: ManualClock) -> None:
    """Law J1: it refused, since another wrote; what is there is a backup, so ours is written over it."""
    store = LosingStore(replace(stored(clock, "a"), generation=7))
    host = Host(store, clock)
    await host.token()
    save, refusals = store.save, [Superseded("another host was faster")]

    async def superseded(credential: Credential) -> None:
        if refusals:
            store.lose(replace(stored(clock, "old"), generation=3))
            raise refusals.pop()
        await save(credential)

    store.save = superseded  # type: ignore[method-assign]
    await host.tokens.renew()
    kept = await store.load()
    assert kept is not None
    assert kept.refresh_token == "refresh-1"


async def test_what_could_not_be_deleted_whole_is_learnt_later(clock: ManualClock) -> None:
    """Law E3: a sign-out is done when the store has deleted; that it cannot be read then fails nobody."""
    store = LosingStore(stored(clock, "a"))
    host = Host(store, clock)
    await host.token()
    delete = store.delete

    async def then_fail() -> None:
        await delete()
        store.faults["load"] = OSError()

    store.delete = then_fail  # type: ignore[method-assign]
    await host.tokens.sign_out()
    store.faults.clear()
    await host.tokens.renew()
    assert host.grant.presented == [None]


@pytest.mark.parametrize("kind", ["file", "memory"])
async def test_a_session_after_one_of_a_clock_that_went_ahead_is_newer(tmp_path: Path, kind: str) -> None:
    """Law F9: the clock is set right, a person signs out and in again; a process that did not look meanwhile takes the
    new session, and puts nothing in its place.
    """
    store = FileTokenStore(tmp_path / "t") if kind == "file" else MemoryTokenStore()
    clock = ManualClock(time.time() + 700 * DAYS)
    service, person = Host(store, clock), Host(store, clock)
    await service.token()
    clock.step(-700 * DAYS)
    await person.tokens.sign_out()
    theirs = RotatingGrant(clock)
    theirs.calls = 10
    await person.tokens.sign_in(theirs)
    assert (await service.tokens.renew()).access_token == "access-11"
    assert service.grant.presented == [None]
    kept = await store.load()
    assert kept is not None
    assert kept.refresh_token == "refresh-11"


async def test_what_is_signed_out_in_its_time_leaves_nothing(tmp_path: Path) -> None:
    """Law F9: a session that began before this second needs no tombstone in a file: the next one is newer by itself."""
    clock = ManualClock(time.time() - 60)
    host = Host(FileTokenStore(tmp_path / "t"), clock)
    await host.token()
    await host.tokens.sign_out()
    assert not (tmp_path / "t").exists()
