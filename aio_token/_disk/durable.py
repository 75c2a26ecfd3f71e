"""A file that is read whole and replaced whole: old or new at any moment, whoever is killed when (laws F1, F2)."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import aiofiles
import aiofiles.os

from aio_token._disk import beside
from aio_token._disk.damage import Damaged
from aio_token._disk.permissions import refuse_odd
from aio_token._errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from aio_token._disk.platform import Platform
    from aio_token._disk.worker import Worker

MAX_SIZE = 1_048_576
_PATIENCE = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
_T = TypeVar("_T")

_fsync = aiofiles.os.wrap(os.fsync)


class DurableFile:
    """One file in the hands of one operation; every system call is a step of its worker.

    A cancelled caller gives up between two steps: none begins after that but those that tidy up.
    """

    def __init__(self, path: Path, platform: Platform, worker: Worker) -> None:
        self._path = path
        self._platform = platform
        self._worker = worker

    async def read(self) -> memoryview | None:
        """Return what the file holds, None if there is no file.

        Raises OSError, `StoreError` if the file is not as it should be, `Damaged` if it is larger than any credential.
        """
        handle = _Handle()
        try:
            await self._patiently(partial(self._worker.call, self._open, handle))
            file = await aiofiles.open(handle.descriptor, "rb", closefd=False, executor=self._worker)
            return memoryview(await file.read(MAX_SIZE))
        except FileNotFoundError:
            return None
        finally:
            await self._worker.settle(handle.close)

    async def write(self, content: memoryview) -> None:
        """Replace the file; what was there stays until all of `content` is. Raises OSError, `StoreError`."""
        if len(content) > MAX_SIZE:
            message = f"{self._path} is not written, for the credential is larger than {MAX_SIZE} bytes"
            raise StoreError(message)
        await self._worker.call(self._look)
        await self._worker.call(beside.sweep, self._path)
        draft = beside.draft_of(self._path)
        handle = _Handle()
        try:
            await self._worker.call(self._create, draft, handle)
            file = await aiofiles.open(handle.descriptor, "wb", buffering=0, closefd=False, executor=self._worker)
            while content:
                content = content[await file.write(content) :]
            await _fsync(handle.descriptor, executor=self._worker)
            await self._worker.call(handle.close)
            await self._patiently(partial(aiofiles.os.replace, draft, self._path, executor=self._worker))
            await self._worker.call(self._platform.sync_directory, self._path.parent)
        finally:
            await self._worker.settle(partial(_discard, draft, handle))

    async def set_aside(self) -> Path:
        """Move the file out of the way; return where it is now. Raises OSError."""
        return await self._worker.call(beside.set_aside, self._path)

    async def remove(self) -> None:
        """Remove the file and whatever was left beside it. Raises OSError."""
        await self._worker.call(beside.sweep, self._path)
        await self._worker.call(beside.forget, self._path)
        await self._worker.call(self._platform.sync_directory, self._path.parent)

    def _look(self) -> None:
        """Refuse to replace what is not a file of ours (law F4)."""
        try:
            found = self._path.lstat()
        except FileNotFoundError:
            return
        refuse_odd(self._path, found)
        self._platform.guard_file(self._path, found)

    def _open(self, handle: _Handle) -> None:
        handle.open(self._path, os.O_RDONLY | self._platform.flags)
        found = os.fstat(handle.descriptor)
        refuse_odd(self._path, found)
        self._platform.guard_directory(self._path.parent)
        self._platform.guard_file(self._path, found)
        if found.st_size > MAX_SIZE:
            message = f"it is larger than {MAX_SIZE} bytes"
            raise Damaged(message)

    def _create(self, draft: Path, handle: _Handle) -> None:
        handle.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | self._platform.flags)
        self._platform.chmod(handle.descriptor, 0o600)  # the umask may have taken the owner's rights away

    async def _patiently(self, call: Callable[[], Awaitable[_T]]) -> _T:
        for delay in _PATIENCE:
            try:
                return await call()
            except self._platform.busy:
                await asyncio.sleep(delay)
        return await call()


class _Handle:
    """A descriptor that is known from the step that opens it on, so that no cancellation loses it."""

    def __init__(self) -> None:
        self.descriptor = -1

    def open(self, path: Path, flags: int) -> None:
        self.descriptor = os.open(path, flags, 0o600)

    def close(self) -> None:
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor != -1:
            os.close(descriptor)


def _discard(draft: Path, handle: _Handle) -> None:
    handle.close()
    draft.unlink(missing_ok=True)
