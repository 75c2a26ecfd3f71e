"""Names that anyone may ask for: they leave nothing behind, in memory, in the store or in the log."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from aio_token import (
    Accounts,
    ClientCredentialsGrant,
    ClientSecretBasic,
    Credential,
    MemoryTokenStore,
    PublicClient,
    RefreshTokenGrant,
    SignInRequired,
    StoreError,
    TokenEndpoint,
    UnknownAccount,
)
from aio_token._accounts.strangers import Strangers, StrangersStore, begins_with_a_sign_in
from aio_token.stores import DirectoryTokenStores, Superseded
from aio_token.testing import AuthorizationServer, ManualClock, RecordingObserver, ScriptedGrant
from tests.support.doubles import FaultyStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aio_token import TokenStore

ENDPOINT = TokenEndpoint("https://id.example/token", PublicClient("app"))
KEPT = Credential(refresh_token="canary-kept")


class Counting:
    """Memory stores that count what they are asked."""

    def __init__(self) -> None:
        self.kept: dict[str, FaultyStore] = {}

    def of(self, name: str) -> TokenStore:
        """Return a store that counts."""
        return self.kept.setdefault(name, FaultyStore())

    async def names(self) -> AsyncIterator[str]:
        """Name those that something is kept of."""
        for name, store in self.kept.items():
            if store._credential is not None:
                yield name

    async def due(self, before: float) -> AsyncIterator[str]:
        """Name no one."""
        for name in tuple[str]():
            yield name


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that stands still."""
    return ManualClock()


async def test_a_stranger_s_name_leaves_nothing_on_the_disk(tmp_path: Path) -> None:
    """Law I3: not even a lock, which is never deleted; signing out and giving up leave nothing either."""
    accounts = Accounts(lambda _: RefreshTokenGrant(ENDPOINT), DirectoryTokenStores(tmp_path / "accounts"))
    for number in range(100):
        with pytest.raises(UnknownAccount):
            await accounts[f"stranger {number}"].token()
        out = await accounts[f"stranger {number}"].sign_out()
        assert out.message == "there was nothing to revoke"
    assert list(tmp_path.iterdir()) == []


async def test_a_stranger_s_name_is_looked_for_once_a_second(clock: ManualClock) -> None:
    """Law I3: a hundred requests with one name within a second read the store once."""
    stores = Counting()
    accounts = Accounts(lambda _: RefreshTokenGrant(ENDPOINT), stores, clock=clock)
    for second in range(1, 4):
        for _ in range(100):
            with pytest.raises(UnknownAccount):
                await accounts["mallory"].token()
            gc.collect(0)
        assert stores.kept["mallory"].steps == ["load"] * second
        clock.advance(1.01)


async def test_strangers_keep_nothing_in_memory(clock: ManualClock) -> None:
    """Law I3: ten thousand names leave a thousand keys for a second, then none; the log and observers hear nothing."""
    heard = RecordingObserver()
    accounts = Accounts(lambda _: RefreshTokenGrant(ENDPOINT), observer=heard, clock=clock)

    async def ask(first: int, last: int) -> None:
        for number in range(first, last):
            with pytest.raises(SignInRequired):
                await accounts[f"stranger {number}"].token()

    await ask(0, 2_000)
    gc.collect()
    tracemalloc.start()
    await ask(2_000, 10_000)
    await asyncio.sleep(0)  # the last one's flight lands
    gc.collect()
    left, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert left < 400_000
    assert len(accounts._in_use) == 0
    assert heard.events == []
    assert len(accounts._strangers) == 1_024
    clock.advance(2.0)
    assert not accounts._strangers.knows("stranger 9999")
    assert len(accounts._strangers) == 0


async def test_who_signs_in_is_no_stranger_any_more() -> None:
    """An account is there as soon as it is kept, in the second after it was looked for as well."""
    async with AuthorizationServer() as server:
        endpoint = TokenEndpoint(server.token_url, PublicClient("app"))
        accounts = Accounts(lambda _: RefreshTokenGrant(endpoint), observer=None)
        with pytest.raises(UnknownAccount):
            await accounts["alice"].token()
        token = await accounts["alice"].sign_in(RefreshTokenGrant(endpoint, first=server.sign_in(client_id="app")))
        gc.collect()
        assert (await accounts["alice"].token()).same_as(token)


async def test_a_grant_that_needs_nothing_stored_knows_no_strangers() -> None:
    """A tenant whose client asks for itself gets a token at the first request."""
    async with AuthorizationServer() as server:
        client = ClientSecretBasic(server.client.client_id, server.client.secret or "")
        endpoint = TokenEndpoint(server.token_url, client)
        accounts = Accounts(lambda _: ClientCredentialsGrant(endpoint), observer=None)
        await accounts["tenant"].token()
        assert [name async for name in accounts.names()] == ["tenant"]


def test_which_grants_begin_with_a_sign_in() -> None:
    """A refresh token that is stored, or given to begin with, or none needed: the first alone needs someone."""
    assert begins_with_a_sign_in(RefreshTokenGrant(ENDPOINT))
    assert not begins_with_a_sign_in(RefreshTokenGrant(ENDPOINT, first="canary-first"))
    assert not begins_with_a_sign_in(ClientCredentialsGrant(ENDPOINT))
    assert not begins_with_a_sign_in(ScriptedGrant())


async def test_two_who_sign_in_at_once_do_not_overwrite_each_other(clock: ManualClock) -> None:
    """Where nothing was kept, the second to write is told that another process was first, and reads what is there."""
    store = MemoryTokenStore()
    one, two = (StrangersStore(store, "alice", Strangers(clock.monotonic)) for _ in range(2))
    async with one.exclusive() as first, two.exclusive() as second:
        assert await first.load() is await second.load() is None
        await first.delete()
        await first.save(KEPT)
        assert (first.lasts, await first.load()) == (None, KEPT)
        await first.save(KEPT)
        assert await second.load() is None
        hold = asyncio.create_task(second.save(Credential(refresh_token="canary-late")))
        await asyncio.sleep(0)
        assert not hold.done()
        hold.cancel()
        await asyncio.wait((hold,))
    async with two.exclusive() as third:
        await store.save(KEPT)
        with pytest.raises(Superseded):
            await third.save(Credential(refresh_token="canary-late"))
        assert await third.load() == KEPT
        await third.delete()
    assert await store.load() is None


async def test_a_store_of_strangers_is_what_it_stands_for(clock: ManualClock) -> None:
    """It says what the store says, is probed if that can be, and held as that is once something is kept."""
    faulty = FaultyStore()
    store = StrangersStore(faulty, "alice", Strangers(clock.monotonic))
    assert (store.may_lose, repr(store)) == (False, "MemoryTokenStore()")
    await store.probe()
    assert faulty.steps == []
    faulty.faults["load"] = StoreError("the disk is gone")
    with pytest.raises(StoreError, match="the disk is gone"):
        async with store.exclusive():
            raise AssertionError
    del faulty.faults["load"]
    await faulty.save(KEPT)
    async with store.exclusive() as slot:
        assert slot is faulty


async def test_a_store_that_can_be_probed_is(tmp_path: Path, clock: ManualClock) -> None:
    """Law F12: a person who signs in is told before that the directory cannot be written."""
    (tmp_path / "accounts").write_text("a file")
    store = DirectoryTokenStores(tmp_path / "accounts").of("alice")
    with pytest.raises(StoreError):
        await StrangersStore(store, "alice", Strangers(clock.monotonic)).probe()


def test_more_strangers_than_are_remembered_push_the_oldest_out(clock: ManualClock) -> None:
    """Who comes again is the youngest; who signs in is forgotten."""
    strangers = Strangers(clock.monotonic)
    assert not strangers.knows("0")
    for number in range(1_024):
        strangers.add(str(number))
    strangers.add("0")
    strangers.add("one more")
    assert strangers.knows("0")
    assert not strangers.knows("1")
    strangers.discard("0")
    assert not strangers.knows("0")
