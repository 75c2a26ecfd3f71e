"""Turns: one holder at a time in a process, over tasks, threads and event loops."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from aio_token.stores._turns import Turns, _forget_all, _Holder, nothing
from tests.support.disk import unmeasured

if TYPE_CHECKING:
    from collections.abc import Coroutine

THREADS, SECTIONS = 4, 400


async def is_free(turns: Turns) -> bool:
    """Try for a moment."""
    try:
        async with asyncio.timeout(0.05), turns.turn():
            return True
    except TimeoutError:
        return False


async def enter(turns: Turns) -> None:
    """Have a turn."""
    async with turns.turn():
        pass


async def wait_in_line(*entering: Coroutine[object, object, None]) -> list[asyncio.Task[None]]:
    """Start tasks, and let each come to where it waits."""
    tasks = [asyncio.create_task(each) for each in entering]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


def in_threads(main: Coroutine[object, object, None], *more: Coroutine[object, object, None]) -> None:
    """Run each in a thread and an event loop of its own, and wait for all."""
    threads = [threading.Thread(target=asyncio.run, args=(each,), daemon=True) for each in (main, *more)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)


def test_of_four_threads_one_is_inside() -> None:
    """Law C10: four event loops at once enter 400 times each, in tasks that compete, and never together."""
    turns, inside, together = Turns(), list[int](), list[int]()

    async def section(count: int) -> None:
        for number in range(count):
            async with turns.turn():
                inside.append(1)
                together.append(len(inside))
                if number % 8 == 0:
                    await asyncio.sleep(0)
                inside.pop()

    async def main() -> None:
        await asyncio.gather(*(section(SECTIONS // 4) for _ in range(4)))

    in_threads(*(main() for _ in range(THREADS)))
    assert together == [1] * (THREADS * SECTIONS)


async def test_those_of_one_loop_enter_in_the_order_of_asking() -> None:
    """Law C10: who asks later does not overtake, the one who has just left included."""
    turns, order = Turns(), list[str]()

    async def note(name: str) -> None:
        async with turns.turn():
            order.append(name)

    async with turns.turn():
        waiting = await wait_in_line(note("first"), note("second"))
    await note("again")
    await asyncio.gather(*waiting)
    assert order == ["first", "second", "again"]


@pytest.mark.parametrize("woken", [False, True])
async def test_a_cancelled_waiter_passes_its_turn_on(woken: bool) -> None:
    """Law C3: cancelled before it is woken or just after, a waiter leaves nothing behind, and the next one enters."""
    turns = Turns()
    async with turns.turn():
        first, second = await wait_in_line(enter(turns), enter(turns))
        if not woken:
            first.cancel()
    first.cancel()
    async with asyncio.timeout(30):
        await second
    assert first.cancelled()
    assert await is_free(turns)


def test_a_loop_that_stands_still_does_not_keep_others_waiting() -> None:
    """Law C10: a waiter whose loop was left standing, or was closed, is passed over."""
    turns = Turns()
    standing, closed = asyncio.new_event_loop(), asyncio.new_event_loop()
    left = []

    async def leave_waiters() -> None:
        async with turns.turn():
            for loop in (standing, closed):
                left.append(loop.create_task(enter(turns)))
                threading_step = threading.Thread(target=loop.run_until_complete, args=(asyncio.sleep(0.01),))
                threading_step.start()
                await asyncio.to_thread(threading_step.join)
            closed.close()
            (waiting,) = await wait_in_line(enter(turns))
        async with asyncio.timeout(30):
            await waiting
        assert await is_free(turns)

    asyncio.run(leave_waiters())
    standing.run_until_complete(left[0])
    standing.close()
    destroyed = []
    left[1].get_loop().set_exception_handler(lambda _, context: destroyed.append(context["message"]))
    left.clear()
    gc.collect()
    assert destroyed == ["Task was destroyed but it is pending!"]
    assert asyncio.run(is_free(turns))


def test_a_holder_that_is_destroyed_leaves() -> None:
    """Law C10: a loop that runs no more ends the hold when its task is collected."""
    turns, loop = Turns(), asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)

    async def hold() -> None:
        async with turns.turn():
            await asyncio.Event().wait()

    holding = loop.create_task(hold())
    loop.run_until_complete(asyncio.sleep(0))
    assert not asyncio.run(is_free(turns))
    del holding
    gc.collect()
    assert asyncio.run(is_free(turns))
    loop.close()


def test_the_turn_of_a_closed_loop_is_taken_over_once() -> None:
    """Law C10: four threads wait when the holder's loop is closed; each has its turn, and never two together. What the
    holder held besides is let go once.
    """
    turns, loop, let_go, inside, most = Turns(), asyncio.new_event_loop(), list[int](), list[int](), list[int]()
    loop.set_exception_handler(lambda *_: None)
    waiting = threading.Barrier(THREADS + 1, timeout=30)

    async def hold() -> None:
        async with turns.turn(lambda: let_go.append(1)):
            await asyncio.Event().wait()

    async def wait() -> None:
        (entering,) = await wait_in_line(enter_and_stay())
        await asyncio.to_thread(waiting.wait)
        async with asyncio.timeout(30):
            await entering

    async def enter_and_stay() -> None:
        async with turns.turn():
            inside.append(1)
            most.append(len(inside))
            await asyncio.sleep(0.01)
            inside.pop()

    async def close() -> None:
        await asyncio.to_thread(waiting.wait)
        loop.close()

    holding = loop.create_task(hold())
    loop.run_until_complete(asyncio.sleep(0))
    in_threads(close(), *(wait() for _ in range(THREADS)))
    assert (let_go, set(most), len(most)) == ([1], {1}, THREADS)
    del holding
    gc.collect()
    assert asyncio.run(is_free(turns))


def test_a_turn_that_another_thread_has_taken_over_is_left_to_it() -> None:
    """Law C10: between the look at the holder's loop and the taking over, another thread may come."""
    turns, closed = Turns(), asyncio.new_event_loop()
    closed.close()

    class Late:
        """A loop that is found closed when another one has the turn."""

        def is_closed(self) -> bool:
            turns._holder = None
            return True

    turns._lock.acquire()
    turns._holder = _Holder(Late(), nothing)  # type: ignore[arg-type]
    assert not asyncio.run(is_free(turns))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_fork_has_neither_holder_nor_waiters() -> None:
    """Law C6: a child that is forked while the turn is taken can take it."""
    script = """
import asyncio, os
from aio_token.stores._turns import Turns

turns = Turns()

async def enter():
    async with turns.turn():
        pass

async def main():
    async with turns.turn():
        waiting = asyncio.ensure_future(enter())
        await asyncio.sleep(0)
        child = os.fork()
        if child == 0:
            asyncio._set_running_loop(None)
            asyncio.run(asyncio.wait_for(enter(), 30))
            os._exit(42)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    await waiting

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False, env=unmeasured()
    )
    assert (done.stdout, done.stderr) == ("42\n", "")


async def test_a_holder_that_goes_on_in_a_fork_leaves_what_no_longer_counts() -> None:
    """Law C6: where the forked code is the holder itself, its leaving ends no other hold."""
    turns = Turns()
    async with turns.turn():
        _forget_all()
        entered = asyncio.Event()

        async def hold() -> None:
            async with turns.turn():
                entered.set()
                await asyncio.Event().wait()

        other = asyncio.create_task(hold())
        await entered.wait()
    assert not await is_free(turns)
    other.cancel()
    await asyncio.gather(other, return_exceptions=True)
    assert await is_free(turns)
