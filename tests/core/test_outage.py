"""A token endpoint that is down for a minute, beside a thousand requests a second."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from aio_token import (
    ClientCredentialsGrant,
    ClientSecretBasic,
    FileTokenStore,
    RefreshTokenGrant,
    ServerUnavailable,
    TokenEndpoint,
    TokenRepository,
)
from aio_token.testing import AuthorizationServer, Broken, Dropped, ManualClock

if TYPE_CHECKING:
    from pathlib import Path

RATE = 1_000  # requests a second
OUTAGE = 60  # seconds


class World:
    """A server, a clock, and repositories on one file."""

    def __init__(self, server: AuthorizationServer, clock: ManualClock, path: Path, *, service: bool) -> None:
        client = ClientSecretBasic(server.client.client_id, server.client.secret or "")
        endpoint = TokenEndpoint(server.token_url, client, clock=clock)
        self._grant = (
            ClientCredentialsGrant(endpoint) if service else RefreshTokenGrant(endpoint, first=server.sign_in())
        )
        self._path = path
        self._clock = clock

    def started(self) -> TokenRepository:
        """Return what a process has after a start."""
        return TokenRepository(self._grant, FileTokenStore(self._path), clock=self._clock)


async def requests_of_a_second(tokens: TokenRepository, clock: ManualClock) -> int:
    """Ask as often as a busy service does in a second; return how many went without a token."""
    failed = 0
    for _ in range(RATE):
        try:
            await tokens.token()
        except ServerUnavailable:
            failed += 1
        clock.advance(1 / RATE)
    await asyncio.sleep(0)
    return failed


@pytest.mark.parametrize("service", [False, True], ids=["a person's", "a service's"])
@pytest.mark.parametrize("fault", [Broken(status=503), Dropped()], ids=["answers 503", "drops connections"])
async def test_an_outage_costs_a_few_requests_and_harms_no_valid_token(
    fault: Broken | Dropped, service: bool, tmp_path: Path
) -> None:
    """Law D8: at most 8 POSTs in a minute, a restart in the middle included; no caller with a valid token notices."""
    clock = ManualClock()
    async with AuthorizationServer(lifetime=50.0, clock=clock) as server:
        world = World(server, clock, tmp_path / "token.json", service=service)
        tokens = world.started()
        await tokens.token()
        clock.advance(20)  # 30 s are left
        server.inject(fault)
        before = server.requests.total()
        failed = []
        for second in range(OUTAGE):
            if second == OUTAGE // 2:
                await tokens.aclose()
                tokens = world.started()
            failed.append(await requests_of_a_second(tokens, clock))
        await tokens.aclose()
        assert sum(failed[:29]) == 0
        assert min(failed[31:]) == RATE
        assert server.requests.total() - before <= 8
        server.recover()
        clock.advance(60)
        assert (await tokens.token()).expires_at == pytest.approx(clock.time() + 50, abs=1)
        await tokens.aclose()
