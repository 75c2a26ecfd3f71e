"""The few threads of a process: bounded, shared, and held up by no call that hangs."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
from concurrent.futures import wait as wait_for
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from aio_token._disk.threads import Strand, Threads, _forget_all
from aio_token._disk.worker import Worker
from aio_token._errors import StoreError
from aio_token._limits import uncounted, within
from aio_token.stores.file import FileTokenStore
from tests.support.disk import NEW, Disk, Halt, cycle, unmeasured

if TYPE_CHECKING:
    from pathlib import Path


class Hanging:
    """A call that hangs until it is let go."""

    def __init__(self) -> None:
        self.began, self._go = threading.Event(), threading.Event()

    def __call__(self) -> None:
        """Hang."""
        self.began.set()
        self._go.wait(30)

    def release(self) -> None:
        """Let it go."""
        self._go.set()


async def hang(worker: Worker) -> tuple[Hanging, asyncio.Task[None]]:
    """Have a worker's call hang."""
    call = Hanging()
    task = asyncio.create_task(worker.call(call))
    await asyncio.to_thread(call.began.wait, 10)
    return call, task


async def give_up(task: asyncio.Task[None]) -> None:
    """Cancel a call."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def ours() -> int:
    """Count the threads of this package."""
    return sum(thread.name == "aio_token" for thread in threading.enumerate())


async def all_gone() -> None:
    """Wait until the threads of this package have ended."""
    for thread in threading.enumerate():
        if thread.name == "aio_token":
            await asyncio.to_thread(thread.join, 10)


def test_no_more_than_so_many_threads_at_a_time() -> None:
    """Law F1: what comes at once to many files is done by few threads, each file's in the order of asking."""
    threads, lock, inside, most = Threads(3), threading.Lock(), list[int](), list[int]()
    strands = [Strand(threads) for _ in range(20)]
    order: list[tuple[int, int]] = []

    def work(strand: int, number: int) -> None:
        with lock:
            inside.append(1)
            most.append(len(inside))
            order.append((strand, number))
        with lock:
            inside.pop()

    futures = [strands[one].submit(lambda one=one, n=n: work(one, n)) for n in range(5) for one in range(20)]  # type: ignore[misc]
    assert not wait_for(futures, 10).not_done
    assert max(most) <= 3
    assert [[n for strand, n in order if strand == one] for one in range(20)] == [[0, 1, 2, 3, 4]] * 20


async def test_none_is_left_when_there_is_nothing_to_do() -> None:
    """Law C7: there is nothing to close and nothing to inherit: a thread goes with its last call."""
    async with Worker(Strand(Threads(2))) as worker:
        await worker.call(lambda: None)
    await all_gone()
    assert ours() == 0


async def test_calls_that_hang_hold_up_no_other_file() -> None:
    """Law F1: calls on a dead disk that were given up are not counted, so that the others find their threads."""
    threads = Threads(2)
    hanging = [await hang(Worker(Strand(threads))) for _ in range(2)]
    assert threads.are_busy
    other = asyncio.create_task(Worker(Strand(threads)).call(lambda: "done"))
    done, _ = await asyncio.wait([other], timeout=0.05)
    assert not done
    for _, task in hanging:
        await give_up(task)
    async with asyncio.timeout(30):
        assert await other == "done"
        assert await Worker(Strand(threads)).call(lambda: "too") == "too"
    for call, _ in hanging:
        call.release()
    async with asyncio.timeout(30):
        assert await Worker(Strand(threads)).call(lambda: "again") == "again"
    await all_gone()
    assert not threads.are_busy


async def test_a_thread_that_comes_back_late_goes_where_its_place_is_taken() -> None:
    """Law F1: what was given up on a dead disk ends at last, while as many as may be are at work."""
    threads = Threads(1)
    late, task = await hang(Worker(Strand(threads)))
    known = [thread for thread in threading.enumerate() if thread.name == "aio_token"]
    await give_up(task)
    busy, other = await hang(Worker(Strand(threads)))
    late.release()
    for thread in known:
        await asyncio.to_thread(thread.join, 10)
    assert ours() == 1
    assert threads.are_busy
    busy.release()
    async with asyncio.timeout(30):
        await other
    await all_gone()
    assert not threads.are_busy


async def test_a_call_that_hangs_takes_one_thread_however_often_its_file_is_asked() -> None:
    """Laws C8, F10: what was given up and still runs is not begun anew beside it, and what waited behind it in vain
    is not kept.
    """
    strand = Strand(Threads(8))
    call, task = await hang(Worker(strand))
    await give_up(task)
    before, later = ours(), list[str]()
    for number in range(20):
        async with Worker(strand) as worker:
            with suppress(TimeoutError):
                async with asyncio.timeout(0.001):
                    await worker.call(later.append, str(number))
            await worker.settle(lambda: later.append("tidied"))
    assert ours() <= before
    assert not strand.calls
    call.release()
    async with asyncio.timeout(30), Worker(strand) as worker:
        await worker.call(later.append, "now")
    assert later == ["now"]


async def test_what_was_given_up_ends_after_the_one_who_waited_for_it() -> None:
    """Law F1: the thread of an uncounted call goes on with what waits, as long as there are not too many."""
    threads = Threads(1)
    strand = Strand(threads)
    call, task = await hang(Worker(strand))
    await give_up(task)
    other, busy = await hang(Worker(Strand(threads)))
    next_one = asyncio.create_task(Worker(strand).call(lambda: "next"))
    await asyncio.sleep(0)
    call.release()  # its thread is one too many now, and goes
    other.release()
    await busy
    async with asyncio.timeout(30):
        assert await next_one == "next"
    call, task = await hang(Worker(strand))
    next_one = asyncio.create_task(Worker(strand).call(lambda: "next"))
    await asyncio.sleep(0)
    await give_up(task)
    call.release()  # its thread is the only one, and stays
    async with asyncio.timeout(30):
        assert await next_one == "next"


async def test_who_gives_up_before_a_thread_is_free_leaves_nothing() -> None:
    """Law C4: a call that was given up in the queue is not made, and its place costs nothing."""
    threads, made = Threads(1), list[str]()
    strand = Strand(threads)
    call, task = await hang(Worker(Strand(threads)))
    waiting = asyncio.create_task(Worker(strand).call(made.append, "first"))
    await asyncio.sleep(0)
    await give_up(waiting)
    assert not strand.calls
    call.release()
    await task
    await Worker(strand).call(made.append, "second")
    assert made == ["second"]


def test_a_call_that_was_cancelled_in_the_queue_is_not_made() -> None:
    """A future's own `cancel` is enough, as of any executor."""
    threads, call, made = Threads(1), Hanging(), list[str]()
    hanging = Strand(threads).submit(call)
    strand = Strand(threads)
    waiting = strand.submit(lambda: made.append("first"))
    assert waiting.cancel()
    call.release()
    hanging.result(10)
    strand.submit(lambda: made.append("second")).result(10)
    assert made == ["second"]


async def test_a_limit_does_not_count_the_wait_for_a_thread() -> None:
    """Law C4: limits count the work, and not the queue before it."""
    threads = Threads(1)
    call, task = await hang(Worker(Strand(threads)))

    async def save() -> str:
        async with within(0.2, StoreError("too late")):
            return await Worker(Strand(threads)).call(lambda: "saved")

    async def save_within_another_limit() -> str:
        async with within(0.2, StoreError("too late")):
            return await save()

    saving = asyncio.create_task(save_within_another_limit())
    done, _ = await asyncio.wait([saving], timeout=0.6)
    assert not done
    call.release()
    await task
    assert await saving == "saved"


async def test_a_limit_counts_again_when_the_work_begins() -> None:
    """Law C4: what hangs after it had waited for its turn is given up in time."""
    threads = Threads(1)
    call, task = await hang(Worker(Strand(threads)))
    hanging = Hanging()

    async def save() -> None:
        async with within(0.2, StoreError("too late")):
            await Worker(Strand(threads)).call(hanging)

    saving = asyncio.create_task(save())
    await asyncio.sleep(0)
    call.release()
    await task
    async with asyncio.timeout(30):
        with pytest.raises(StoreError, match="too late"):
            await saving
    hanging.release()


async def test_who_waits_for_a_thread_without_a_limit_waits() -> None:
    """Law C4: without a limit there is nothing to stop."""
    threads = Threads(1)
    call, task = await hang(Worker(Strand(threads)))
    waiting = asyncio.create_task(Worker(Strand(threads)).call(lambda: "done"))
    await asyncio.sleep(0)
    call.release()
    await task
    assert await waiting == "done"


def test_a_loop_that_closed_meanwhile_is_not_told() -> None:
    """Law C7: a call whose loop was closed while it waited for a thread ends in silence."""
    threads, made = Threads(1), threading.Event()
    call = Hanging()
    hanging = Strand(threads).submit(call)

    async def wait() -> None:
        async with within(30, StoreError("too late")):
            await Worker(Strand(threads)).call(made.set)

    loop = asyncio.new_event_loop()
    waiting: Any = loop.create_task(wait())
    waiting._log_destroy_pending = False  # it is the situation
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    del waiting
    gc.collect()
    call.release()
    hanging.result(10)
    assert made.wait(10)


async def test_a_limit_is_another_loops() -> None:
    """Law C4: a limit is stopped by the loop that it counts in alone, and not once it is over."""

    async def uncounted_here() -> object:
        return uncounted()

    async with within(30, StoreError("too late")):
        assert await asyncio.to_thread(asyncio.run, uncounted_here()) is None
        count, inside = uncounted(), asyncio.create_task(later())
        assert count is not None
        count()
        count()
    assert uncounted() is None
    assert await inside is None


async def later() -> object:
    """Ask when the limit is over, in a task that was begun within it."""
    await asyncio.sleep(0.01)
    return uncounted()


def test_what_a_fork_copies_does_not_count() -> None:
    """Law C6: the threads of the parent are not those of the child."""
    threads = Threads(1)
    strand, call = Strand(threads), Hanging()
    strand.submit(call)
    assert call.began.wait(10)
    _forget_all()
    assert not threads.are_busy
    assert strand.submit(lambda: "done").result(10) == "done"
    call.release()


@pytest.mark.parametrize("others", [0, 1])
async def test_a_system_without_another_thread(others: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law F1: where no thread can be made, one that is there does the work; with none it is an error, and no hang."""
    threads = Threads(4)
    running = [await hang(Worker(Strand(threads))) for _ in range(others)]
    start = threading.Thread.start

    def none_left(thread: threading.Thread) -> None:
        message = "can't start new thread"
        raise RuntimeError(message)

    monkeypatch.setattr(threading.Thread, "start", none_left)
    strand, outcome = Strand(threads), list[str]()
    try:
        strand.submit(lambda: outcome.append("done"))
    except RuntimeError as error:
        outcome.append(str(error))
    monkeypatch.setattr(threading.Thread, "start", start)
    for call, task in running:
        call.release()
        await task
    assert strand.submit(lambda: "well again").result(10) == "well again"
    assert outcome == [["can't start new thread"], ["done"]][others]


FORK = """
import asyncio, os, sys, threading
from aio_token._disk.threads import FILES, Strand
from aio_token.stores.file import FileTokenStore
from tests.support.disk import cycle

go = threading.Event()
store = FileTokenStore(sys.argv[1])
strands = [store._strand, *(Strand() for _ in range(15))]
futures = [strand.submit(lambda: go.wait(30)) for strand in strands]
assert FILES.are_busy
child = os.fork()
if child == 0:
    asyncio.run(cycle(FileTokenStore(sys.argv[1])))
    asyncio.run(cycle(store))
    os._exit(42)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
go.set()
"""


async def test_a_fork_has_threads_of_its_own(tmp_path: Path) -> None:
    """Law C6: a child that was forked while all threads were busy, this store's among them, is not held up by them."""
    await FileTokenStore(tmp_path / "token.json").load()

    def run() -> str:
        command = [sys.executable, "-c", FORK, str(tmp_path / "token.json")]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True, env=unmeasured()).stdout

    assert await asyncio.to_thread(run) == "42\n"


async def test_five_hundred_files_at_once(tmp_path: Path) -> None:
    """Law F1: as many users as come at once cost few threads, and each is saved."""
    most = 0

    async def use(number: int) -> None:
        nonlocal most
        async with FileTokenStore(tmp_path / f"{number}.json").exclusive() as slot:
            async with within(2.0, StoreError("too late")):
                await slot.save(NEW)
            most = max(most, ours())

    await asyncio.gather(*map(use, range(500)))
    assert most <= 16
    assert len(list(tmp_path.iterdir())) == 1_000


async def test_a_disk_that_hangs_leaves_other_disks_alone(tmp_path: Path) -> None:
    """Law F10: stores on a dead disk, more than there are threads, are given up; a store on a good one is used."""
    halts = [Halt("replace") for _ in range(20)]
    hanging = []
    for number, halt in enumerate(halts):
        disk = Disk()
        disk.before = halt
        hanging.append(asyncio.create_task(bounded(disk.store(tmp_path / f"{number}.json"))))
    async with asyncio.timeout(30):
        results = await asyncio.gather(*hanging)
        assert set(results) == {"given up"}
        await cycle(FileTokenStore(tmp_path / "good.json"))
    for halt in halts:
        halt.release()


async def bounded(store: FileTokenStore) -> str:
    """Do as a repository does with a limit."""
    try:
        async with store.exclusive() as slot, within(0.3, StoreError("too late")):
            await slot.save(NEW)
    except StoreError:
        return "given up"
    return "saved"
