"""A store in front of another one, which is asked for all that is not said here.

A new word of the protocols of stores and slots is passed on here, once for all that stand before a store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aio_token._hold import may_lose_writes, time_left
from aio_token._interfaces import Probing
from aio_token._token import Unpicklable

if TYPE_CHECKING:
    from aio_token._credential import Credential
    from aio_token._interfaces import Slot, TokenStore


class Lens(Unpicklable):
    """A store that looks through to another one; how it is read and held is said by each."""

    __slots__ = ("_store",)

    def __init__(self, store: TokenStore) -> None:
        self._store = store

    def __repr__(self) -> str:
        return repr(self._store)

    @property
    def may_lose(self) -> bool:
        """What the store behind says."""
        return may_lose_writes(self._store)

    async def probe(self) -> None:
        """Find out whether a credential could be kept, as far as the store can tell. Raises `StoreError`."""
        if isinstance(self._store, Probing):
            await self._store.probe()


class SlotLens:
    """A slot that looks through to that of the store behind."""

    __slots__ = ("_slot",)

    def __init__(self, slot: Slot) -> None:
        self._slot = slot

    @property
    def lasts(self) -> float | None:
        """What the store behind says."""
        return time_left(self._slot)

    async def load(self) -> Credential | None:
        """Return what is kept. Raises `StoreError`."""
        return await self._slot.load()

    async def save(self, credential: Credential) -> None:
        """Keep the credential. Raises `StoreError`."""
        await self._slot.save(credential)

    async def delete(self) -> None:
        """Keep nothing. Raises `StoreError`."""
        await self._slot.delete()
