"""A store that is an entry of the operating system's keyring."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from aio_token._disk.damage import Damaged
from aio_token._disk.directories import make_private
from aio_token._disk.lock import ProcessLock
from aio_token._disk.permissions import unusable
from aio_token._disk.platform import HERE
from aio_token._disk.worker import Worker
from aio_token._errors import without_frames
from aio_token._public import public
from aio_token._token import fingerprint
from aio_token.stores._os_keyring import KeyringEntry
from aio_token.stores.codec import from_json, to_json

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator

    from aio_token._credential import Credential

_logger = logging.getLogger("aio_token")


@public
class KeyringTokenStore:
    """Keeps a credential as the password of `username` for `service` in the keyring (extra `keyring`).

    The keyring must take texts as long as a credential; that of Windows takes 1,280 characters, and there a file with
    its key in the keyring is the way. Processes of one user exclude each other by the file `lock`, by default one of
    their home directory, which has to be on this machine. `timeout` is how long to wait for the keyring, in seconds.
    """

    def __init__(
        self, service: str, username: str, *, lock: str | os.PathLike[str] | None = None, timeout: float = 10.0
    ) -> None:
        self._entry = KeyringEntry(service, username, timeout)
        self._named = f"KeyringTokenStore({service!r}, {username!r})"
        name = f"keyring-{fingerprint(repr((service, username)))}.lock"
        self._lock = Path(lock or Path("~/.local/state/aio_token", name)).expanduser().absolute()

    def __repr__(self) -> str:
        return self._named

    async def load(self) -> Credential | None:
        """Return what is kept; a damaged entry is treated as empty, with a warning. Raises `StoreError`."""
        content = await self._entry.read()
        try:
            return None if content is None else from_json(content)
        except Damaged as damage:
            _logger.warning("%r is damaged (%s) and treated as empty", self, damage)
            return None

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[KeyringTokenStore]:
        """Exclude every other holder of this user on this machine. Raises `StoreError`."""
        async with Worker() as worker:
            try:
                await worker.call(make_private, self._lock.parent, HERE.sync_directory)
            except OSError as error:
                raise unusable(self._lock, "used", error) from without_frames(error)
        async with ProcessLock(self._lock):
            yield self

    async def save(self, credential: Credential) -> None:
        """Replace what is kept. Raises `StoreError`."""
        await self._entry.write(to_json(credential))

    async def delete(self) -> None:
        """Keep nothing. Raises `StoreError`."""
        await self._entry.remove()

    async def probe(self) -> None:
        """Find out whether the keyring answers. Raises `StoreError`."""
        await self._entry.read()
