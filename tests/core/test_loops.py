"""Event loops of every kind: uvloop, eager task factories, a loop in a forked child, deadlines that callers bring."""

from __future__ import annotations

import asyncio
import contextvars
import os
from typing import TYPE_CHECKING, Any

import pytest
import uvloop

from aio_token import BearerMiddleware, FileTokenStore, PublicClient, RefreshTokenGrant, TokenEndpoint, TokenRepository
from aio_token._clock import SYSTEM_CLOCK
from aio_token.testing import AuthorizationServer
from tests.support.doubles import RotatingGrant

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

CALLERS = 50


def named(loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any], **options: Any) -> asyncio.Task[Any]:
    """Make a task as an application would that names its tasks."""
    return asyncio.Task(coro, loop=loop, **{**options, "name": type(coro).__name__})


FACTORIES = [named, *filter(None, [getattr(asyncio, "eager_task_factory", None)])]


async def renew_under_contention(path: Path) -> None:
    """Have many callers refuse one token on a real endpoint and a real file."""
    async with AuthorizationServer(lifetime=60.0) as server:
        endpoint = TokenEndpoint(server.token_url, PublicClient("app"))
        grant = RefreshTokenGrant(endpoint, first=server.sign_in(client_id="app"))
        async with TokenRepository(grant, FileTokenStore(path)) as tokens:
            current = await tokens.token()
            got = await asyncio.gather(*(tokens.token(rejected=current) for _ in range(CALLERS)))
        assert len({token.access_token for token in got}) == 1
        assert (server.requests["refresh_token"], server.reused) == (2, 0)


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_renewals_work_on_every_event_loop(new_loop: Callable[[], asyncio.AbstractEventLoop], tmp_path: Path) -> None:
    """Law C6: asyncio's own loop and uvloop."""
    with asyncio.Runner(loop_factory=new_loop, debug=True) as runner:
        runner.run(renew_under_contention(tmp_path / "token.json"))


@pytest.mark.parametrize("factory", FACTORIES)
def test_renewals_work_with_every_task_factory(factory: Any, tmp_path: Path) -> None:
    """Law C6: a factory of the application's, and from Python 3.12 on the eager one."""
    with asyncio.Runner() as runner:
        runner.get_loop().set_task_factory(factory)
        runner.run(renew_under_contention(tmp_path / "token.json"))


async def test_a_renewal_runs_outside_its_caller_s_context() -> None:
    """Law C6: no variable of the caller, such as a trace span, and no task factory reaches the shared renewal."""
    span: contextvars.ContextVar[str] = contextvars.ContextVar("span")
    seen: list[str | None] = []

    class Looking(RotatingGrant):
        async def obtain(self, credential: Any, wish: Any) -> Any:
            seen.append(span.get(None))
            return await super().obtain(credential, wish)

    made: list[str] = []

    def factory(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
        made.append(coro.__qualname__)
        return asyncio.Task(coro, loop=loop, **options)

    asyncio.get_running_loop().set_task_factory(factory)
    span.set("the first caller's")
    await TokenRepository(Looking(SYSTEM_CLOCK)).token()
    assert seen == [None]
    assert not [name for name in made if "renew" in name.lower() or "fly" in name.lower()]


def test_a_forked_child_renews_by_itself(tmp_path: Path) -> None:
    """Law C6: a repository that was used before `fork` works in the child, locks and threads included."""
    clock = SYSTEM_CLOCK
    tokens = TokenRepository(RotatingGrant(clock), FileTokenStore(tmp_path / "token.json"), clock=clock)
    first = asyncio.run(tokens.token())
    child = os.fork()
    if child == 0:
        try:
            renewed = asyncio.run(tokens.token(rejected=first))
            os._exit(0 if renewed.access_token == "access-2" else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    # The parent then finds what the child stored.
    assert asyncio.run(tokens.token(rejected=first)).access_token == "access-2"


def test_nothing_is_bound_to_a_loop_before_it_is_used() -> None:
    """Law C6: repositories and middlewares are made without a running event loop."""
    tokens = TokenRepository(RotatingGrant(SYSTEM_CLOCK))
    assert BearerMiddleware(tokens, "https://api.example") is not None
