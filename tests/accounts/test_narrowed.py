"""The other access tokens of an account: theirs is the account's name, its end, and what has to be kept of it."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

import pytest

from aio_token import Accounts, Credential, PublicClient, RefreshTokenGrant, StoreError, TokenEndpoint, UnknownAccount
from aio_token.events import Renewed
from aio_token.stores import DirectoryTokenStores, MemoryTokenStores
from aio_token.testing import AuthorizationServer, ManualClock, RecordingObserver
from tests.support.doubles import FaultyStore, RevocableGrant, stored

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aio_token import TokenStore

ENDPOINT = TokenEndpoint("https://id.example/token", PublicClient("app"))


class OneFaulty:
    """Stores of which one is there, and fails on request."""

    def __init__(self, credential: Credential) -> None:
        self.alice = FaultyStore(credential)

    def of(self, name: str) -> TokenStore:
        """Return the one."""
        return self.alice

    async def names(self) -> AsyncIterator[str]:
        """Name it."""
        yield "alice"

    async def due(self, before: float) -> AsyncIterator[str]:
        """Name it."""
        yield "alice"


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that stands still."""
    return ManualClock()


@pytest.fixture
def grant(clock: ManualClock) -> RevocableGrant:
    """Return a grant that rotates."""
    return RevocableGrant(clock)


@pytest.fixture
def stores(clock: ManualClock) -> OneFaulty:
    """Return stores in which Alice has signed in."""
    return OneFaulty(stored(clock, "0"))


@pytest.fixture
def heard() -> RecordingObserver:
    """Return who listens."""
    return RecordingObserver()


@pytest.fixture
def accounts(grant: RevocableGrant, stores: OneFaulty, clock: ManualClock, heard: RecordingObserver) -> Accounts:
    """Return accounts that all have one grant."""
    return Accounts(lambda _: grant, stores, observer=heard, clock=clock)


async def test_a_stranger_has_no_narrowed_tokens(tmp_path: Path, heard: RecordingObserver) -> None:
    """Law I3: it is the error of a name that no one has signed in under; no one is told, and nothing is left."""
    accounts = Accounts(lambda _: RefreshTokenGrant(ENDPOINT), DirectoryTokenStores(tmp_path / "kept"), observer=heard)
    with pytest.raises(UnknownAccount, match="no one is signed in as 'mallory'; sign in"):
        await accounts["mallory"].narrowed(scope="mail").token()
    await asyncio.sleep(0)
    gc.collect()
    assert (len(accounts._in_use), heard.events, list(tmp_path.iterdir())) == (0, [], [])


async def test_a_narrowed_token_s_events_have_the_account_s_name(accounts: Accounts, heard: RecordingObserver) -> None:
    """They are the account's own."""
    await accounts["alice"].narrowed(scope="mail").token()
    assert [event.name for event in heard.of(Renewed)] == ["alice"]


async def test_what_is_unsaved_of_a_narrowed_token_stays_until_it_is_saved(
    accounts: Accounts, grant: RevocableGrant, stores: OneFaulty
) -> None:
    """Laws E5 and I3: the refresh token that its renewal brought is the session's, and no one else has it."""
    stores.alice.faults["save"] = StoreError("the disk is full")
    await accounts["alice"].narrowed(scope="mail").token()
    await asyncio.sleep(0)
    gc.collect()
    del stores.alice.faults["save"]
    await accounts.aclose()
    kept = await stores.alice.load()
    assert kept is not None
    assert (kept.refresh_token, grant.calls) == ("refresh-1", 1)
    await asyncio.sleep(0)
    gc.collect()
    assert len(accounts._in_use) == 0


async def test_closing_waits_for_a_narrowed_token(
    accounts: Accounts, grant: RevocableGrant, stores: OneFaulty, heard: RecordingObserver
) -> None:
    """Laws E5 and I3: the one who asked has given up, and what the server rotated is kept all the same."""
    grant.go.clear()
    asking = asyncio.create_task(accounts["alice"].narrowed(scope="mail").token())
    await grant.arrived.wait()
    asking.cancel()
    await asyncio.wait((asking,))
    closing = asyncio.create_task(accounts.aclose())
    await asyncio.sleep(0)
    assert not closing.done()
    grant.go.set()
    await closing
    kept = await stores.alice.load()
    assert kept is not None
    assert (kept.refresh_token, len(heard.of(Renewed))) == ("refresh-1", 1)


async def test_what_narrowed_tokens_have_spent_is_remembered() -> None:
    """Laws C4 and I3: all are let go and a backup is put back: what it holds is not presented again."""
    async with AuthorizationServer() as server:
        endpoint, stores = TokenEndpoint(server.token_url, PublicClient("app")), MemoryTokenStores()
        accounts = Accounts(lambda _: RefreshTokenGrant(endpoint), stores, observer=None)
        backup = server.credential(client_id="app", scope="mail files")
        async with stores.of("alice").exclusive() as slot:
            await slot.save(backup)
        alice = accounts["alice"]
        for source in (alice.narrowed(scope="mail"), alice, alice.narrowed(scope="files")):
            await source.renew()
        assert len(accounts._estate.spent("alice")) == 3
        del alice, source
        await asyncio.sleep(0)
        gc.collect()
        assert len(accounts._in_use) == 0
        async with stores.of("alice").exclusive() as slot:
            await slot.save(backup)
        with pytest.raises(UnknownAccount):  # it is not adopted, and what took its place is gone
            await accounts["alice"].narrowed(scope="mail").renew()
        assert (server.refreshes, server.reused) == (3, 0)


async def test_narrowed_tokens_in_use_are_renewed_ahead(clock: ManualClock, heard: RecordingObserver) -> None:
    """Each as it was asked for, before a request needs it."""
    grant, stores = RevocableGrant(clock, lifetime=600.0), MemoryTokenStores()
    async with stores.of("alice").exclusive() as slot:
        await slot.save(stored(clock, "0", left=6_000.0))
    accounts = Accounts(lambda _: grant, stores, observer=heard, clock=clock)
    accounts._estate.notice(3_600.0)
    await accounts["alice"].narrowed(scope="mail").token()
    gc.collect()
    clock.advance(500.0)
    for account, _ in accounts._estate.idle():
        account.look_after()
    await accounts.aclose()
    assert [event.reason for event in heard.of(Renewed)] == ["absent", "expiring"]
    assert accounts["alice"].narrowed(scope="mail").token_at_hand() is not None
