"""A store that is a file: atomic, durable, private, and locked between processes."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from aio_token._disk.damage import Damaged
from aio_token._disk.directories import make_private
from aio_token._disk.durable import DurableFile
from aio_token._disk.lock import ProcessLock
from aio_token._disk.permissions import unusable
from aio_token._disk.platform import HERE, unguarded
from aio_token._disk.worker import Worker
from aio_token._errors import StoreCorrupt, StoreError, without_frames
from aio_token._public import public
from aio_token.stores.codec import PlainCodec

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator, Callable, Iterator

    from aio_token._credential import Credential
    from aio_token._disk.platform import Platform
    from aio_token.stores.codec import Codec

_logger = logging.getLogger("aio_token")


@public
class FileTokenStore:
    """Keeps a credential in the file `path`, as JSON or as `codec` writes it.

    The file is 0600 and is replaced as a whole; missing directories are made, 0700 each. Processes of one machine
    exclude each other by a lock on `<name>.lock` beside it. A damaged file is moved aside to `<name>.corrupt-<time>`,
    with a warning, and treated as if it were not there.

    A file that others may read, a directory that others may write, a foreign owner and a symbolic link are refused, and
    the error names the command that mends it. `check_permissions=False` switches that off and follows links, for
    mounted volumes whose modes and owners nobody can set.

    `worker` makes the thread of each operation; a test's way to a slow, full or broken disk.
    """

    _platform: Platform = HERE

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        codec: Codec | None = None,
        check_permissions: bool = True,
        worker: Callable[[], Worker] = Worker,
    ) -> None:
        self._path = Path(path).expanduser().absolute()
        self._codec: Codec = codec or PlainCodec()
        self._check_permissions = check_permissions
        self._worker = worker

    def __repr__(self) -> str:
        return f"FileTokenStore({str(self._path)!r})"

    async def load(self) -> Credential | None:
        """Return what is kept; a damaged file is left to the next holder of the lock. Raises `StoreError`."""
        async with self._worker() as worker:
            try:
                return await (await self._slot(worker)).read()
            except Damaged:
                return None

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[FileSlot]:
        """Exclude every other holder on this machine. Raises `StoreError` if directory or lock cannot be used."""
        async with self._worker() as worker:
            slot = await self._slot(worker)
            await slot.prepare()
            lock = ProcessLock(slot.lock_path)
            await lock.acquire()
            try:
                yield slot
            finally:
                # A write that somebody gave up on keeps the lock until the step in its thread has ended: it may be
                # the very one that replaces the file.
                await worker.settle(lock.release)

    async def probe(self) -> None:
        """Find out whether a credential could be kept now: directory, lock and key. Raises `StoreError`."""
        async with self.exclusive() as slot:
            await slot.probe()

    async def _slot(self, worker: Worker) -> FileSlot:
        if self._check_permissions:
            return FileSlot(self._path, self._codec, self._platform, worker)
        return FileSlot(await worker.call(self._path.resolve), self._codec, unguarded(self._platform), worker)


class FileSlot:
    """The file in the hands of one operation."""

    def __init__(self, path: Path, codec: Codec, platform: Platform, worker: Worker) -> None:
        self.lock_path: Path = path.with_name(f"{path.name}.lock")
        self._path = path
        self._codec = codec
        self._platform = platform
        self._worker = worker
        self._file = DurableFile(path, platform, worker)

    async def load(self) -> Credential | None:
        """Return what is kept; a damaged file is moved aside first. Raises `StoreError`."""
        try:
            return await self.read()
        except Damaged as damage:
            try:
                aside = await self._file.set_aside()
            except OSError as error:
                message = f"{self._path} is damaged ({damage}) and cannot be moved aside: {error.strerror}"
                raise StoreCorrupt(message) from without_frames(error)
            _logger.warning("%s is damaged (%s): moved to %s and treated as empty", self._path, damage, aside)
            return None

    async def save(self, credential: Credential) -> None:
        """Replace what is kept. Raises `StoreError`."""
        with self._named():
            content = await self._codec.encode(credential, self._path, self._worker)
        with self._explained("written"):
            await self._file.write(content)

    async def delete(self) -> None:
        """Remove the file, and damaged ones that were moved aside. Raises `StoreError`."""
        with self._explained("removed"):
            await self._file.remove()

    async def prepare(self) -> None:
        """Make the directory, or find fault with it. Raises `StoreError`."""
        with self._explained("reached"):
            await self._worker.call(make_private, self._path.parent, self._platform.sync_directory)
            await self._worker.call(self._platform.guard_directory, self._path.parent)

    async def read(self) -> Credential | None:
        """Return what is kept. Raises `StoreError`, and `Damaged`."""
        with self._explained("read"):
            content = await self._file.read()
        if content is None:
            return None
        with self._named():
            return await self._codec.decode(content, self._path, self._worker)

    async def probe(self) -> None:
        """Find out whether the codec could write. Raises `StoreError`."""
        with self._named():
            await self._codec.probe(self._worker)

    @contextmanager
    def _explained(self, done: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise unusable(self._path, done, error) from without_frames(error)

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Say whose key is missing, or what it is that a newer version wrote."""
        try:
            yield
        except StoreError as error:
            message = f"{self._path}: {error}"
            raise type(error)(message) from without_frames(error).__cause__
