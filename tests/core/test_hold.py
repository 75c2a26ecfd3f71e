"""Holds that lapse: nothing is sent after one, and who takes one over is patient."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from aio_token import (
    ClientSecretBasic,
    Credential,
    GrantRefused,
    Limits,
    PublicClient,
    RefreshTokenGrant,
    ServerUnavailable,
    TokenEndpoint,
    TokenRepository,
)
from aio_token._trouble import Patience
from aio_token.stores import LockTimeout, Superseded
from aio_token.testing import AuthorizationServer, Dropped, ManualClock
from tests.support.doubles import FaultyStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import web
    from aiohttp.typedefs import Handler

QUICK = Limits(obtain=0.4, save=0.1)


class LapsingStore(FaultyStore):
    """A store whose holds last for as long as a test says, as leases do."""

    left: float = 10.0

    @property
    def lasts(self) -> float | None:
        """Seconds that are left."""
        return self.left

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[LapsingStore]:
        """Hold anew."""
        async with super().exclusive():
            self.left = 10.0
            yield self


class LapsesAfter:
    """A fault that lets the hold lapse, then does what another fault does."""

    def __init__(self, store: LapsingStore, fault: Dropped) -> None:
        self.store, self.fault = store, fault

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer the request."""
        self.store.left = 0.0
        return await self.fault(request, handler)


def held_session(server: AuthorizationServer, **marks: float | None) -> LapsingStore:
    """Return a store that holds a session without a token."""
    return LapsingStore(replace(server.credential(client_id="app"), token=None, **marks))  # type: ignore[arg-type]


def repository(server: AuthorizationServer, store: LapsingStore, *, limits: Limits = QUICK) -> TokenRepository:
    """Return a repository over it."""
    endpoint = TokenEndpoint(server.token_url, PublicClient("app"))
    return TokenRepository(RefreshTokenGrant(endpoint), store, limits=limits, observer=None)


async def test_nothing_is_sent_once_the_hold_has_lapsed() -> None:
    """Law J2: the process was stopped while it prepared the request; another host may hold the session by now."""
    async with AuthorizationServer() as server:
        store = LapsingStore(replace(server.credential(), token=None))

        def secret() -> str:
            store.left = 0.0 if store.steps.count("exclusive") == 1 else store.left
            return server.client.secret or ""

        endpoint = TokenEndpoint(server.token_url, ClientSecretBasic(server.client.client_id, secret))
        tokens = TokenRepository(RefreshTokenGrant(endpoint), store, observer=None)
        with pytest.raises(LockTimeout, match="nothing was sent"):
            await tokens.token()
        assert server.requests["refresh_token"] == 0
        kept = await store.load()
        assert kept is not None
        assert kept.spending_since is None
        assert server.accepts((await tokens.renew()).access_token)


async def test_what_was_dropped_is_not_sent_again_once_the_hold_has_lapsed() -> None:
    """Law J2: the outcome of the one that was sent stays unknown, and the record says so."""
    async with AuthorizationServer() as server:
        store = held_session(server)
        server.inject(LapsesAfter(store, Dropped()), times=1)
        with pytest.raises(ServerUnavailable, match="dropped the connection") as caught:
            await repository(server, store).token()
        assert caught.value.outcome_unknown
        assert server.requests["refresh_token"] == 1
        kept = await store.load()
        assert kept is not None
        assert kept.spending_since is not None


async def test_what_was_sent_is_read_and_saved_whatever_became_of_the_hold() -> None:
    """Law J2: it lapsed while the server worked; the store compares, and takes the successor."""
    async with AuthorizationServer() as server:
        store = held_session(server)

        async def lapse(request: web.Request, handler: Handler) -> web.StreamResponse:
            store.left = 0.0
            return await handler(request)

        server.inject(lapse, times=1)
        token = await repository(server, store).token()
        kept = await store.load()
        assert kept is not None
        assert kept.token is not None
        assert kept.token.access_token == token.access_token


async def test_who_takes_over_waits_for_the_one_before_and_adopts() -> None:
    """Law J3: it was stopped in the middle, and goes on: its successor is in the store, and nothing is presented."""
    async with AuthorizationServer() as server:
        store = held_session(server, spending_since=time.time())
        waiting = asyncio.create_task(repository(server, store).token())
        while "exclusive" not in store.steps:  # noqa: ASYNC110  the store tells of no event
            await asyncio.sleep(0.01)
        newer = server.credential(client_id="app")
        await store.save(newer)
        assert newer.token is not None
        assert (await waiting).access_token == newer.token.access_token
        assert server.requests["refresh_token"] == 0


async def test_who_waited_in_vain_presents_once() -> None:
    """Law J3: no successor came; a refusal says that the outcome was unknown."""
    async with AuthorizationServer() as server:
        store = held_session(server, spending_since=time.time())
        tokens = repository(server, store)
        began = time.monotonic()
        assert server.accepts((await tokens.token()).access_token)
        assert time.monotonic() - began >= 0.4
        server.revoke_all()
        store = held_session(server, spending_since=time.time())
        server.revoke_all()
        with pytest.raises(GrantRefused, match="was not known"):
            await repository(server, store).token()


@pytest.mark.parametrize("ahead", [3_600.0, 63_072_000.0])
async def test_a_mark_of_the_future_is_waited_for_no_longer_than_another(ahead: float) -> None:
    """Laws J3, J5: the store's clock was set back since it was written, and no one waits until that has caught up."""
    async with AuthorizationServer() as server:
        began = time.monotonic()
        store = held_session(server, spending_since=time.time() + ahead)
        async with asyncio.timeout(30):
            assert server.accepts((await repository(server, store).token()).access_token)
        assert time.monotonic() - began >= 0.4


def test_a_newer_mark_is_waited_for_anew() -> None:
    """Law J3: while one host waited for the first, another one has begun to spend."""
    clock = ManualClock()
    patience = Patience(clock, Limits(obtain=20.0, save=2.0))
    first = clock.time()
    assert patience.left(first) == 22
    clock.advance(20)
    assert patience.left(first + 0.01) == pytest.approx(2)
    clock.step(-3_600)
    assert patience.left(first) == pytest.approx(2)
    assert patience.left(clock.time()) == 22


@pytest.mark.parametrize(
    ("ago", "failed_ago", "left", "grace"),
    [
        (100.0, None, 10.0, 0.0),  # long over
        (0.1, 0.0, 10.0, 0.0),  # it lived to tell
        (0.1, None, None, 0.0),  # holds do not lapse: it is dead
        (0.1, None, 10.0, 60.0),  # the server forgives
    ],
)
async def test_there_is_not_always_something_to_wait_for(
    ago: float, failed_ago: float | None, left: float | None, grace: float
) -> None:
    """Law J3: one that lived to tell, or is dead, or was forgiven spends nothing any more."""
    async with AuthorizationServer() as server:
        now = time.time()
        store = held_session(
            server, spending_since=now - ago, failed_at=None if failed_ago is None else now - failed_ago
        )
        kind = type("Kind", (LapsingStore,), {"lasts": left})
        endpoint = TokenEndpoint(server.token_url, PublicClient("app"), rotation_grace=grace)
        unhurried = Limits(obtain=25.0, save=2.0)
        tokens = TokenRepository(RefreshTokenGrant(endpoint), kind(store._credential), limits=unhurried, observer=None)
        async with asyncio.timeout(10):
            assert server.accepts((await tokens.token()).access_token)


async def test_who_is_too_late_to_spend_adopts_at_once() -> None:
    """Law J1: the hold lapsed before the mark was written, and another host has renewed: its token is taken."""
    async with AuthorizationServer() as server:
        store = held_session(server)
        newer = server.credential(client_id="app")
        save = store.save

        async def superseded(credential: Credential) -> None:
            if store._credential != newer:
                store._credential = newer
                message = "another host was faster"
                raise Superseded(message)
            await save(credential)

        store.save = superseded  # type: ignore[method-assign]
        assert newer.token is not None
        assert (await repository(server, store).token()).access_token == newer.token.access_token
        assert server.requests["refresh_token"] == 0
