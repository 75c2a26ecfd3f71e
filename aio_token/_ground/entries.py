"""What stands beside a session in its record: a bounded number of entries, and no more than a store takes (law E5)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST = 16
"""Entries of a kind that a record keeps; one more takes the place of the one that was written longest ago."""

_ROOM = 262_144  # characters of all of a kind: a quarter of what a store takes


def fitting(entries: Mapping[str, Any], key: str, own: dict[str, Any] | None) -> dict[str, Any]:
    """Return the entries with one of them written anew, or without it.

    The oldest make room. A record that is too large would not be written, and the refresh token in it be lost.
    """
    kept = {} if own is None else {key: own}
    room = _ROOM - sum(map(_size, kept.values()))
    for name in reversed([name for name in entries if name != key]):
        room -= _size(entries[name])
        if room < 0 or len(kept) == MOST:
            break
        kept[name] = entries[name]
    return dict(reversed(kept.items()))


def _size(entry: object) -> int:
    return len(json.dumps(entry))
