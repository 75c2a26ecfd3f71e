"""The thread that makes the blocking calls of one operation."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref

import pytest

from aio_token._disk.worker import Worker


async def test_calls_run_in_order_in_another_thread() -> None:
    """What is submitted runs one after another, in the order of asking."""
    seen: list[int] = []
    async with Worker() as worker:
        assert await worker.call(threading.get_ident) != threading.get_ident()
        await asyncio.gather(*(worker.call(seen.append, number) for number in range(100)))
    assert seen == list(range(100))


async def test_an_error_is_raised_where_the_call_is_awaited() -> None:
    """The thread survives what its calls raise."""
    async with Worker() as worker:
        with pytest.raises(ZeroDivisionError):
            await worker.call(divmod, 1, 0)
        assert await worker.call(divmod, 7, 2) == (3, 1)


async def test_a_call_that_was_cancelled_before_it_began_is_not_made() -> None:
    """A call that was given up is left out."""
    seen: list[str] = []
    go = threading.Event()
    async with Worker() as worker:
        running = asyncio.create_task(worker.call(go.wait, 10))
        waiting = asyncio.create_task(worker.call(seen.append, "made"))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        go.set()
        assert await running
    assert seen == []


async def test_tidying_up_is_waited_for_unless_an_abandoned_call_still_runs() -> None:
    """Law C4: a caller that gave up on a call that hangs does not hang on what follows it."""
    seen: list[str] = []
    started, go = threading.Event(), threading.Event()

    def hang() -> None:
        started.set()
        go.wait(10)

    worker = Worker()
    await worker.settle(lambda: seen.append("never"))
    await worker.call(lambda: None)
    await worker.settle(lambda: seen.append("at once"))
    assert seen == ["at once"]
    hanging = asyncio.create_task(worker.call(hang))
    await asyncio.to_thread(started.wait, 30)
    hanging.cancel()
    await asyncio.gather(hanging, return_exceptions=True)
    await worker.settle(lambda: seen.append("later"))
    assert seen == ["at once"]
    go.set()
    worker.shutdown()
    assert seen == ["at once", "later"]


async def test_a_closed_worker_takes_no_calls() -> None:
    """After its operation a worker says that it is of no use any more."""
    worker = Worker()
    worker.shutdown()
    with pytest.raises(RuntimeError, match="the operation has ended"):
        worker.submit(print)


async def test_a_waiting_worker_keeps_no_result() -> None:
    """What a call returned or raised, which may be secret, is not kept until the next one comes."""

    class Secret:
        pass

    async with Worker() as worker:
        secret = weakref.ref(await worker.call(Secret))
        await worker.call(gc.collect)
        assert secret() is None


async def test_a_call_whose_caller_is_gone_ends_before_its_next_step() -> None:
    """Law C4: what was given up goes no further; the next call of the same worker is not concerned."""
    seen: list[str] = []
    started, go = threading.Event(), threading.Event()

    def write(worker: Worker) -> None:
        worker.step(started.set)
        worker.step(go.wait, 10)
        worker.step(seen.append, "replaced")

    async with Worker() as worker:
        writing = asyncio.create_task(worker.call(write, worker))
        await asyncio.to_thread(started.wait, 30)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        go.set()
        await worker.call(worker.step, seen.append, "next")
    assert seen == ["next"]


async def test_a_pause_ends_when_its_caller_goes() -> None:
    """Law C4: a wait for a lock in a thread does not outlive the one who waits."""
    worker, started = Worker(), threading.Event()

    def wait() -> None:
        started.set()
        worker.pause(0.0)
        worker.pause(60.0)

    waiting = asyncio.create_task(worker.call(wait))
    await asyncio.to_thread(started.wait, 30)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(30):
        await asyncio.to_thread(worker.shutdown)
