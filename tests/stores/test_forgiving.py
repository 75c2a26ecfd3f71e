"""Grants that need nothing stored go on while a store is down."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from aio_token import (
    ClientCredentialsGrant,
    ClientSecretBasic,
    Limits,
    RefreshTokenGrant,
    StoreError,
    TokenEndpoint,
    TokenRepository,
)
from aio_token.events import Saved, Unsaved
from aio_token.testing import AuthorizationServer, ManualClock, RecordingObserver
from tests.support.doubles import FaultyStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FAULTS: dict[str, Exception | asyncio.Event] = {
    "raises": StoreError("the network is away"),
    "is broken": OSError("canary"),
    "hangs": asyncio.Event(),
}
STEPS = ("load", "exclusive", "save")


@asynccontextmanager
async def service(
    store: FaultyStore, observer: RecordingObserver
) -> AsyncIterator[tuple[AuthorizationServer, TokenRepository]]:
    """Yield a service account's tokens."""
    limits = Limits(load=1.0, lock=1.0, save=0.02)
    async with AuthorizationServer(lifetime=3_600) as server:
        client = ClientSecretBasic(server.client.client_id, server.client.secret or "")
        grant = ClientCredentialsGrant(TokenEndpoint(server.token_url, client))
        yield server, TokenRepository(grant, store, limits=limits, observer=observer)


@pytest.mark.parametrize("kind", FAULTS)
async def test_a_service_account_goes_on_while_its_store_is_down(kind: str) -> None:
    """Law F10: one request for each lifetime, and an event that says what is wrong."""
    store, observer = FaultyStore(), RecordingObserver()
    store.faults = dict.fromkeys(STEPS, FAULTS[kind])
    async with service(store, observer) as (server, tokens):
        first = await tokens.token()
        assert all([await tokens.token() == first for _ in range(10)])
        assert server.requests["client_credentials"] == 1
        assert observer.of(Unsaved)
        seen = [tokens.status.unsaved]
        store.faults.clear()
        await tokens.aclose()
        assert observer.of(Saved)
        assert [*seen, tokens.status.unsaved] == [True, False]
    assert "canary" not in str(observer.events)


@pytest.mark.parametrize("step", STEPS)
async def test_it_is_enough_that_one_step_fails(step: str) -> None:
    """Law F10: what cannot be read, held or written; the token is another one when it is rejected."""
    store = FaultyStore()
    store.faults[step] = StoreError("away")
    async with service(store, RecordingObserver()) as (_, tokens):
        first = await tokens.token()
        assert await tokens.token(rejected=first) != first


async def test_what_can_be_stored_is_shared() -> None:
    """Law F10: the next process finds the token, as ever, and a held store says what it says."""
    store = FaultyStore()
    async with service(store, RecordingObserver()) as (server, tokens):
        first = await tokens.token()
        other = TokenRepository(tokens._grant, store, observer=None)
        assert (await other.token(), server.requests["client_credentials"]) == (first, 1)
        kept = other._keeper._store
        assert (repr(kept), kept.may_lose) == ("MemoryTokenStore()", False)
        async with kept.exclusive() as slot:
            assert slot.lasts is None
        await other.sign_out()
        assert await store.load() is None


async def test_a_store_that_is_down_keeps_nothing_and_says_so() -> None:
    """Law F10: signing out is told that nothing could be deleted, and there is no time that a hold lasts."""
    store = FaultyStore()
    async with service(store, RecordingObserver()) as (_, tokens):
        store.faults["exclusive"] = StoreError("away")
        with pytest.raises(StoreError, match="away"):
            await tokens.sign_out()
        async with tokens._keeper._store.exclusive() as slot:
            assert slot.lasts is None


async def test_a_session_waits_for_its_store() -> None:
    """Law F10: a refresh token that cannot be read cannot be presented, and no other is asked for."""
    store = FaultyStore()
    store.faults = dict.fromkeys(STEPS, StoreError("the network is away"))
    async with AuthorizationServer() as server:
        client = ClientSecretBasic(server.client.client_id, server.client.secret or "")
        grant = RefreshTokenGrant(TokenEndpoint(server.token_url, client, clock=ManualClock()))
        with pytest.raises(StoreError, match="the network is away"):
            await TokenRepository(grant, store, observer=None).token()
        assert server.requests["refresh_token"] == 0
