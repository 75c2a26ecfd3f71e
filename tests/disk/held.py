"""The lock between processes, held the way that stores hold it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aio_token._disk.lock import ProcessLock, waited_for
from aio_token._disk.worker import Worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@asynccontextmanager
async def held(path: Path) -> AsyncIterator[None]:
    """Hold the lock."""
    lock = ProcessLock(path)
    async with Worker() as worker:
        try:
            await waited_for(lambda: worker.call(lock.attempt, worker))
            yield
        finally:
            await worker.settle(lock.release)
