"""What a holder of a leased store may do; each change goes through only over what this holder has read."""

from __future__ import annotations

import logging
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from aio_token._disk.damage import Damaged
from aio_token._errors import StoreError, Superseded
from aio_token.stores.codec import NOTHING

if TYPE_CHECKING:
    from aio_token._credential import Credential
    from aio_token.stores._lease import Lease
    from aio_token.stores._leased import LeasedStore
    from aio_token.stores._shelf import Kept, Shelf

_logger = logging.getLogger("aio_token")


class LeasedSlot:
    """The shelf in the hands of a holder; `kept` is what it holds at that moment, as far as this holder knows."""

    def __init__(self, store: LeasedStore, shelf: Shelf, lease: Lease, kept: Kept) -> None:
        self._store = store
        self._shelf = shelf
        self._lease = lease
        self._kept = kept
        self._is_news = True  # what came with the lease need not be read again
        self._read: Credential | None = None

    @property
    def lasts(self) -> float | None:
        """For how many seconds more no other host can hold the store."""
        return self._lease.lasts

    async def load(self) -> Credential | None:
        """Return what is kept; a damaged record is set aside first. Raises `StoreError`."""
        if not self._is_news:
            self._kept = await self._store.asked(self._shelf.read())
        self._is_news = False
        try:
            self._read = await self._store.read(self._kept)
        except Damaged as damage:
            _logger.warning("%r is damaged (%s): set aside and treated as empty", self._store, damage)
            await self._store.asked(self._shelf.set_aside(_new_version(), self._kept.version))
            self._kept = await self._store.asked(self._shelf.read())
            self._read = None
        return self._read

    async def save(self, credential: Credential) -> None:
        """Replace what this holder has read. Raises `Superseded` if there is something else by now, and `StoreError`."""
        record = await self._store.written(credential)
        while not await self._wrote(record, credential):
            before, self._kept, self._is_news = self._read, await self._store.asked(self._shelf.read()), True
            if not _is_later(credential, before, await self._store.read(self._kept)):
                message = f"another host has written to {self._store!r} since it was read"
                raise Superseded(message)

    async def delete(self) -> None:
        """Keep nothing, whoever wrote. Raises `StoreError`."""
        while not await self._wrote(None, None):
            self._kept = await self._store.asked(self._shelf.read())

    async def probe(self) -> None:
        """Have the server say what is wrong with it, and keep what is there once more. Raises `StoreError`."""
        complaint = await self._store.asked(self._shelf.complaint())
        if complaint is not None:
            message = f"{self._store!r}: {complaint}"
            raise StoreError(message)
        kept = await self.load()
        if kept is not None:
            await self.save(kept)
        elif await self._wrote(NOTHING, None):
            await self.delete()

    async def _wrote(self, record: bytes | memoryview | None, credential: Credential | None) -> bool:
        """Write over what this holder has read, and nothing else; tell whether that was still there."""
        version, content = _new_version(), record if record is None else bytes(record)
        if not await self._store.asked(self._shelf.write(content, version, self._kept.version)):
            return False
        self._kept = replace(self._kept, record=content, version=version)
        self._read, self._is_news = credential, False
        return True


def _new_version() -> str:
    return secrets.token_hex(8)


def _is_later(ours: Credential, before: Credential | None, found: Credential | None) -> bool:
    """Whether ours goes over what another host wrote, after both had read the same (law J1).

    That is so for a server that does not rotate: then the token that was obtained later counts, and a mark never does.
    """
    if before is None or found is None or ours.spending_since is not None:
        return False
    of_one_session = ours.refresh_token == before.refresh_token == found.refresh_token
    return of_one_session and (ours.obtained_at or 0.0) > (found.obtained_at or 0.0)
