"""Other sessions of the same person and client, in the record of the session that they stand beside and end with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aio_token._lens.beside import entries, entries_with, entry, session_in, with_member
from aio_token._lens.view import View

if TYPE_CHECKING:
    from aio_token._credential import Credential
    from aio_token._interfaces import TokenStore

_MEMBER = "agreed"


def sessions_beside(record: Credential | None) -> list[Credential]:
    """Return the sessions that stand beside that of a record."""
    found = (entry(record, _MEMBER, key) for key in entries(record, _MEMBER))
    return [one for one in found if one is not None]


class StoreBeside(View):
    """A session's store, in the sight of a session that stands beside it in its record."""

    __slots__ = ("_key",)

    def __init__(self, store: TokenStore, key: str) -> None:
        super().__init__(store)
        self._key = key

    def seen(self, record: Credential | None) -> Credential | None:
        """Return this session."""
        return entry(record, _MEMBER, self._key)

    def written(self, record: Credential | None, seen: Credential) -> Credential:
        """Return the record with this session."""
        return self._with(record, json.loads(seen.to_json()))

    def left(self, record: Credential | None) -> Credential:
        """Return the record without this session; the one that it stood beside stays."""
        return self._with(record, None)

    def _with(self, record: Credential | None, own: object) -> Credential:
        whole = session_in(record)
        return with_member(whole, _MEMBER, entries_with(whole, _MEMBER, self._key, own))
