"""Ways to keep a credential in a file: ours, and two as people write them."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aio_token import Credential, Encrypted, FileTokenStore
from aio_token.stores import KeyFile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from io import FileIO
    from pathlib import Path

    from aio_token import TokenStore
    from aio_token._disk.worker import Worker


class Overwriting:
    """Opens the file and writes into it; reads it once, when the process starts, and locks nothing."""

    def __init__(self, path: Path, worker: Callable[[], Worker]) -> None:
        self.path = path
        self.worker = worker
        self._kept: Credential | None = None

    async def load(self) -> Credential | None:
        """Return what this process read or wrote last."""
        if self._kept is None and self.path.exists():
            async with self.worker() as worker:
                try:
                    self._kept = Credential.from_json(await worker.call(self.path.read_bytes))
                except ValueError:
                    return None
        return self._kept

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[Overwriting]:
        """Exclude nobody."""
        yield self

    async def save(self, credential: Credential) -> None:
        """Write the file."""
        async with self.worker() as worker:
            await self.write(worker, self.path, memoryview(credential.to_json()))
        self._kept = credential

    async def delete(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)

    async def write(self, worker: Worker, path: Path, content: memoryview) -> None:
        """Write it all."""
        file = await worker.call(_open, path)
        while content:
            content = content[await worker.call(file.write, content) or 0 :]
        await worker.call(os.fsync, file.fileno())
        await worker.call(file.close)


class Replacing(Overwriting):
    """Writes another file and puts it in the first one's place, which is all that most advice asks for."""

    async def write(self, worker: Worker, path: Path, content: memoryview) -> None:
        """Write it all, then replace."""
        draft = path.with_name(f".{path.name}.{os.getpid():016x}.tmp")
        await super().write(worker, draft, content)
        await worker.call(os.replace, draft, path)


def encrypted(path: Path, worker: Callable[[], Worker]) -> TokenStore:
    """Make our store, with a codec whose key is in a file beside."""
    return FileTokenStore(path, codec=Encrypted(KeyFile(path.parent.parent / "key")), worker=worker)


def plain(path: Path, worker: Callable[[], Worker]) -> TokenStore:
    """Make our store."""
    return FileTokenStore(path, worker=worker)


DESIGNS: dict[str, Callable[[Path, Callable[[], Worker]], TokenStore]] = {
    "overwrite in place": Overwriting,
    "atomic replace, no lock": Replacing,
    "aio_token": plain,
    "aio_token, encrypted": encrypted,
}


def _open(path: Path) -> FileIO:
    return path.open("wb", buffering=0)
