"""How the records of one store on a server are written and read: by its codec, with times of the server's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aio_token._disk.damage import Damaged
from aio_token._disk.durable import MAX_SIZE
from aio_token._disk.threads import Strand
from aio_token._disk.worker import Worker
from aio_token.stores._store_clock import shifted
from aio_token.stores.codec import PlainCodec, credential_of, to_json

if TYPE_CHECKING:
    from aio_token._clock import Clock
    from aio_token._credential import Credential
    from aio_token._ground.codec import Codec
    from aio_token._interfaces import TokenStore


class Records:
    """How one store's credentials are written: by its codec, and with times of the server's clock.

    What was read or written last is the same object when it is read again, whatever clocks say meanwhile.
    """

    def __init__(self, store: TokenStore, identity: str, codec: Codec, clock: Clock) -> None:
        self._store = store
        self._identity = identity
        self._codec = codec
        self._clock = clock
        self._strand = Strand()
        self._last: tuple[bytes, Credential] | None = None

    def __repr__(self) -> str:
        return repr(self._store)

    @property
    def may_lose(self) -> bool:
        """What the store says."""
        return self._store.may_lose

    async def written(self, credential: Credential, ahead_by: float) -> bytes:
        """Return what is to be kept. Raises `StoreError`."""
        content = await self.encoded(to_json(shifted(credential, ahead_by)))
        self._last = (content, credential)
        return content

    async def read(self, content: bytes, ahead_by: float) -> Credential | None:
        """Return what was kept. Raises `Damaged` and `StoreError`."""
        last = self._last
        if last is None or last[0] != content:
            kept = credential_of(await self._decoded(memoryview(content)), self._clock.time() + ahead_by)
            if kept is None:
                return None
            self._last = last = (content, shifted(kept, -ahead_by))
        return None if last[1].has_passed(self._clock.time()) else last[1]

    async def encoded(self, record: memoryview) -> bytes:
        """Return what the codec makes of it. Raises `StoreError`."""
        if isinstance(self._codec, PlainCodec):
            return bytes(record)
        async with Worker(self._strand) as worker:
            return bytes(await worker.call(self._codec.encode, record, self._identity))

    async def _decoded(self, content: memoryview) -> bytes | memoryview:
        refuse_too_large(content)
        if isinstance(self._codec, PlainCodec):
            return self._codec.decode(content, self._identity)
        async with Worker(self._strand) as worker:
            return await worker.call(self._codec.decode, content, self._identity)


def refuse_too_large(content: memoryview) -> None:
    """Raise `Damaged` for what no store has written."""
    if len(content) > MAX_SIZE:
        message = f"it is larger than {MAX_SIZE} bytes"
        raise Damaged(message)
