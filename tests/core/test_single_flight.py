"""One coroutine for all who ask while it runs."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from aio_token import ServerUnavailable, TokenError
from aio_token._single_flight import SingleFlight, finish
from tests.support.gated import REQUEST, Work

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine
    from contextvars import Context


@pytest.fixture
def flight() -> SingleFlight[int]:
    """Return a flight that has not started."""
    return SingleFlight("test")


@pytest.fixture(autouse=True)
async def unhandled() -> AsyncIterator[list[dict[str, Any]]]:
    """Collect what the event loop complains of, such as exceptions that were never retrieved: there is nothing."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    yield complaints
    gc.collect()
    await asyncio.sleep(0)
    assert complaints == []


async def join_all(flight: SingleFlight[int], work: Work, count: int) -> list[asyncio.Task[int]]:
    """Start that many callers, and return when all of them wait."""
    callers = [asyncio.create_task(flight.join(work)) for _ in range(count)]
    await work.arrived.wait()
    return callers


async def outcomes(tasks: list[asyncio.Task[int]]) -> list[int | BaseException]:
    """Wait for the tasks and return what each of them gave or raised."""
    return await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("count", [1, 2, 100, 10_000])
async def test_all_who_ask_share_one_piece_of_work(flight: SingleFlight[int], count: int) -> None:
    """Law C1: for 1 to 10,000 callers the work is done once."""
    work = Work()
    callers = await join_all(flight, work, count)
    assert flight.waiters == count
    work.gate.set()
    assert set(await outcomes(callers)) == {1}
    assert (work.calls, flight.in_the_air, flight.waiters) == (1, False, 0)


async def test_ten_thousand_wake_in_one_tick(flight: SingleFlight[int]) -> None:
    """Law C2: the event loop turns once between the first who wakes and the last."""
    loop, work, ticks, woken = asyncio.get_running_loop(), Work(), Counter[str](), Counter[int]()

    def tick() -> None:
        ticks["now"] += 1
        ticks["handle"] or loop.call_soon(tick)

    async def caller() -> None:
        await flight.join(work)
        woken[ticks["now"]] += 1

    callers = [asyncio.create_task(caller()) for _ in range(10_000)]
    await work.arrived.wait()
    tick()
    work.gate.set()
    await asyncio.gather(*callers)
    ticks["handle"] = 1
    assert list(woken.values()) == [10_000]


async def test_who_comes_later_starts_anew(flight: SingleFlight[int]) -> None:
    """Law C1: an outcome is for those who were there, and nothing of it is kept."""
    work = Work()
    work.gate.set()
    assert await flight.join(work) == 1
    assert await flight.join(work) == 2


async def test_nobody_needs_to_wait(flight: SingleFlight[int]) -> None:
    """Work that was started behind a request goes on by itself; starting it again does nothing."""
    work = Work()
    flight.start(work)
    flight.start(work)
    assert (flight.in_the_air, flight.waiters) == (True, 0)
    work.gate.set()
    await flight.landed()
    assert (flight.in_the_air, work.ended, work.calls) == (False, True, 1)


async def test_work_that_nobody_waits_for_may_fail(flight: SingleFlight[int]) -> None:
    """Law C5: no exception is left that was never retrieved."""
    work = Work(ServerUnavailable("down"))
    flight.start(work)
    work.gate.set()
    await flight.landed()
    assert work.ended


async def test_landed_returns_at_once_where_nothing_flies(flight: SingleFlight[int]) -> None:
    """Law C7: closing twice waits for nothing."""
    with pytest.raises(StopIteration):
        flight.landed().send(None)


async def test_landed_waits_for_the_next_flight_too(flight: SingleFlight[int]) -> None:
    """Law C7: a caller that starts anew as soon as it wakes is waited for."""
    first, second = Work(), Work()
    first.gate.set()
    second.gate.set()

    async def twice() -> None:
        await flight.join(first)
        await flight.join(second)

    caller = asyncio.create_task(twice())
    await first.arrived.wait()
    await flight.landed()
    await caller
    await flight.landed()
    assert second.ended
    assert not flight.in_the_air


async def test_everybody_gets_an_error_of_ones_own(flight: SingleFlight[int]) -> None:
    """Law C5: one failure, as many exceptions as callers, and each with a traceback as short as the others'."""
    failure = ServerUnavailable("down", retry_after=3.0)
    work = Work(failure)
    callers = await join_all(flight, work, 50)
    work.gate.set()
    errors = await outcomes(callers)
    assert len({id(error) for error in errors}) == 50
    assert all(isinstance(error, ServerUnavailable) and error.retry_after == 3.0 for error in errors)
    assert failure not in errors


async def test_a_caller_that_leaves_leaves_alone(flight: SingleFlight[int]) -> None:
    """Law C3: a cancellation and a timeout end one wait; the work and the other waits go on."""
    work = Work()
    first, second = await join_all(flight, work, 2)
    first.cancel()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await flight.join(work)
    assert flight.waiters == 1
    work.gate.set()
    assert await second == 1
    assert first.cancelled()


async def test_work_goes_on_when_all_have_left(flight: SingleFlight[int]) -> None:
    """Law C3: what was begun is ended, though no caller waits any more."""
    work = Work()
    callers = await join_all(flight, work, 3)
    for caller in callers:
        caller.cancel()
    await asyncio.wait(callers)
    work.gate.set()
    await flight.landed()
    assert work.ended


@pytest.mark.parametrize("error", [None, ServerUnavailable("down")])
@pytest.mark.parametrize("after_landing", [True, False])
async def test_a_caller_may_be_cancelled_as_the_work_lands(
    flight: SingleFlight[int], error: TokenError | None, after_landing: bool
) -> None:
    """Law C3, C5: just before its future is set or just after it, and nothing is reported as never retrieved."""
    work = Work(error)
    (caller,) = await join_all(flight, work, 1)
    assert work.task is not None
    if after_landing:
        work.task.add_done_callback(lambda _: caller.cancel())
    else:
        work.gate.set()
        asyncio.get_running_loop().call_soon(caller.cancel)
    work.gate.set()
    await asyncio.wait((caller,))
    assert caller.cancelled()
    await flight.landed()
    assert work.ended


async def test_work_runs_in_a_context_of_its_own(flight: SingleFlight[int]) -> None:
    """Law C3: no request variable, trace span or deadline of the first caller reaches the shared work."""
    work = Work()
    REQUEST.set("the first caller's")
    work.gate.set()
    await flight.join(work)
    assert work.request == "none"


def renaming(
    loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any], context: Context | None = None
) -> asyncio.Task[Any]:
    """Make tasks with a name of the factory's own."""
    return asyncio.Task(coro, loop=loop, context=context, name="hostile")


def install_hostile_task_factory() -> None:
    """Have tasks run at once, inside their creators, where Python can do that."""
    loop = asyncio.get_running_loop()
    if sys.version_info >= (3, 12):
        loop.set_task_factory(asyncio.eager_task_factory)
    else:
        loop.set_task_factory(renaming)  # type: ignore[arg-type]  # typeshed knows no context


async def test_no_task_factory_reaches_the_work(flight: SingleFlight[int]) -> None:
    """Law C6: an eager factory would run the work inside its first caller, in its context, before any caller waits."""
    install_hostile_task_factory()
    work, other = Work(), Work()
    flight.start(work)
    assert work.calls == 0
    callers = await join_all(flight, work, 3)
    cut_short = asyncio.create_task(finish(other(), grace=5))
    await other.arrived.wait()
    work.gate.set()
    other.gate.set()
    assert await outcomes([*callers, cut_short]) == [1] * 4
    assert {task.get_name() for task in (work.task, other.task) if task} == {"test", "aio_token: not to be cancelled"}


async def test_it_knows_how_long_each_caller_has_waited(flight: SingleFlight[int]) -> None:
    """Seconds for each caller that still waits, in the order in which they came; none once they have landed."""
    work = Work()
    first, gone, _ = callers = await join_all(flight, work, 3)
    await asyncio.sleep(0.02)
    last = asyncio.create_task(flight.join(work))
    gone.cancel()
    await asyncio.sleep(0)
    waits = flight.waits
    assert len(waits) == flight.waiters == 3
    assert waits[0] >= waits[1] >= waits[2] + 0.015
    assert waits[2] >= 0
    work.gate.set()
    assert await first == await last == 1
    await outcomes(callers)
    assert flight.waits == ()


async def test_work_that_is_cancelled_before_its_first_step_ends_the_wait(flight: SingleFlight[int]) -> None:
    """Law C4, C5: the loop shuts down in the very tick in which the work was started: an error, no hang, no warning."""
    work = Work()
    caller = asyncio.create_task(flight.join(work))
    asyncio.get_running_loop().call_soon(cancel_all_named, "test")
    with pytest.raises(TokenError, match="the renewal was interrupted, because its event loop shut down"):
        await caller
    assert (work.calls, flight.in_the_air) == (0, False)


async def test_work_that_is_cancelled_ends_every_wait(flight: SingleFlight[int]) -> None:
    """Law C5: a shutdown in the middle of the work tells each caller, and the next flight can start."""
    work = Work()
    callers = await join_all(flight, work, 3)
    cancel_all_named("test")
    assert [type(error) for error in await outcomes(callers)] == [TokenError] * 3
    work.gate.set()
    assert await flight.join(work) == 2


def cancel_all_named(name: str) -> None:
    """Cancel tasks as `asyncio.run` does at its end."""
    for task in asyncio.all_tasks():
        if task.get_name() == name:
            task.cancel()


async def callers_of(flight: SingleFlight[int], work: Work) -> list[int | BaseException]:
    """Have three callers wait for work whose gate is open, and return what they got."""
    work.gate.set()
    return await outcomes([asyncio.create_task(flight.join(work)) for _ in range(3)])


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_the_end_of_the_process_in_the_work_is_the_end(
    kind: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    """Law C5: it reaches the top, no caller hangs, and nothing is reported as never retrieved."""
    with pytest.raises(kind):
        asyncio.run(callers_of(SingleFlight("test"), Work(kind())))
    gc.collect()
    assert caplog.records == []


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_callers_that_outlive_it_are_told(kind: type[BaseException]) -> None:
    """Law C5: if the loop runs on after that, the wait is an error and no hang."""
    loop = asyncio.new_event_loop()
    try:
        callers = loop.create_task(callers_of(SingleFlight("test"), Work(kind())))
        with pytest.raises(kind):
            loop.run_until_complete(callers)
        assert [type(error) for error in loop.run_until_complete(callers)] == [TokenError] * 3
    finally:
        loop.close()
