"""A store in the sight of those to whom its record says something else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aio_token._lens.store import Lens, SlotLens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_token._credential import Credential
    from aio_token._interfaces import Slot


class View(Lens, ABC):
    """Shows a part of the record as if it were all; what is saved is put to what was last read in this hold."""

    __slots__ = ()

    @abstractmethod
    def seen(self, record: Credential | None) -> Credential | None:
        """Return what is seen of the record."""

    @abstractmethod
    def written(self, record: Credential | None, seen: Credential) -> Credential:
        """Return the record with what was changed in this sight of it. Raises `StoreError`."""

    def left(self, record: Credential | None) -> Credential | None:  # noqa: ARG002  for those that leave something
        """Return what is left of the record when what is seen of it is deleted, None for nothing."""
        return None

    async def load(self) -> Credential | None:
        """Return what is seen."""
        return self.seen(await self._store.load())

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[_ViewSlot]:
        """Exclude every other holder, those who see something else too."""
        async with self._store.exclusive() as slot:
            yield _ViewSlot(slot, self)


class _ViewSlot(SlotLens):
    __slots__ = ("_record", "_view")

    def __init__(self, slot: Slot, view: View) -> None:
        super().__init__(slot)
        self._view = view
        self._record: Credential | None = None

    async def load(self) -> Credential | None:
        self._record = await super().load()
        return self._view.seen(self._record)

    async def save(self, credential: Credential) -> None:
        await self._write(self._view.written(self._record, credential))

    async def delete(self) -> None:
        left = self._view.left(self._record)
        await (super().delete() if left is None else self._write(left))

    async def _write(self, record: Credential) -> None:
        await super().save(record)
        self._record = record
