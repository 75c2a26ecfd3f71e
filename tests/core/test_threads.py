"""One repository, or one store, in the hands of several event loops at once, each in its thread."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from aio_token import (
    BearerMiddleware,
    FileTokenStore,
    MemoryTokenStore,
    PublicClient,
    RefreshTokenGrant,
    TokenEndpoint,
    TokenRepository,
)
from aio_token._clock import SYSTEM_CLOCK
from aio_token.testing import AuthorizationServer
from tests.support.doubles import RotatingGrant

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aio_token import TokenStore

THREADS = 4
CALLS = 100


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> TokenStore:
    """Return a store of each kind."""
    return MemoryTokenStore() if request.param == "memory" else FileTokenStore(tmp_path / "token.json")


async def in_threads(work: Callable[[], object]) -> list[object]:
    """Run the work in as many threads as there are, at once, and return what each gave."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(THREADS) as pool:
        return await asyncio.gather(*(loop.run_in_executor(pool, work) for _ in range(THREADS)))


@pytest.mark.parametrize("shared", ["repository", "store"])
async def test_threads_with_a_loop_each_present_nothing_twice(store: TokenStore, shared: str) -> None:
    """Law C10: all calls succeed on a server that ends a session whose refresh token comes twice."""
    async with AuthorizationServer() as server:
        endpoint = TokenEndpoint(server.token_url, PublicClient("app"))
        grant = RefreshTokenGrant(endpoint, first=server.sign_in(client_id="app"))
        one = TokenRepository(grant, store, observer=None)
        together = threading.Barrier(THREADS)

        async def calls() -> int:
            tokens = one if shared == "repository" else TokenRepository(grant, store, observer=None)
            together.wait()
            token, got = None, 0
            for number in range(CALLS):
                token = await tokens.token(rejected=token if number % 10 == 0 else None)
                got += 1
            await tokens.aclose()
            return got

        assert await in_threads(lambda: asyncio.run(calls())) == [CALLS] * THREADS
        assert server.reused == 0
        assert server.requests["refresh_token"] <= THREADS * CALLS / 10 + 1


async def test_a_rejection_seen_on_every_loop_is_one_renewal(store: TokenStore) -> None:
    """Law C10, B2: the flight of each loop compares with what another loop's has brought."""
    async with AuthorizationServer() as server:
        endpoint = TokenEndpoint(server.token_url, PublicClient("app"))
        tokens = TokenRepository(
            RefreshTokenGrant(endpoint, first=server.sign_in(client_id="app")), store, observer=None
        )
        rejected = await tokens.token()
        together = threading.Barrier(THREADS)

        async def herd() -> set[str]:
            together.wait()
            got = await asyncio.gather(*(tokens.token(rejected=rejected) for _ in range(CALLS)))
            return {token.access_token for token in got}

        seen = await in_threads(lambda: asyncio.run(herd()))
        assert len(set.union(*seen)) == 1  # type: ignore[arg-type]
        assert (server.requests["refresh_token"], server.reused) == (2, 0)


async def test_what_belongs_to_a_loop_goes_with_it() -> None:
    """Law C10: a web framework that makes a loop for each call leaves nothing behind in the repository."""
    tokens = TokenRepository(RotatingGrant(SYSTEM_CLOCK), observer=None)
    await tokens.token()
    await asyncio.to_thread(lambda: [asyncio.run(tokens.renew()) for _ in range(5)])
    await tokens.renew()
    assert len(tokens._flights._flights) <= 2


async def test_a_change_on_one_loop_wakes_callers_on_another() -> None:
    """Law C10: a call is never carried to another loop, and neither is a wait."""
    tokens = TokenRepository(RotatingGrant(SYSTEM_CLOCK), observer=None)
    first = await tokens.token()
    waiting = asyncio.create_task(tokens.changed(first))
    await asyncio.sleep(0)
    second = await asyncio.to_thread(lambda: asyncio.run(tokens.renew()))
    assert await waiting == second


def test_a_middleware_is_made_once_for_all_loops() -> None:
    """Law C10: nothing in it belongs to a loop."""
    tokens = TokenRepository(RotatingGrant(SYSTEM_CLOCK), observer=None)
    middleware = BearerMiddleware(tokens, "https://api.example")
    assert "asyncio" not in {type(value).__module__.partition(".")[0] for value in vars(middleware).values()}
