"""Work that no cancellation cuts short, the shutdown of its event loop included."""

from __future__ import annotations

import asyncio
import gc
import signal
from typing import TYPE_CHECKING, Any

import pytest

from aio_token import ServerUnavailable
from aio_token._single_flight import finish
from tests.support.gated import REQUEST, Saving, Work

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine


@pytest.fixture(autouse=True)
async def unhandled() -> AsyncIterator[list[dict[str, Any]]]:
    """Collect what the event loop complains of, such as exceptions that were never retrieved: there is nothing."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    yield complaints
    gc.collect()
    await asyncio.sleep(0)
    assert complaints == []


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> Callable[[], asyncio.AbstractEventLoop]:
    """Return what makes an event loop, of each kind that there is."""
    factory: Callable[[], asyncio.AbstractEventLoop] = pytest.importorskip(request.param).new_event_loop
    return factory


def run(loop: Callable[[], asyncio.AbstractEventLoop], main: Coroutine[Any, Any, None]) -> None:
    """Run and shut down as `asyncio.run` does."""
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(main)


@pytest.mark.parametrize("error", [None, OSError("disk")])
def test_a_shutdown_in_the_middle_waits_for_the_work(
    loop: Callable[[], asyncio.AbstractEventLoop], error: Exception | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Law C4: `asyncio.run` cancels every task that it knows of; what a server has rotated is saved all the same."""
    work, background = Saving(error), list[asyncio.Task[str]]()

    async def main() -> None:
        background.append(asyncio.create_task(finish(work(), grace=5)))
        await asyncio.sleep(0.003)

    run(loop, main())
    gc.collect()
    assert work.steps == 20
    assert background[0].cancelled()
    assert caplog.records == []


def test_a_shutdown_before_the_first_step_waits_for_the_work(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """Law C4: the work that was begun in the last tick of the main coroutine is done too."""
    work = Saving()

    async def begin() -> None:
        await finish(work(), grace=5)

    async def main() -> None:
        asyncio.get_running_loop().call_soon(tasks.append, asyncio.create_task(begin()))
        await asyncio.sleep(0)

    tasks: list[asyncio.Task[None]] = []
    run(loop, main())
    assert work.steps == 20


def test_control_c_in_the_middle_waits_for_the_work(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """Law C4: the main coroutine is cancelled, the work is done, and the interrupt is raised then."""
    work = Saving()

    async def main() -> None:
        asyncio.get_running_loop().call_later(0.003, signal.raise_signal, signal.SIGINT)
        await finish(work(), grace=5)

    with pytest.raises(KeyboardInterrupt):
        run(loop, main())
    assert work.steps == 20


def test_a_shutdown_waits_no_longer_than_the_grace(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """Law C4: work that would last for ever is cancelled when its time is over."""
    told = list[str]()

    async def for_ever() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            told.append("cancelled")
            raise

    async def main() -> None:
        told.append(repr(asyncio.create_task(finish(for_ever(), grace=0.02))))
        await asyncio.sleep(0)

    run(loop, main())
    assert told[1:] == ["cancelled"]


async def test_finish_gives_what_the_work_gives() -> None:
    """Without a cancellation it is a plain await; the work runs in a context of its own."""
    work = Work()
    REQUEST.set("the caller's")
    work.gate.set()
    assert await finish(work(), grace=5) == 1
    assert work.request == "none"


@pytest.mark.parametrize("error", [ValueError("wrong"), ServerUnavailable("down"), asyncio.CancelledError()])
async def test_finish_raises_what_the_work_raises(error: BaseException) -> None:
    """Law C5: the caller gets the very error, the work's own cancellation included."""
    work = Work(error)
    work.gate.set()
    with pytest.raises(type(error)):
        await finish(work(), grace=5)


async def test_the_work_is_not_among_the_tasks_that_a_shutdown_cancels() -> None:
    """Law C4: the caller is on the list and waits for the work, which is not on it."""
    work = Work()
    caller = asyncio.create_task(finish(work(), grace=5))
    await work.arrived.wait()
    assert work.task not in asyncio.all_tasks()
    assert caller in asyncio.all_tasks()
    work.gate.set()
    assert await caller == 1


@pytest.mark.parametrize("times", [1, 2, 5])
@pytest.mark.parametrize("error", [None, OSError("disk")])
async def test_a_cancelled_caller_waits_for_the_end_of_the_work(times: int, error: Exception | None) -> None:
    """Law C4, C5: however often it is cancelled; how the work ended then concerns no caller, and is not reported."""
    work = Work(error)
    caller = asyncio.create_task(finish(work(), grace=5))
    await work.arrived.wait()
    for _ in range(times):
        caller.cancel()
        await asyncio.sleep(0)
    assert not caller.done()
    work.gate.set()
    await asyncio.wait((caller,))
    assert work.ended
    assert caller.cancelled()


async def test_the_grace_begins_with_the_first_cancellation() -> None:
    """Law C4: cancelling again and again does not prolong it."""
    work = Work()
    caller = asyncio.create_task(finish(work(), grace=0.02))
    await work.arrived.wait()
    while not caller.done():
        caller.cancel()
        await asyncio.sleep(0.001)
    assert caller.cancelled()
    assert not work.ended


async def test_a_timeout_about_the_work_is_a_timeout_after_it() -> None:
    """Law C3, C4: `asyncio.timeout` sees its own cancellation come back, late."""
    work = Saving()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.003):
            await finish(work(), grace=5)
    assert work.steps == 20


async def test_a_cancellation_as_the_work_ends_is_not_lost() -> None:
    """Law C3: the caller asked to be cancelled, and is, in whichever tick that falls."""
    for delay in range(8):
        work = Work()
        caller = asyncio.create_task(finish(work(), grace=5))
        await work.arrived.wait()
        work.gate.set()
        for _ in range(delay):
            await asyncio.sleep(0)
        cancelled = caller.cancel()
        await asyncio.wait((caller,))
        assert work.ended
        assert caller.cancelled() is cancelled
