"""Ways to keep a credential in a file: ours, and two as people write them."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aio_token import Credential, Encrypted, FileTokenStore
from aio_token.stores import KeyFile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from aio_token import TokenStore
    from aio_token._disk.steps import Steps
    from aio_token._disk.worker import Worker


class Overwriting:
    """Opens the file and writes into it; reads it once, when the process starts, and locks nothing."""

    may_lose = False
    lasts: float | None = None

    def __init__(self, path: Path, worker: Callable[..., Worker]) -> None:
        self.path = path
        self.worker = worker
        self._kept: Credential | None = None

    async def load(self) -> Credential | None:
        """Return what this process read or wrote last."""
        if self._kept is None and self.path.exists():
            async with self.worker() as worker:
                try:
                    self._kept = Credential.from_json(await worker.call(worker.step, self.path.read_bytes))
                except ValueError:
                    return None
        return self._kept

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[Overwriting]:
        """Exclude no one."""
        yield self

    async def save(self, credential: Credential) -> None:
        """Write the file."""
        async with self.worker() as worker:
            await worker.call(self.write, worker, self.path, memoryview(credential.to_json()))
        self._kept = credential

    async def delete(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)

    def write(self, steps: Steps, path: Path, content: memoryview) -> None:
        """Write it all."""
        descriptor = steps.step(_open, path)
        while content:
            content = content[steps.step(os.write, descriptor, content) :]
        steps.step(os.fsync, descriptor)
        steps.step(os.close, descriptor)


class Replacing(Overwriting):
    """Writes another file and puts it in the first one's place, which is all that most advice asks for."""

    def write(self, steps: Steps, path: Path, content: memoryview) -> None:
        """Write it all, then replace."""
        draft = path.with_name(f".{path.name}.{os.getpid():016x}.tmp")
        super().write(steps, draft, content)
        steps.step(os.replace, draft, path)


def encrypted(path: Path, worker: Callable[..., Worker]) -> TokenStore:
    """Make our store, with a codec whose key is in a file beside."""
    return _made_on(worker, FileTokenStore(path, codec=Encrypted(KeyFile(path.parent.parent / "key"))))


def plain(path: Path, worker: Callable[..., Worker]) -> TokenStore:
    """Make our store."""
    return _made_on(worker, FileTokenStore(path))


DESIGNS: dict[str, Callable[[Path, Callable[..., Worker]], TokenStore]] = {
    "overwrite in place": Overwriting,
    "atomic replace, no lock": Replacing,
    "aio_token": plain,
    "aio_token, encrypted": encrypted,
}


def _made_on(worker: Callable[..., Worker], store: FileTokenStore) -> FileTokenStore:
    store._worker = worker
    return store


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
