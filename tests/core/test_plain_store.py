"""A store that says no more than what it does: it keeps one thing, under one lock."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aio_token import Limits, PublicClient, RefreshTokenGrant, TokenEndpoint, TokenRepository
from aio_token._narrowing.narrowed import NarrowStore
from aio_token.stores._forgiving import Forgiving
from aio_token.testing import AuthorizationServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_token import Credential


class PlainStore:
    """Knows neither `may_lose` nor `lasts`."""

    def __init__(self) -> None:
        self.kept: Credential | None = None
        self.lock = asyncio.Lock()

    async def load(self) -> Credential | None:
        """Return what is kept."""
        return self.kept

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[PlainStore]:
        """Let one in."""
        async with self.lock:
            yield self

    async def save(self, credential: Credential) -> None:
        """Keep it."""
        self.kept = credential

    async def delete(self) -> None:
        """Keep nothing."""
        self.kept = None


async def test_a_store_that_says_nothing_of_losing_loses_nothing() -> None:
    """Law F9: and its hold lasts as long as it is held; it renews, is reconciled with, and signs out."""
    async with AuthorizationServer() as server:
        endpoint = TokenEndpoint(server.token_url, PublicClient("app"), revocation_url=server.revocation_url)
        store: Any = PlainStore()
        grant = RefreshTokenGrant(endpoint, first=server.sign_in(client_id="app"))
        async with TokenRepository(grant, store) as tokens:
            first = await tokens.token()
            assert await tokens.token(rejected=first) != first
            assert store.kept.token == await tokens.token()
            assert (await tokens.sign_out()).revoked
        assert store.kept is None or store.kept.is_tombstone


async def test_what_looks_through_to_such_a_store_says_the_same() -> None:
    """Law F9: a service account's store, and a narrowed token's."""
    store: Any = PlainStore()
    for view in (Forgiving(store, Limits()), NarrowStore(store, "key")):
        assert view.may_lose is False
        async with view.exclusive() as slot:
            assert slot.lasts is None
