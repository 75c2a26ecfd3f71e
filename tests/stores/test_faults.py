"""Faults of the file store: killed, cancelled, failing and hanging at every step, and a full disk."""

from __future__ import annotations

import asyncio
import errno
import gc
import subprocess
import sys
from pathlib import Path

import pytest

from aio_token._credential import Credential
from aio_token._errors import StoreError
from aio_token.stores.file import FileTokenStore
from tests.support.disk import NEW, OLD, Disk, FailAt, Halt, cycle, unmeasured

NEWER = Credential(refresh_token="newer")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that exists."""
    path = tmp_path / "token.json"
    path.write_bytes(OLD.to_json())
    path.chmod(0o600)
    return path


async def save(store: FileTokenStore, credential: Credential) -> None:
    """Save under the lock."""
    async with store.exclusive() as slot:
        await slot.save(credential)


async def load(path: Path) -> Credential | None:
    """Load under the lock, which waits for its holder."""
    async with asyncio.timeout(30), FileTokenStore(path).exclusive() as slot:
        return await slot.load()


def drafts(path: Path) -> list[str]:
    """Name the drafts that were left."""
    return [file.name for file in path.parent.iterdir() if file.name.endswith(".tmp")]


def descriptors() -> int:
    """Count this process's open descriptors."""
    return len(list(Path("/dev/fd").iterdir()))


async def run(script: str, path: Path) -> subprocess.CompletedProcess[str]:
    """Run a script on a file in a process of its own."""

    def wait() -> subprocess.CompletedProcess[str]:
        arguments = [sys.executable, "-c", script, str(path)]
        return subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False, env=unmeasured())

    return await asyncio.to_thread(wait)


async def steps_of_a_save(path: Path) -> list[str]:
    """Find the steps of locking, loading and saving by doing it once."""
    disk = Disk()
    await cycle(disk.store(path))
    path.write_bytes(OLD.to_json())
    return disk.steps


KILLED = """
import asyncio, itertools, os, shutil, signal, sys
from pathlib import Path
from aio_token.stores.file import FileTokenStore
from tests.support.disk import OLD, Disk, cycle

def run_and_die(path, step):
    disk = Disk()
    disk.before = lambda number, name: number == step and os.kill(os.getpid(), signal.SIGKILL)
    asyncio.run(cycle(disk.store(path)))

path = Path(sys.argv[1])
for step in itertools.count(1):
    path.write_bytes(OLD.to_json())
    child = os.fork()
    if child == 0:
        run_and_die(path, step)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
    shutil.copy2(path, path.with_name(f"killed-{step:02}"))
    print(len(list(path.parent.glob(".*.tmp"))))
"""


async def test_a_kill_before_any_step_leaves_the_old_or_the_new(path: Path) -> None:
    """Law F2: killed before each step in turn, a writer leaves a whole file, and the next one sweeps up after it."""
    left_behind = {int(line) for line in (await run(KILLED, path)).stdout.split()}
    killed = sorted(path.parent.glob("killed-*"))
    left = [await FileTokenStore(file).load() for file in killed]
    assert left == [OLD] * left.count(OLD) + [NEW] * left.count(NEW)
    assert set(left) == {OLD, NEW}
    assert left_behind == {0, 1}
    assert drafts(path) == []


async def test_an_error_at_any_step_leaves_the_old_or_the_new(path: Path) -> None:
    """Law F3: EIO at each step in turn is a `StoreError`; the file is whole, the lock free, and no draft stays."""
    steps = await steps_of_a_save(path)
    for number, _ in enumerate(steps, 1):
        path.write_bytes(OLD.to_json())
        disk = Disk()
        disk.before = FailAt(number, OSError(errno.EIO, "Input/output error"))
        with pytest.raises(StoreError, match="Input/output error"):
            await cycle(disk.store(path))
        assert await load(path) in (OLD, NEW)
        assert drafts(path) == []


async def test_a_save_cancelled_at_any_step_takes_no_further_step(path: Path) -> None:
    """Law C4: a caller that gives up on a hanging save is free at once; no step follows the one that hung, and neither
    a descriptor nor a draft is left.
    """
    steps = await steps_of_a_save(path)
    open_before = descriptors()
    for number, name in enumerate(steps, 1):
        if steps[:number].count(name) > 1:
            continue
        path.write_bytes(OLD.to_json())
        await cancel_at(path, number, name)
        assert await load(path) in (OLD, NEW)
        assert drafts(path) == []
    gc.collect()
    assert descriptors() == open_before


async def cancel_at(path: Path, number: int, name: str) -> None:
    """Cancel the cycle while a step hangs."""
    disk, halt = Disk(), Halt(name)
    disk.before = halt
    saving = asyncio.create_task(cycle(disk.store(path)))
    await asyncio.to_thread(halt.reached.wait, 30)
    saving.cancel()
    async with asyncio.timeout(30):
        await asyncio.gather(saving, return_exceptions=True)
    halt.release()
    await load(path)
    assert disk.steps[number:] == []


async def test_a_late_replace_does_not_overwrite_what_came_after_it(path: Path) -> None:
    """Law C4: a replace that hangs in its thread keeps the lock, so that a later writer writes after it."""
    disk, halt = Disk(), Halt("replace")
    disk.before = halt
    hanging = asyncio.create_task(save(disk.store(path), NEW))
    await asyncio.to_thread(halt.reached.wait, 30)
    hanging.cancel()
    await asyncio.gather(hanging, return_exceptions=True)
    later = asyncio.create_task(save(FileTokenStore(path), NEWER))
    done, _ = await asyncio.wait([later], timeout=0.2)
    assert not done
    halt.release()
    await later
    assert await load(path) == NEWER


async def test_a_hanging_disk_does_not_keep_the_process(path: Path) -> None:
    """Law C7: a process whose disk hangs for ever ends all the same."""
    script = """
import asyncio, sys, threading
from aio_token.stores.file import FileTokenStore
from tests.support.disk import Disk, cycle

async def main():
    disk = Disk()
    disk.before = lambda number, name: name == "fsync" and threading.Event().wait()
    async with asyncio.timeout(0.2):
        await cycle(disk.store(sys.argv[1]))

try:
    asyncio.run(main())
except TimeoutError:
    print("given up")
"""
    outcome = await run(script, path)
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, "given up\n", "")
    assert await load(path) == OLD


async def test_a_full_disk_keeps_what_was_there(path: Path) -> None:
    """Law F3: a write that does not fit leaves the old file whole, as RLIMIT_FSIZE shows with a real short write."""
    script = """
import asyncio, resource, signal, sys
from aio_token.stores.file import FileTokenStore
from tests.support.disk import cycle

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))
try:
    asyncio.run(cycle(FileTokenStore(sys.argv[1])))
except Exception as error:
    print(type(error).__name__, str(error).partition(": ")[2])
"""
    outcome = await run(script, path)
    assert (
        outcome.stdout
        == "StoreError File too large; this process may write no file of that size: raise its limit (ulimit -f)\n"
    )
    assert await load(path) == OLD
    assert drafts(path) == []


async def test_it_works_while_the_default_executor_is_busy(path: Path) -> None:
    """Law F1: the application's own blocked threads hold up no renewal."""
    halt = Halt("busy")
    loop = asyncio.get_running_loop()
    busy = [loop.run_in_executor(None, halt, 0, "busy") for _ in range(64)]
    async with asyncio.timeout(30):
        await save(FileTokenStore(path), NEW)
    halt.release()
    await asyncio.gather(*busy)


async def test_a_fork_of_a_process_that_used_a_store_can_use_it(path: Path) -> None:
    """Law C6: a child forked after use has threads and locks of its own."""
    script = """
import asyncio, os, sys
from aio_token.stores.file import FileTokenStore
from tests.support.disk import cycle

store = FileTokenStore(sys.argv[1])
asyncio.run(cycle(store))
child = os.fork()
asyncio.run(cycle(store))
if child == 0:
    os._exit(42)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert (await run(script, path)).stdout == "42\n"
