"""The end of a refresh token, by clocks that may be wrong."""

from __future__ import annotations

import pytest

from aio_token import Credential, GrantRefused, PublicClient, RefreshTokenGrant, SignInRequired, TokenEndpoint
from aio_token.testing import AuthorizationServer, ManualClock


def grant_of(server: AuthorizationServer, clock: ManualClock, first: str | None = None) -> RefreshTokenGrant:
    """Return a grant of a process that has just started."""
    return RefreshTokenGrant(TokenEndpoint(server.token_url, PublicClient("app"), clock=clock), first=first)


async def renewed(server: AuthorizationServer, clock: ManualClock) -> tuple[RefreshTokenGrant, Credential]:
    """Return a grant, and what it was given: a refresh token that ends after a minute."""
    grant = grant_of(server, clock, server.sign_in(client_id="app"))
    return grant, await grant.obtain(None)


async def test_what_both_clocks_know_to_have_ended_costs_no_call() -> None:
    """Law D12: the process that was given it knows its end for sure."""
    clock = ManualClock()
    async with AuthorizationServer(refresh_lifetime=60, clock=clock, extra={"refresh_expires_in": 60}) as server:
        grant, credential = await renewed(server, clock)
        clock.advance(61)
        for _ in range(3):
            with pytest.raises(SignInRequired, match="the refresh token has expired; sign in again"):
                await grant.obtain(credential)
        assert server.requests["refresh_token"] == 1


async def test_a_clock_that_is_set_forward_gives_up_no_session() -> None:
    """Laws D4 and D12: the monotonic clock knows better."""
    clock = ManualClock()
    async with AuthorizationServer(extra={"refresh_expires_in": 60}) as server:
        grant, credential = await renewed(server, clock)
        clock.step(3_600)
        assert (await grant.obtain(credential)).refresh_token != credential.refresh_token
        assert server.reused == 0


async def test_after_a_restart_the_server_has_the_last_word() -> None:
    """Law D12: only the wall clock knows then, and it may be wrong; it is presented once, and latched if refused."""
    clock = ManualClock()
    async with AuthorizationServer(extra={"refresh_expires_in": 60}) as server:
        _, credential = await renewed(server, clock)
        clock.step(3_600)
        assert (await grant_of(server, clock).obtain(credential)).token is not None
    async with AuthorizationServer(refresh_lifetime=60, clock=clock, extra={"refresh_expires_in": 60}) as server:
        _, credential = await renewed(server, clock)
        clock.advance(61)
        with pytest.raises(GrantRefused):
            await grant_of(server, clock).obtain(credential)


async def test_where_there_is_another_first_it_comes_before_a_doubtful_one() -> None:
    """Laws D12 and E6: what the environment has now is newer than what has probably ended."""
    clock = ManualClock()
    async with AuthorizationServer(extra={"refresh_expires_in": 60}) as server:
        _, credential = await renewed(server, clock)
        clock.step(3_600)
        another = server.sign_in(client_id="app")
        given = await grant_of(server, clock, another).obtain(credential)
        form = server.seen[-1].form
        assert form is not None
        assert form["refresh_token"] == another
        assert given.refresh_token != credential.refresh_token
