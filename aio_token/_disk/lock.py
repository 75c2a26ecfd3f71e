"""The lock between processes: a kernel lock on a file, tried without blocking.

The kernel gives it up when its holder dies, so nobody judges whether a lock is stale. Its file is never deleted: a
lock file that is unlinked gives two holders, one on either inode.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from aio_token._errors import StoreError, without_frames

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Self

_SHORTEST, _LONGEST, _GROWTH = 0.005, 0.05, 1.5


class ProcessLock:
    """Excludes every other holder of one lock file, in any task, thread or process of this machine.

    For one hold: `acquire` once, `release` from any thread, both of which `async with` does. The lock's directory
    must exist.
    """

    def __init__(self, path: Path) -> None:
        from filelock import FileLock  # noqa: PLC0415  slow to import, and needed at the first renewal only

        self._path = path
        # Made anew for each hold: filelock's objects refuse to work in a fork of the process that made them. The hold
        # may end in another thread than it began in. A filesystem without locks is an error, not a weaker lock.
        self._file = FileLock(
            path, mode=0o600, thread_local=False, blocking=False, fallback_to_soft=False, preserve_lock_file=True
        )

    async def acquire(self) -> None:
        """Wait for the lock, as long as it takes; cancelled, it holds nothing.

        An attempt costs some ten microseconds and is made on the loop: a thread might win the lock after its
        caller has gone. Raises `StoreError` if the lock's file cannot be used.
        """
        delays = _delays()
        while not self._attempt():  # noqa: ASYNC110  no event tells that another process has let go
            await asyncio.sleep(next(delays))

    def release(self) -> None:
        """Let the next one in; callable from any thread, harmless when repeated."""
        self._file.release()

    async def __aenter__(self) -> Self:
        await self.acquire()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.release()

    def _attempt(self) -> bool:
        from filelock import Timeout  # noqa: PLC0415  like its lock

        try:
            self._file.acquire()
        except Timeout:
            return False
        except OSError as error:
            message = f"the lock file {self._path} cannot be used: {error.strerror}"
            raise StoreError(message) from without_frames(error)
        return True


def _delays() -> Iterator[float]:
    """Grow from one try to the next, and differ from waiter to waiter, so that none is always late."""
    delay = _SHORTEST
    while True:
        yield delay * random.uniform(0.5, 1.0)  # noqa: S311  it spreads waiters, it hides nothing
        delay = min(delay * _GROWTH, _LONGEST)
