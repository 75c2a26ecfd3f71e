"""A store that is an entry of the operating system's keyring."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from aio_token._clock import SYSTEM_CLOCK
from aio_token._disk.damage import Damaged
from aio_token._disk.directories import make_private
from aio_token._disk.lock import ProcessLock, waited_for
from aio_token._disk.permissions import unusable
from aio_token._disk.platform import HERE
from aio_token._disk.threads import Strand, Threads
from aio_token._disk.worker import Worker
from aio_token._errors import without_frames
from aio_token._ground.public import public
from aio_token._token import fingerprint
from aio_token.stores._arguments import file_path, text
from aio_token.stores._os_keyring import KeyringEntry
from aio_token.stores._shared import OwnSlot
from aio_token.stores._turns import Turns
from aio_token.stores.codec import NOTHING, credential_of, to_json

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator, Callable

    from aio_token._credential import Credential

_logger = logging.getLogger("aio_token")
_P = ParamSpec("_P")
_T = TypeVar("_T")
_ASKING = Threads(16)
"""Not those of files: a keyring may wait for a person."""


@public
class KeyringTokenStore(OwnSlot):
    """Keeps a credential as the password of `username` for `service` in the keyring (extra `keyring`).

    The keyring must take texts as long as a credential; that of Windows takes 1,280 characters, and there a file with
    its key in the keyring is the way. Processes of one user exclude each other by the file `lock`, by default one of
    their home directory, which has to be on this machine. `timeout` is how long to wait for the keyring, in seconds;
    it still waits for its person afterwards, who sees one window, and answers when it is asked again.
    Raises `ConfigurationError` for arguments of other kinds.
    """

    def __init__(
        self, service: str, username: str, *, lock: str | os.PathLike[str] | None = None, timeout: float = 4.0
    ) -> None:
        names = text(service, "service"), text(username, "username")
        self._entry = KeyringEntry(*names, timeout)
        self._named = f"KeyringTokenStore({service!r}, {username!r})"
        home = Path("~/.local/state/aio_token", f"keyring-{fingerprint(repr(names))}.lock")
        self._lock = file_path(home if lock is None else lock, "lock=")
        self._turns = Turns()
        self._strand = Strand(_ASKING)

    def __repr__(self) -> str:
        return self._named

    async def load(self) -> Credential | None:
        """Return what is kept; a damaged entry is treated as empty, with a warning. Raises `StoreError`."""
        content = await self._ask(self._entry.read)
        try:
            return None if content is None else credential_of(content, SYSTEM_CLOCK.time())
        except Damaged as damage:
            _logger.warning("%r is damaged (%s) and treated as empty", self, damage)
            return None

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[KeyringTokenStore]:
        """Exclude every other holder of this user on this machine. Raises `StoreError`."""
        lock = ProcessLock(self._lock)
        async with Worker() as worker, self._turns.turn(lambda: worker.submit(lock.release)):
            try:
                await waited_for(lambda: worker.call(self._attempt, lock, worker))
                yield self
            finally:
                await worker.settle(lock.release)

    async def save(self, credential: Credential) -> None:
        """Replace what is kept. Raises `StoreError`."""
        await self._ask(self._entry.write, to_json(credential))

    async def delete(self) -> None:
        """Keep nothing, or a tombstone. Raises `StoreError`."""
        kept = await self.load()
        tombstone = kept.tombstone(SYSTEM_CLOCK.time()) if kept is not None else None
        await (self._ask(self._entry.remove) if tombstone is None else self.save(tombstone))

    async def probe(self) -> None:
        """Find out whether the keyring keeps a credential: save what is there once more, and read it back (law F12).

        Where nothing is there, that is saved, and removed again. Raises `StoreError`.
        """
        async with self.exclusive():
            kept = await self.load()
            content = NOTHING if kept is None else to_json(kept)
            await self._ask(self._entry.write, content)
            await self._ask(self._entry.check, content)
            if kept is None:
                await self.delete()

    def _attempt(self, lock: ProcessLock, worker: Worker) -> bool:
        try:
            make_private(self._lock.parent, HERE.sync_directory)
        except OSError as error:
            raise unusable(self._lock, "used", error) from without_frames(error)
        return lock.attempt(worker)

    async def _ask(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        async with Worker(self._strand) as worker:
            return await worker.call(call, *args, **kwargs)
