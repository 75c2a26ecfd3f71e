"""What listing has in common, wherever accounts are kept: every record is read."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from aio_token._disk.damage import Damaged
from aio_token._disk.threads import Strand
from aio_token._disk.worker import Worker
from aio_token._errors import KeyUnavailable, StoreError
from aio_token._ground.value import Value
from aio_token.stores._arguments import lease_of
from aio_token.stores._records import refuse_too_large
from aio_token.stores._shared import Shared
from aio_token.stores._store_clock import ahead, shifted
from aio_token.stores.codec import codec_of, credential_of
from aio_token.stores.many.record import NamedRecord, is_due, is_there

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from aio_token._clock import Clock
    from aio_token._credential import Credential
    from aio_token._ground.codec import Codec

_logger = logging.getLogger("aio_token")


class Listed(Shared):
    """Names the accounts of those that can read all records."""

    async def names(self) -> AsyncIterator[str]:
        """Return the names of the accounts that something is kept of. Raises `StoreError`."""
        async for name, _ in self._records():
            yield name

    async def due(self, before: float) -> AsyncIterator[str]:
        """Return the names whose refresh token ends before that moment (POSIX seconds). Raises `StoreError`."""
        async for name, credential in self._records():
            if is_due(credential, before):
                yield name

    def _records(self) -> AsyncIterator[tuple[str, Credential]]:
        """Read what is there, and leave out what cannot be read, with a warning."""
        raise NotImplementedError  # each kind of store's own


class Page(Value):
    """Some records of a server by their keys, what time it is there, and when it was asked by ours."""

    contents: Sequence[tuple[str, bytes]]
    now: float
    asked_at: float

    def __repr__(self) -> str:
        return f"<Page of {len(self.contents)}>"


class ListedOnServer(Listed):
    """Reads all records of a server, page by page."""

    def __init__(self, codec: Codec | None, *, lease: float, clock: Clock) -> None:
        self._codec: Codec = codec_of(codec)
        self._lease = lease_of(lease)
        self._clock = clock

    def _pages(self) -> AsyncIterator[Page]:
        """Read the records that are there."""
        raise NotImplementedError  # each kind of store's own

    def _identity(self, key: str) -> str:
        """Name the place of an account's record for the codec."""
        raise NotImplementedError  # each kind of store's own

    async def _records(self) -> AsyncIterator[tuple[str, Credential]]:
        strand = Strand()
        async for page in self._pages():
            ahead_by = ahead(page.now, asked_at=page.asked_at, now=self._clock.time())
            async with Worker(strand) as worker:
                records = await worker.call(self._read, page, ahead_by)
            for record in records:
                yield record

    def _read(self, page: Page, ahead_by: float) -> list[tuple[str, Credential]]:
        records = []
        for key, content in page.contents:
            record, identity = NamedRecord(self._codec, key), self._identity(key)
            try:
                refuse_too_large(memoryview(content))
                credential = credential_of(record.decode(memoryview(content), identity), page.now)
            except KeyUnavailable:  # no other record could be read either
                raise
            except (Damaged, StoreError) as trouble:
                _logger.warning("%s is left out of the accounts: %s", identity, trouble)
                continue
            if is_there(credential):
                records.append((record.name, shifted(credential, -ahead_by)))
        return records
