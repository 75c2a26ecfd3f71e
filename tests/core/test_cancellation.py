"""Cancellation at every step of a renewal: a caller's end is its own, and what the server rotated is on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from aio_token import FileTokenStore, PublicClient, RefreshTokenGrant, TokenEndpoint, TokenRepository
from aio_token.testing import AuthorizationServer
from tests.support.stepping import SteppingLoop
from tests.support.threaded import served_by_a_thread

if TYPE_CHECKING:
    from pathlib import Path

    from aio_token import Token

FOLLOWERS = 5
MOST_STEPS = 500

Ask = Callable[[], "asyncio.Task[Token]"]
Scenario = Callable[[SteppingLoop, TokenRepository, Ask], Awaitable[None]]


def renewal(server: AuthorizationServer, path: Path, first: str) -> TokenRepository:
    """Return a repository on a real file and a real endpoint."""
    endpoint = TokenEndpoint(server.token_url, PublicClient("app"))
    return TokenRepository(RefreshTokenGrant(endpoint, first=first), FileTokenStore(path))


async def run_stopped(path: Path, stop_at: int, scenario: Scenario) -> bool:
    """Renew once with a scenario that strikes at one step; then check the server's counts and the file.

    Tells whether the step was reached.
    """
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SteppingLoop)
    async with AuthorizationServer(lifetime=60.0) as server:
        first = server.sign_in(client_id="app")
        tokens = renewal(server, path, first)
        loop.steps, loop.stop_at = 0, stop_at
        await scenario(loop, tokens, lambda: asyncio.create_task(tokens.token()))
        loop.stop_at = 0
        reached = loop.steps >= stop_at
        await tokens.aclose()
        assert server.requests["refresh_token"] == 1
        await check_what_is_stored(server, path, first)
    return reached


async def check_what_is_stored(server: AuthorizationServer, path: Path, first: str) -> None:
    """A restarted process goes on from the file: the server sees no refresh token twice, and none is revoked."""
    async with renewal(server, path, first) as again:
        current = await again.token()
        await again.token(rejected=current)
    assert server.reused == 0


def at_every_step(tmp_path: Path, scenario: Scenario) -> int:
    """Strike at step 1, 2, 3 ... until a renewal has no such step any more; return how many there were."""
    for step in range(1, MOST_STEPS):
        with asyncio.Runner(loop_factory=SteppingLoop) as runner:
            if not runner.run(run_stopped(tmp_path / f"{step}.json", step, scenario)):
                return step - 1
    message = f"more than {MOST_STEPS} steps"
    raise AssertionError(message)


async def cancelled_leader(loop: SteppingLoop, tokens: TokenRepository, ask: Ask) -> None:
    """Cancel the one who started the renewal; those who wait with it get its token."""
    del tokens
    leader = ask()
    loop.at_step = leader.cancel
    followers = [ask() for _ in range(FOLLOWERS)]
    assert len({token.access_token for token in await asyncio.gather(*followers)}) == 1
    with suppress(asyncio.CancelledError):
        await leader


async def cancelled_callers(loop: SteppingLoop, tokens: TokenRepository, ask: Ask) -> None:
    """Cancel all callers; the renewal finishes all the same."""
    del tokens
    callers = [ask() for _ in range(FOLLOWERS)]
    loop.at_step = lambda: [caller.cancel() for caller in callers]
    await asyncio.gather(*callers, return_exceptions=True)


def test_a_leader_cancelled_at_any_step_ends_its_own_wait_only(tmp_path: Path) -> None:
    """Law C3: the leader is cancelled at every await of the renewal; each time its followers succeed."""
    assert at_every_step(tmp_path, cancelled_leader) > 8


def test_a_renewal_that_lost_all_its_callers_finishes_and_is_saved(tmp_path: Path) -> None:
    """Law C3: all callers are cancelled at every await of the renewal; each time it is on disk."""
    assert at_every_step(tmp_path, cancelled_callers) > 8


def test_a_loop_that_shuts_down_at_any_step_loses_nothing(tmp_path: Path) -> None:
    """Law C4: `asyncio.run` ends at every await of the renewal; what the server rotated is on disk each time."""
    with served_by_a_thread() as (server, issue):
        for step in range(1, MOST_STEPS):
            path, first = tmp_path / f"{step}.json", issue()
            before = server.requests["refresh_token"]
            with asyncio.Runner(loop_factory=SteppingLoop) as runner:
                reached = runner.run(leave_at(step, renewal(server, path, first)))
            rotated = server.requests["refresh_token"] - before
            assert path.exists() == (rotated == 1)
            asyncio.run(check_what_is_stored(server, path, first))
            if not reached:
                break
        assert step > 8


async def leave_at(step: int, tokens: TokenRepository) -> bool:
    """Return from the main coroutine at that step of a renewal, and leave the renewal to `asyncio.run`."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SteppingLoop)
    here = asyncio.Event()
    loop.steps, loop.stop_at, loop.at_step = 0, step, here.set
    ask, stop = asyncio.create_task(tokens.token()), asyncio.create_task(here.wait())
    await asyncio.wait((ask, stop), return_when=asyncio.FIRST_COMPLETED)
    return here.is_set()


async def test_a_caller_s_deadline_is_its_own(tmp_path: Path) -> None:
    """Law C3: a caller gives up after 50 ms while the server is slow; the renewal goes on for all others."""
    async with AuthorizationServer(lifetime=60.0) as server:
        first = server.sign_in(client_id="app")
        async with renewal(server, tmp_path / "token.json", first) as tokens:
            with server.hold() as hold:
                patient = asyncio.create_task(tokens.token())
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await tokens.token()
                hold.release()
                await patient
        assert server.requests["refresh_token"] == 1
