"""Other sessions of the same person and client, in the record of the session that they stand beside and end with."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aio_token._credential import Credential
from aio_token._errors import StoreError
from aio_token._ground.entries import fitting
from aio_token._hold import may_lose_writes, time_left
from aio_token._interfaces import Probing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_token._interfaces import Slot, TokenStore

_MEMBER = "agreed"


def sessions_beside(record: Credential | None) -> list[Credential]:
    """Return the sessions that stand beside that of a record."""
    found = (_seen(record, key) for key in _entries(record))
    return [one for one in found if one is not None]


class StoreBeside:
    """A session's store, in the sight of a session that stands beside it in its record."""

    def __init__(self, store: TokenStore, key: str) -> None:
        self._store = store
        self._key = key

    def __repr__(self) -> str:
        return repr(self._store)

    @property
    def may_lose(self) -> bool:
        """What the store says."""
        return may_lose_writes(self._store)

    async def load(self) -> Credential | None:
        """Return what is kept."""
        return _seen(await self._store.load(), self._key)

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[_SlotBeside]:
        """Exclude every other holder, those of the session itself too."""
        async with self._store.exclusive() as slot:
            yield _SlotBeside(slot, self._key)

    async def probe(self) -> None:
        """Find out whether a credential could be kept, as far as the store can tell. Raises `StoreError`."""
        if isinstance(self._store, Probing):
            await self._store.probe()


class _SlotBeside:
    """The store that is held."""

    def __init__(self, slot: Slot, key: str) -> None:
        self._slot = slot
        self._key = key
        self._record: Credential | None = None

    @property
    def lasts(self) -> float | None:
        """What the store says."""
        return time_left(self._slot)

    async def load(self) -> Credential | None:
        """Return what is kept."""
        self._record = await self._slot.load()
        return _seen(self._record, self._key)

    async def save(self, credential: Credential) -> None:
        """Keep it. Raises `StoreError`."""
        await self._write(credential)

    async def delete(self) -> None:
        """Keep nothing of it; the session itself stays."""
        await self._write(None)

    async def _write(self, credential: Credential | None) -> None:
        record = _written(self._record, self._key, credential)
        await self._slot.save(record)
        self._record = record


def _seen(record: Credential | None, key: str) -> Credential | None:
    try:
        return Credential.from_json(json.dumps(_entries(record)[key]).encode())
    except (LookupError, ValueError, StoreError):  # there is none yet, or a later release wrote it
        return None


def _written(record: Credential | None, key: str, credential: Credential | None) -> Credential:
    whole = record if record is not None and not record.is_tombstone else Credential()
    own = None if credential is None else json.loads(credential.to_json())
    unknown = dict(whole._unknown or {})  # noqa: SLF001  they are kept and written with it
    unknown["record"] = {**unknown.get("record", {}), _MEMBER: fitting(_entries(whole), key, own)}
    return replace(whole, _unknown=unknown)


def _entries(record: Credential | None) -> dict[str, Any]:
    beside = (record._unknown or {}).get("record", {}) if record is not None else {}  # noqa: SLF001  the same
    entries = beside.get(_MEMBER)
    return entries if isinstance(entries, dict) else {}
