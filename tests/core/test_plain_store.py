"""A store that says no more than what it does: it keeps one thing, under one lock."""

from __future__ import annotations

from typing import Any

from aio_token import PublicClient, RefreshTokenGrant, TokenEndpoint, TokenRepository
from aio_token.testing import AuthorizationServer
from tests.support.doubles import PlainStore


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
