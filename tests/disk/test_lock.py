"""The lock between processes."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from aio_token._disk.lock import ProcessLock, waited_for
from aio_token._disk.steps import Steps
from aio_token._errors import StoreError
from tests.disk.held import held
from tests.support.disk import unmeasured

if TYPE_CHECKING:
    from pathlib import Path

HOLDER = """
import sys
from pathlib import Path
from aio_token._disk.lock import ProcessLock, waited_for

lock = ProcessLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.readline()
lock.release()
"""


def hold_elsewhere(path: Path) -> subprocess.Popen[str]:
    """Start a process that holds the lock until it reads a line."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=unmeasured(),
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


async def wait_for(path: Path) -> None:
    """Take the lock, and let go of it."""
    async with held(path):
        pass


async def is_held(path: Path) -> bool:
    """Try the lock for a moment."""
    try:
        async with asyncio.timeout(0.2), held(path):
            return False
    except TimeoutError:
        return True


async def is_free(path: Path) -> bool:
    """Try the lock for as long as a loaded machine may need to take it."""
    async with asyncio.timeout(30), held(path):
        return True


async def test_two_locks_on_one_file_exclude_each_other_in_one_process(tmp_path: Path) -> None:
    """Law F5: a second lock object waits for the first, though both live in one process."""
    path = tmp_path / "lock"
    async with held(path):
        assert await is_held(path)
    assert await is_free(path)


async def test_one_hundred_tasks_hold_it_one_at_a_time(tmp_path: Path) -> None:
    """Law F5: however many ask, one is inside."""
    inside, most = 0, 0

    async def enter() -> None:
        nonlocal inside, most
        async with held(tmp_path / "lock"):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(enter() for _ in range(100)))
    assert most == 1


async def test_a_cancelled_waiter_holds_nothing(tmp_path: Path) -> None:
    """Law C3: a caller that gives up waiting leaves the lock to the others."""
    path = tmp_path / "lock"
    async with held(path):
        waiter = asyncio.create_task(is_held(path))
        await asyncio.sleep(0)
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
    assert await is_free(path)


async def test_waiting_leaves_the_loop_free(tmp_path: Path) -> None:
    """A waiter for the lock blocks no other task of its loop."""
    path = tmp_path / "lock"
    async with held(path):
        waiter = asyncio.create_task(wait_for(path))
        for _ in range(1_000):
            await asyncio.sleep(0)
        assert not waiter.done()
    await waiter


async def test_another_process_excludes_us_until_it_is_done(tmp_path: Path) -> None:
    """Law F5: the lock holds between processes, and is free when its holder leaves."""
    path = tmp_path / "lock"
    with hold_elsewhere(path) as holder:
        assert await is_held(path)
        holder.communicate("\n")
    assert await is_free(path)


async def test_a_killed_holder_leaves_the_lock_free(tmp_path: Path) -> None:
    """Law F5: the kernel frees the lock of a holder that was killed."""
    path = tmp_path / "lock"
    with hold_elsewhere(path) as holder:
        holder.kill()
        holder.communicate()
    assert await is_free(path)


async def test_a_stopped_holder_keeps_the_lock(tmp_path: Path) -> None:
    """Law F5: a holder that is stopped still holds; its waiters give up by their own limit."""
    path = tmp_path / "lock"
    with hold_elsewhere(path) as holder:
        holder.send_signal(signal.SIGSTOP)
        assert await is_held(path)
        holder.send_signal(signal.SIGCONT)
        holder.communicate("\n")
    assert await is_free(path)


FORKER = """
import asyncio, os, sys
from pathlib import Path
from tests.disk.held import held

async def main(path):
    async with held(path):
        child = os.fork()
        if child == 0:
            os._exit(asyncio_again(path))
        print("child", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    return await wait(path, 30)

async def wait(path, seconds):
    try:
        async with asyncio.timeout(seconds), held(path):
            return 0
    except TimeoutError:
        return 7

def asyncio_again(path):
    asyncio._set_running_loop(None)
    return asyncio.run(wait(path, 0.3))

print("parent", asyncio.run(main(Path(sys.argv[1]))))
"""


def test_a_fork_does_not_share_the_hold(tmp_path: Path) -> None:
    """Law F5: a child forked while the lock is held is kept out like any other, and does not end the hold."""
    outcome = subprocess.run(
        [sys.executable, "-c", FORKER, str(tmp_path / "lock")],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=unmeasured(),
    )
    assert outcome.stdout == "child 7\nparent 0\n"


async def test_the_lock_file_is_private_and_stays(tmp_path: Path) -> None:
    """Law F4: the lock's file is 0600 under any umask, and is not deleted: a deleted one gives two holders."""
    path = tmp_path / "lock"
    before = os.umask(0)
    try:
        async with held(path):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_release_may_be_repeated(tmp_path: Path) -> None:
    """Releasing a lock twice is harmless to the next holder."""
    path = tmp_path / "lock"
    first, second = ProcessLock(path), ProcessLock(path)
    first.release()
    first.acquire()
    first.release()
    second.acquire()
    first.release()
    assert await is_held(path)
    second.release()


def test_who_has_no_event_loop_waits_in_its_thread(tmp_path: Path) -> None:
    """Law F5: the command line's plain functions wait for the lock, too."""
    first, second = ProcessLock(tmp_path / "lock"), ProcessLock(tmp_path / "lock")
    first.acquire()

    class Releasing(Steps):
        def pause(self, seconds: float) -> None:
            first.release()

    second.acquire(Releasing())
    assert not first.attempt()
    second.release()


def test_a_symbolic_link_in_the_locks_place_is_refused(tmp_path: Path) -> None:
    """Law F4: a link planted for the lock does not lead to another file."""
    path = tmp_path / "lock"
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match=r"lock, the file of a lock, is a symbolic link; remove it: rm "):
        ProcessLock(path).acquire()
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("taken", [False, True])
async def test_a_wait_ends_though_an_attempt_swallows_the_cancellation(*, taken: bool) -> None:
    """Law C3: as clients of servers may do, in the very moment in which an answer comes."""

    async def attempt() -> bool:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        return taken

    waiting = asyncio.create_task(waited_for(attempt))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
