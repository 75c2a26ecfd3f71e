"""What stands beside a session in its record: members that no release of `Credential` reads, and all keep (law F3)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aio_token._credential import Credential
from aio_token._errors import StoreError
from aio_token._ground.value import replace

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST = 16
"""Entries that a member keeps; one more takes the place of the one that was renewed longest ago (law E5)."""

_ROOM = 262_144  # characters of a member's entries: a quarter of what a store takes


def member(record: Credential | None, name: str) -> Any:  # noqa: ANN401  a later release may have written it
    """Return a member, None if it is not there."""
    return _members(record).get(name)


def with_member(record: Credential, name: str, value: object, *, before: Credential | None = None) -> Credential:
    """Return the record with this member, without it for None; what else stands there is that of the record `before`.

    That is by default the record itself.
    """
    before = before or record
    members = {one: kept for one, kept in {**_members(before), name: value}.items() if one != name or value is not None}
    return replace(record, _unknown={**_parts(before), **_parts(record), "record": members})


def entries(record: Credential | None, name: str) -> dict[str, Any]:
    """Return the entries of a member that has some."""
    found = member(record, name)
    return found if isinstance(found, dict) else {}


def entry(record: Credential | None, name: str, key: str, **shared: object) -> Credential | None:
    """Return an entry as a credential, with what it shares with its session; None for what is none."""
    try:
        return Credential.from_json(json.dumps({**entries(record, name)[key], **shared}).encode())
    except (LookupError, TypeError, ValueError, StoreError):  # there is none yet, or a later release wrote it
        return None


def entries_with(record: Credential | None, name: str, key: str, own: object) -> dict[str, Any]:
    """Return the entries of a member with this one as the newest, without it for None.

    The oldest make room: a record that is too large would not be written, and the refresh token in it be lost.
    """
    kept = {} if own is None else {key: own}
    room, others = _ROOM - sum(map(_size, kept.values())), entries(record, name)
    for one in reversed([one for one in others if one != key]):
        room -= _size(others[one])
        if room < 0 or len(kept) == MOST:
            break
        kept[one] = others[one]
    return dict(reversed(kept.items()))


def _size(own: object) -> int:
    return len(json.dumps(own))


def session_in(record: Credential | None) -> Credential:
    """Return the session that a record holds, an empty one if there is none."""
    return record if record is not None and not record.is_tombstone else Credential()


def _members(record: Credential | None) -> Mapping[str, Any]:
    return _parts(record).get("record", {})


def _parts(record: Credential | None) -> Mapping[str, Mapping[str, object]]:
    return (record._unknown if record is not None else None) or {}  # noqa: SLF001  they are read here alone
