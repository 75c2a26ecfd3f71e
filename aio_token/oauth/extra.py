"""What else came with a token, kept within bounds (law H2)."""

from __future__ import annotations

from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_EXTRA = 65_536  # characters of all members together, as JSON has them: they are written at every save
MAX_DEPTH = 32  # levels within a member
_ITEM = 8  # characters that a number, a bracket or a separator counts for


def bounded(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members that can be kept: none that is nested too deep, nor more than fits."""
    left = MAX_EXTRA
    kept: dict[str, Any] = {}
    for name, value in members.items():
        named = len(encode_basestring_ascii(name))
        size = _size(value, left - named)
        if size is not None:
            kept[name] = value
            left -= named + size
    return kept


def _size(value: object, most: int) -> int | None:
    """Return about how many characters the value takes, None if it is over `most` or nested too deep.

    It walks without recursion, and no further than that.
    """
    size = 0
    pending: list[tuple[object, int]] = [(value, 0)]
    while pending:
        one, depth = pending.pop()
        inner: list[object] = []
        size += _ITEM
        if isinstance(one, str):
            size += len(one) if len(one) > most else len(encode_basestring_ascii(one))
        elif isinstance(one, int) and not isinstance(one, bool):
            size += one.bit_length() // 3
        elif isinstance(one, dict):
            inner = [*one, *one.values()]
        elif isinstance(one, list):
            inner = one
        if size + _ITEM * len(inner) > most or depth > MAX_DEPTH:
            return None
        pending += [(each, depth + 1) for each in inner]
    return size
