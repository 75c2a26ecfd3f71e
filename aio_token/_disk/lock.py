"""The lock between processes: a kernel lock on a file, tried without blocking.

The kernel gives it up when its holder dies, so there is no judging whether a lock is stale. Its file is never deleted:
a lock file that is unlinked gives two holders, one on either inode. People and cleaning scripts delete it all the same,
which the file's age tells.
"""

from __future__ import annotations

import asyncio
import math
import random
from typing import TYPE_CHECKING

from aio_token._disk.permissions import unusable_lock
from aio_token._disk.steps import STRAIGHT, Steps
from aio_token._errors import without_frames

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from filelock import BaseFileLock

_SHORTEST, _LONGEST, _GROWTH = 0.005, 0.05, 1.5


class ProcessLock:
    """Excludes every other holder of one lock file, in any task, thread or process of this machine.

    For one hold. The lock's directory must exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BaseFileLock | None = None
        self.made_at: float = math.inf
        """When the file of the last try was made (POSIX seconds), infinity if that was then; later if it is written."""

    def acquire(self, steps: Steps = STRAIGHT) -> None:
        """Wait for the lock, as long as it takes or `steps` go on.

        A caller that is gone before it is told must `release`. Raises `StoreError` if the lock's file cannot be used.
        """
        delays = _delays()
        while not self.attempt(steps):
            steps.pause(next(delays))

    def attempt(self, steps: Steps = STRAIGHT) -> bool:
        """Try to take the lock, and tell whether that went well; `acquire`'s other rules hold."""
        return steps.step(self._attempt)

    def release(self) -> None:
        """Let the next one in; callable from any thread, harmless when repeated or never acquired."""
        if self._file is not None:
            self._file.release()

    def _attempt(self) -> bool:
        from filelock import FileLock, Timeout  # noqa: PLC0415  slow to import, and needed at the first renewal only

        # Made anew for each hold: filelock's objects refuse to work in a fork of the process that made them. The hold
        # may end in another thread than it began in. A filesystem without locks is an error, not a weaker lock.
        self.made_at = _made_at(self._path)
        self._file = self._file or FileLock(
            self._path, mode=0o600, thread_local=False, blocking=False, fallback_to_soft=False, preserve_lock_file=True
        )
        try:
            self._file.acquire()
        except Timeout:
            return False
        except OSError as error:
            raise unusable_lock(self._path, error) from without_frames(error)
        return True


def _made_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # it is not there yet, or the lock cannot be had either
        return math.inf


async def waited_for(attempt: Callable[[], Awaitable[bool]]) -> None:
    """Attempt until it goes well; whoever waits for another process needs no thread in between.

    An attempt that swallows a cancellation, as clients of servers may, ends the wait all the same.
    """
    delays, task = _delays(), asyncio.current_task()
    before = task.cancelling() if task is not None else 0
    while True:
        taken = await attempt()
        if task is not None and task.cancelling() > before:
            raise asyncio.CancelledError
        if taken:
            return
        await asyncio.sleep(next(delays))


def _delays() -> Iterator[float]:
    """Grow from one try to the next, and differ from waiter to waiter, so that none is always late."""
    delay = _SHORTEST
    while True:
        yield delay * random.uniform(0.5, 1.0)  # noqa: S311  it spreads waiters, it hides nothing
        delay = min(delay * _GROWTH, _LONGEST)
