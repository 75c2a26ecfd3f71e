"""A first refresh token: it begins a session, once in the life of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aio_token import (
    Credential,
    FileTokenStore,
    PublicClient,
    RefreshTokenGrant,
    SignInRequired,
    TokenEndpoint,
    TokenRepository,
)
from aio_token.testing import AuthorizationServer

if TYPE_CHECKING:
    from pathlib import Path


def repository(server: AuthorizationServer, path: Path, first: str) -> TokenRepository:
    """Return what a process makes at its start."""
    grant = RefreshTokenGrant(TokenEndpoint(server.token_url, PublicClient("app")), first=first)
    return TokenRepository(grant, FileTokenStore(path), observer=None)


async def test_a_first_that_was_spent_long_ago_is_not_presented_again(tmp_path: Path) -> None:
    """Law E6: the session has ended at the server; it is the stored token that is refused, in each life once."""
    async with AuthorizationServer() as server:
        first = server.sign_in(client_id="app")
        for _ in range(3):
            async with repository(server, tmp_path / "t", first) as tokens:
                await tokens.renew()
        server.revoke_all()
        asked = server.requests["refresh_token"]
        for _ in range(3):
            async with repository(server, tmp_path / "t", first) as tokens:
                with pytest.raises(SignInRequired):
                    await tokens.renew()
        assert (server.reused, server.requests["refresh_token"] - asked) == (0, 1)
        another = server.sign_in(client_id="app")
        async with repository(server, tmp_path / "t", another) as tokens:
            assert server.accepts((await tokens.renew()).access_token)


async def test_a_first_is_remembered_by_its_name_alone(tmp_path: Path) -> None:
    """Laws E6 and G2: the record keeps a fingerprint, from the first answer on."""
    async with AuthorizationServer() as server:
        first = server.sign_in(client_id="app")
        async with repository(server, tmp_path / "t", first) as tokens:
            await tokens.token()
        assert first not in (tmp_path / "t").read_text()
        kept = await FileTokenStore(tmp_path / "t").load()
        assert kept is not None
        assert len(kept.first or "") == 8


@pytest.mark.parametrize(
    ("first", "stored", "spends"),
    [
        (None, None, False),
        ("first", None, True),
        (None, Credential(refresh_token="r"), True),
        (None, Credential(refresh_token="r", reusable=True), False),
        ("first", Credential(refresh_token="r", reusable=True, refresh_expires_at=1.0), True),
        (None, Credential(), False),
    ],
)
def test_it_says_whether_something_would_be_spent(first: str | None, stored: Credential | None, spends: bool) -> None:
    """Law F8: a refresh token that came back from a renewal may be used again, any other perhaps once."""
    grant = RefreshTokenGrant(TokenEndpoint("https://id.example/token", PublicClient("app")), first=first)
    assert grant.spends(stored) is spends
    assert grant.rotation_grace == 0.0


@pytest.mark.parametrize("rotates", [True, False])
async def test_a_refresh_token_that_comes_back_may_be_used_again(tmp_path: Path, rotates: bool) -> None:
    """Law F8: the answer tells, and the record keeps it."""
    async with AuthorizationServer(rotation=rotates) as server:
        async with repository(server, tmp_path / "t", server.sign_in(client_id="app")) as tokens:
            await tokens.token()
            await tokens.renew()
        kept = await FileTokenStore(tmp_path / "t").load()
        assert kept is not None
        assert kept.reusable is not rotates
