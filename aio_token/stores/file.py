"""A store that is a file: atomic, durable, private, and locked between processes."""

from __future__ import annotations

import math
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aio_token._disk.damage import Damaged
from aio_token._disk.lock import waited_for
from aio_token._disk.platform import HERE
from aio_token._disk.threads import Strand
from aio_token._disk.worker import Worker
from aio_token._ground.public import public
from aio_token.stores._arguments import file_path
from aio_token.stores._credential_file import CredentialFile
from aio_token.stores._shared import Shared
from aio_token.stores._turns import Turns
from aio_token.stores.codec import codec_of

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from aio_token._credential import Credential
    from aio_token._disk.platform import Platform
    from aio_token._disk.steps import Steps
    from aio_token._ground.codec import Codec
    from aio_token._interfaces import Slot


@public
class FileTokenStore(Shared):
    """Keeps a credential in the file `path`, as JSON or as `codec` writes it.

    The file is 0600 and is replaced as a whole; missing directories are made, 0700 each. Processes of one machine
    exclude each other by a lock on `<name>.lock` beside it. A damaged file is moved aside to `<name>.corrupt-<time>`,
    with a warning, and treated as if it were not there.

    A file that others may read, a directory that others may write, a foreign owner and a symbolic link are refused, and
    the error names the command that repairs it. `check_permissions=False` switches that off and follows links, for
    mounted volumes whose modes and owners cannot be set. Raises `ConfigurationError` for arguments of other kinds.
    """

    _platform: Platform = HERE

    def __init__(
        self, path: str | os.PathLike[str], *, codec: Codec | None = None, check_permissions: bool = True
    ) -> None:
        self._path = file_path(path, "FileTokenStore()")
        self._codec: Codec = codec_of(codec)
        self._check_permissions = check_permissions
        self._turns = Turns()
        self._strand = Strand()
        self._worker: Callable[[Strand], Worker] = Worker

    def __repr__(self) -> str:
        return f"FileTokenStore({str(self._path)!r})"

    @property
    def may_lose(self) -> bool:
        """No: what is saved is on the disk, and a file that is gone was removed."""
        return False

    async def load(self) -> Credential | None:
        """Return what is kept; a damaged file is left to the next holder of the lock. Raises `StoreError`."""
        async with self._worker(self._strand) as worker:
            try:
                return await worker.call(self._file(worker).read)
            except Damaged:
                return None

    def exclusive(self) -> AbstractAsyncContextManager[Slot]:
        """Exclude every other holder on this machine. Raises `StoreError` if directory or lock cannot be used."""
        return self._hold()

    async def probe(self) -> None:
        """Find out whether a credential could be kept now: directory, lock and key. Raises `StoreError`."""
        async with self._hold() as slot:
            await slot.probe()

    @asynccontextmanager
    async def _hold(self) -> AsyncIterator[_FileSlot]:
        # Neither those of this process nor those of other processes are waited for in a thread.
        async with self._worker(self._strand) as worker:
            file = self._file(worker)
            async with self._turns.turn(lambda: worker.submit(file.leave)):
                try:
                    await waited_for(lambda: worker.call(file.enter))
                    yield _FileSlot(file, worker)
                finally:
                    # A write that was given up keeps the lock until the step in its thread has ended: it may be the
                    # very one that replaces the file. So does an attempt to take the lock, which it may have won.
                    await worker.settle(file.leave)

    def _file(self, steps: Steps) -> CredentialFile:
        return CredentialFile(self._path, self._codec, self._platform, steps, follow_links=not self._check_permissions)


class _FileSlot:
    """The file in the hands of a holder; each method is one call of its thread (law C14)."""

    def __init__(self, file: CredentialFile, worker: Worker) -> None:
        self._file = file
        self._worker = worker

    @property
    def lasts(self) -> float | None:
        """None: a hold lasts for as long as it is held. Infinity: so does this one, but maybe an earlier one as well.

        That one is given its time to save what it obtains, as where holds lapse (law J3).
        """
        return math.inf if self._file.may_have_two_holders else None

    async def load(self) -> Credential | None:
        """Return what is kept; a damaged file is moved aside first. Raises `StoreError`."""
        if self._file.is_read:
            return self._file.load()
        return await self._worker.call(self._file.load)

    async def save(self, credential: Credential) -> None:
        """Replace what is kept. Raises `StoreError`."""
        await self._worker.call(self._file.save, credential)

    async def delete(self) -> None:
        """Remove the file, and damaged ones that were moved aside. Raises `StoreError`."""
        await self._worker.call(self._file.delete)

    async def probe(self) -> None:
        """Find out whether the codec could write. Raises `StoreError`."""
        await self._worker.call(self._file.probe)
