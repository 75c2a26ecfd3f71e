"""The store that lasts as long as the process."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest

from aio_token import Credential, MemoryTokenStore
from aio_token._token import fingerprint
from aio_token.stores import memory

ONE, TWO = Credential(refresh_token="canary-one"), Credential(refresh_token="canary-two")


async def test_what_is_saved_is_loaded_until_it_is_deleted() -> None:
    """The store and its slot tell the same; deleting nothing is no error."""
    store = MemoryTokenStore(ONE)
    assert await store.load() is ONE
    async with store.exclusive() as slot:
        await slot.save(TWO)
        assert await slot.load() is await store.load() is TWO
        await slot.delete()
        await slot.delete()
    assert await store.load() is None


async def test_one_holder_at_a_time() -> None:
    """A second holder gets in when the first has left; reading does not wait."""
    store, order = MemoryTokenStore(), list[str]()

    async def hold(name: str) -> None:
        async with store.exclusive():
            order.append(f"{name} in")
            await asyncio.sleep(0)
            assert await store.load() is None
            order.append(f"{name} out")

    await asyncio.gather(hold("first"), hold("second"))
    assert order == ["first in", "first out", "second in", "second out"]


async def test_a_holder_that_fails_lets_go() -> None:
    """A cancelled wait and an error inside leave the store free."""
    store = MemoryTokenStore()
    try:
        async with asyncio.timeout(0.01), store.exclusive(), store.exclusive():
            raise AssertionError
    except TimeoutError:
        pass
    async with asyncio.timeout(30), store.exclusive():
        pass


def test_one_store_serves_several_event_loops_in_turn() -> None:
    """Law C6: contention on one loop leaves nothing that the next one stumbles over."""
    store = MemoryTokenStore()

    async def contend() -> None:
        async def hold() -> None:
            async with store.exclusive() as slot:
                await asyncio.sleep(0)
                await slot.save(ONE)

        await asyncio.gather(hold(), hold(), hold())

    for _ in range(3):
        asyncio.run(contend())
    assert asyncio.run(store.load()) is ONE


def test_a_store_does_not_show_what_it_keeps() -> None:
    """Law G1: its repr is its name."""
    assert repr(MemoryTokenStore(ONE)) == "MemoryTokenStore()"


def test_several_event_loops_share_a_store_at_once() -> None:
    """Law C10: four loops in four threads, 400 updates each, and none is lost."""
    store = MemoryTokenStore(Credential())

    async def add() -> None:
        for _ in range(400):
            async with store.exclusive() as slot:
                kept = await slot.load() or Credential()
                await asyncio.sleep(0)
                await slot.save(replace(kept, failures=kept.failures + 1))

    threads = [threading.Thread(target=asyncio.run, args=(add(),), daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert asyncio.run(store.load()) == Credential(failures=1_600)


@pytest.mark.parametrize(
    ("saved", "warned"),
    [
        ([ONE, TWO], True),
        ([replace(TWO, first=fingerprint("canary-one"))], True),
        ([ONE, ONE], False),
        ([replace(ONE, first=fingerprint("canary-one"))], False),
        ([ONE, Credential()], False),
        ([Credential(), ONE], False),
    ],
)
async def test_a_refresh_token_that_ends_with_the_process_is_told_once(
    saved: list[Credential], warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Law F13: the server has exchanged the refresh token for one in memory only: the next start has none."""
    memory._warn.cache_clear()
    for store in (MemoryTokenStore(), MemoryTokenStore()):
        for credential in saved:
            await store.save(credential)
    assert caplog.text.count("kept in memory only: after the next start a person has to sign in again") == warned
