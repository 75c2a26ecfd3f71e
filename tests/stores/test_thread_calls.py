"""What a renewal asks of a file store: few calls of a thread, and few turns of the event loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import TYPE_CHECKING

from aio_token import TokenRepository
from aio_token._disk.worker import Worker
from aio_token.stores import FileTokenStore
from aio_token.testing import ManualClock
from tests.support.disk import NEW, OLD
from tests.support.doubles import RotatingGrant

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aio_token import Credential, Wish


class Counted(Worker):
    """A worker that counts the calls of all such workers."""

    calls = 0

    def submit(self, fn: Callable[..., object], /, *args: object, **kwargs: object) -> Future[object]:  # type: ignore[override]
        """Count."""
        type(self).calls += 1
        return super().submit(fn, *args, **kwargs)


def counted(path: Path) -> FileTokenStore:
    """Make a store whose calls are counted from now on."""
    Counted.calls = 0
    store = FileTokenStore(path)
    store._worker = Counted
    return store


async def test_a_hold_takes_one_call_for_each_thing(tmp_path: Path) -> None:
    """Law C14: lock and read are one call of the thread, each write is one, and so is the release: with a mark before
    the refresh token is spent, 4 in a renewal.
    """
    store = counted(tmp_path / "made" / "token.json")
    async with store.exclusive() as slot:
        assert await slot.load() is None
        assert Counted.calls == 1
        await slot.save(OLD)
        await slot.save(NEW)
        assert Counted.calls == 3
    assert Counted.calls == 4
    assert await store.load() == NEW
    assert Counted.calls == 5


async def test_a_renewal_takes_three_calls(tmp_path: Path) -> None:
    """Law C14: a repository that renews has its file locked and read, written, and released."""
    clock = ManualClock()
    store = counted(tmp_path / "token.json")
    async with TokenRepository(RotatingGrant(clock), store, clock=clock, observer=None) as tokens:
        await tokens.token()
        clock.advance(61)
        Counted.calls = 0
        assert (await tokens.token()).access_token == "access-2"
        assert Counted.calls == 3


class Prompt(Worker):
    """A worker whose disk takes no time, so that turns of the loop are counted and not the time that passes."""

    log: list[str]

    def submit(self, fn: Callable[..., object], /, *args: object, **kwargs: object) -> Future[object]:  # type: ignore[override]
        """Make the call at once."""
        self.log.append("call")
        future: Future[object] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


async def test_a_renewal_takes_few_turns_of_the_loop(tmp_path: Path) -> None:
    """Law C14: with a file store and a grant that answers at once, a renewal takes 16 turns at most, 2 of them between
    the answer and the disk: on a busy loop each is waited for, and a kill between those costs the session.
    """
    clock = ManualClock()
    log: list[str] = []
    store = FileTokenStore(tmp_path / "token.json")
    store._worker = type("Logged", (Prompt,), {"log": log})

    class Answering(RotatingGrant):
        async def obtain(self, credential: Credential | None, wish: Wish) -> Credential:
            answer = await super().obtain(credential, wish)
            log.append("answer")
            return answer

    def turn() -> None:
        log.append("turn")
        turns.append(loop.call_soon(turn))

    loop, turns = asyncio.get_running_loop(), list[asyncio.Handle]()
    async with TokenRepository(Answering(clock), store, clock=clock, observer=None) as tokens:
        await tokens.token()
        clock.advance(61)
        turn()
        log.clear()
        await tokens.token()
        turns[-1].cancel()
    assert log.count("turn") <= 16
    assert log[log.index("answer") :].index("call") <= 3
