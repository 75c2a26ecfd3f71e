"""What an event loop leaves behind that is closed in the middle: the next one can use the store."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

import pytest

from aio_token import Credential, FileTokenStore, MemoryTokenStore, TokenRepository
from aio_token.stores import KeyringTokenStore, RedisTokenStore, RedisTokenStores
from aio_token.testing import ScriptedGrant
from tests.support.keyrings import memory_keyring
from tests.support.redis_server import running

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator
    from pathlib import Path

    from aio_token._interfaces import Slot, TokenStore

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # connections and event loops are left behind on purpose
    pytest.mark.filterwarnings(
        r"ignore:Exception ignored in. <function (\w+\.)+__del__:pytest.PytestUnraisableExceptionWarning"
    ),
]

KEPT = Credential(refresh_token="kept")


@pytest.fixture(autouse=True)
def _swept() -> Iterator[None]:
    """Collect what was left while its warnings are awaited."""
    yield
    gc.collect()


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Callable[[], TokenStore]]]:
    """Make a store of each kind; leases are short."""
    folder = tmp_path_factory.mktemp("stores")
    with running(tmp_path_factory.mktemp("redis")) as server, memory_keyring():
        yield {
            "memory": MemoryTokenStore,
            "file": lambda: FileTokenStore(folder / "token.json"),
            "keyring": lambda: KeyringTokenStore("aio_token", "left behind", lock=folder / "keyring.lock"),
            "redis": lambda: RedisTokenStore(server.url, "left-behind", lease=0.5),
            "redis accounts": lambda: RedisTokenStores(server.url, lease=0.5).of("left behind"),
            "redis, long": lambda: RedisTokenStore(server.url, "left-early", lease=600),
            "redis accounts, long": lambda: RedisTokenStores(server.url, lease=600).of("left early"),
        }


KINDS = ["memory", "file", "keyring", "redis", "redis accounts"]


def left_behind(store: TokenStore) -> tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]:
    """Hold the store in a task of an event loop that runs no more."""
    loop, held = asyncio.new_event_loop(), asyncio.Event()
    loop.set_exception_handler(lambda *_: None)  # "Task was destroyed but it is pending!"

    async def hold() -> None:
        async with store.exclusive() as slot:
            await slot.save(KEPT)
            held.set()
            await asyncio.Event().wait()

    task = loop.create_task(hold())
    loop.run_until_complete(asyncio.wait_for(held.wait(), 30))
    return loop, task


async def held_once_more(store: TokenStore) -> Credential | None:
    """Hold it in the running event loop."""
    async with asyncio.timeout(30), store.exclusive() as slot:
        return await slot.load()


@pytest.mark.parametrize("kind", KINDS)
def test_a_hold_of_a_closed_loop_blocks_no_other(kind: str, stores: dict[str, Callable[[], TokenStore]]) -> None:
    """Law C10: a program that closes its event loop in the middle of a renewal goes on with another one, though nothing
    of the first one was collected.
    """
    store = stores[kind]()
    loop, task = left_behind(store)
    loop.close()
    assert asyncio.run(held_once_more(store)) == KEPT
    del task
    gc.collect()
    assert asyncio.run(held_once_more(store)) == KEPT


@pytest.mark.parametrize("kind", KINDS)
def test_a_hold_that_is_cleared_away_on_another_loop_is_given_back(
    kind: str, stores: dict[str, Callable[[], TokenStore]]
) -> None:
    """Law C10: what collects it is another event loop, on which the first one's work cannot be awaited."""
    store = stores[kind]()
    left = list(left_behind(store))

    async def after_collecting() -> Credential | None:
        left.pop()
        gc.collect()
        return await held_once_more(store)

    assert asyncio.run(after_collecting()) == KEPT
    loop = left.pop()
    assert isinstance(loop, asyncio.AbstractEventLoop)
    loop.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_hold_in_a_generator_that_is_closed_early_is_given_back(
    kind: str, stores: dict[str, Callable[[], TokenStore]]
) -> None:
    """Law J1: its event loop goes on, and so does the next holder, who does not wait for the lease to lapse."""
    if kind.startswith("redis"):
        kind = f"{kind}, long"
    store = stores[kind]()

    async def holds() -> AsyncGenerator[Slot, None]:
        async with store.exclusive() as slot:
            await slot.save(KEPT)
            yield slot

    holding = holds()
    async for _ in holding:
        break
    await holding.aclose()
    assert await held_once_more(store) == KEPT


def test_a_sign_out_that_is_cleared_away_is_given_back(tmp_path: Path) -> None:
    """Law E3: it was given up with its event loop while the server hung; the session is still there."""
    store = FileTokenStore(tmp_path / "token.json")
    grant = Hanging()
    tokens = TokenRepository(grant, store, observer=None)
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)

    async def begin() -> None:
        async with store.exclusive() as slot:
            await slot.save(KEPT)
        out.append(asyncio.create_task(tokens.sign_out()))
        await asyncio.wait_for(grant.asked.wait(), 30)

    out: list[asyncio.Task[object]] = []
    loop.run_until_complete(begin())
    out.clear()
    loop.close()

    async def afterwards() -> Credential | None:
        gc.collect()
        return await held_once_more(store)

    assert asyncio.run(afterwards()) == KEPT


class Hanging(ScriptedGrant):
    """A grant whose server never confirms a revocation."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    async def revoke(self, credential: Credential) -> None:
        """Wait for ever."""
        del credential
        self.asked.set()
        await asyncio.Event().wait()
