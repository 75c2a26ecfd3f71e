"""A sign-in that is cancelled at every step: what the server has given is on disk, nothing else was spent."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession

from aio_token import (
    AuthorizationCodeGrant,
    DeviceGrant,
    FileTokenStore,
    PublicClient,
    RefreshTokenGrant,
    TokenEndpoint,
    TokenRepository,
)
from aio_token._sessions import person as person_module
from aio_token.testing import AuthorizationServer
from tests.support.stepping import SteppingLoop
from tests.support.threaded import served_by_a_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path
    from typing import Any

    from aio_token import Grant, Token

    Begin = Callable[[TokenEndpoint, Grant, Path], Coroutine[Any, Any, Token]]

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
MOST_STEPS = 800


def endpoint_of(server: AuthorizationServer) -> TokenEndpoint:
    """Return the endpoint of a public client."""
    return TokenEndpoint(
        server.token_url,
        PublicClient("app"),
        authorization_url=server.authorization_url,
        device_authorization_url=server.device_authorization_url,
    )


async def browse(address: str) -> None:
    """Be the person's browser."""
    with suppress(OSError):  # the program may have given up
        async with ClientSession() as session, session.get(address):
            pass


def by_browser(server: AuthorizationServer) -> Grant:
    """Return a grant whose person agrees."""
    return AuthorizationCodeGrant(endpoint_of(server), show=browse)


def by_device(server: AuthorizationServer) -> Grant:
    """Return a grant whose person agrees after the first poll, and that waits for little more than a step."""

    async def wait(_seconds: float) -> None:
        await asyncio.sleep(0)
        if server.requests[DEVICE]:
            with suppress(IndexError):  # it is approved by then
                server.approve(server.user_codes[0])
        for device in server._people._devices.values():
            device.next_poll = 0.0

    return DeviceGrant(endpoint_of(server), show=lambda _prompt: None, wait=wait)


def repository(endpoint: TokenEndpoint, path: Path, person: Grant | None = None) -> TokenRepository:
    """Return a repository on a real file."""
    return TokenRepository(RefreshTokenGrant(endpoint), FileTokenStore(path), sign_in_with=person, observer=None)


async def signed_in(endpoint: TokenEndpoint, grant: Grant, path: Path) -> Token:
    """Sign in as a program does that has a person before it."""
    async with repository(endpoint, path) as tokens:
        return await tokens.sign_in(grant)


async def asked_for(endpoint: TokenEndpoint, grant: Grant, path: Path) -> Token:
    """Ask for a token, for which a person is asked."""
    async with repository(endpoint, path, grant) as tokens:
        return await tokens.token()


async def cancelled_at(step: int, begin: Begin, grant_of: Callable[[AuthorizationServer], Grant], path: Path) -> bool:
    """Cancel a sign-in at this step; tell whether it was reached."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SteppingLoop)
    async with AuthorizationServer() as server:
        endpoint = endpoint_of(server)
        loop.steps, loop.stop_at = 0, step
        signing_in = asyncio.create_task(begin(endpoint, grant_of(server), path), name="aio_token: the test's own")
        loop.at_step = signing_in.cancel
        with suppress(asyncio.CancelledError):
            await signing_in
        loop.stop_at = 0
        reached = loop.steps >= step
        await check(server, endpoint, path)
    return reached


async def check(server: AuthorizationServer, endpoint: TokenEndpoint, path: Path) -> None:
    """What the server has given is what the file holds, and a new process goes on from there."""
    kept = await FileTokenStore(path).load()
    assert [*server._ledger.refresh_tokens] == ([] if kept is None else [kept.refresh_token])
    if kept is not None:
        async with repository(endpoint, path) as again:
            await again.token(rejected=kept.token)
    assert server.reused == 0


@pytest.mark.parametrize("grant_of", [by_browser, by_device])
@pytest.mark.parametrize("begin", [signed_in, asked_for])
def test_a_sign_in_cancelled_at_any_step_loses_nothing(
    grant_of: Callable[[AuthorizationServer], Grant], begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law E2: before the person is back nothing is spent, and after that all of it is kept, whoever leaves."""
    monkeypatch.setattr(person_module, "LOOKS_APART", 0.01)
    kept, reached = 0, True
    for step in range(1, MOST_STEPS):
        path = tmp_path / f"{step}.json"
        with asyncio.Runner(loop_factory=SteppingLoop) as runner:
            reached = runner.run(cancelled_at(step, begin, grant_of, path))
        kept += path.exists()
        if not reached:
            break
    assert not reached
    assert 1 < kept < step - 5


async def left_at(step: int, signing_in: Coroutine[Any, Any, Token]) -> bool:
    """Return from the main coroutine at this step of a sign-in, and leave the rest to the shutdown of the loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SteppingLoop)
    here = asyncio.Event()
    loop.steps, loop.stop_at, loop.at_step = 0, step, here.set
    tasks = (asyncio.create_task(signing_in, name="aio_token: the test's own"), asyncio.create_task(here.wait()))
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    return here.is_set()


def test_a_loop_that_shuts_down_at_any_step_of_a_sign_in_loses_nothing(tmp_path: Path) -> None:
    """Law C4: `asyncio.run` ends at every await of a sign-in; what the server has given is on disk each time."""
    reached = True
    with served_by_a_thread() as (server, _):
        for step in range(1, MOST_STEPS):
            path, before = tmp_path / f"{step}.json", len(server._ledger.refresh_tokens)
            with asyncio.Runner(loop_factory=SteppingLoop) as runner:
                reached = runner.run(left_at(step, signed_in(endpoint_of(server), by_device(server), path)))
            assert path.exists() == (len(server._ledger.refresh_tokens) > before)
            if not reached:
                break
        assert not reached
        assert step > 20
