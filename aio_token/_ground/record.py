"""The members of a stored record, each read as what it should be."""

from __future__ import annotations

import json

from aio_token._ground import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

_LATEST = 1e15  # POSIX seconds, and counts; also keeps NaN, infinity and integers beyond any float out


class Members:
    """A JSON object of a record; its own repr shows none of it.

    Everything raises ValueError, with no part of the text in it, for what is something else.
    """

    __slots__ = ("_members",)

    def __init__(self, members: object) -> None:
        if not isinstance(members, dict):
            message = "it is not a JSON object"
            raise ValueError(message)  # noqa: TRY004  "corrupt" is one thing to its reader, whatever the detail
        self._members: dict[str, Any] = members

    @classmethod
    def of(cls, text: bytes) -> Members:
        """Parse JSON."""
        try:
            members = json.loads(text)
        except (ValueError, RecursionError):
            message = "it is not JSON"
            raise ValueError(message) from None  # the parser's error quotes the text
        return cls(members)

    @property
    def version(self) -> int:
        """The version of the record's schema, 0 if there is none."""
        version = self._members.get("version")
        return version if isinstance(version, int) and not isinstance(version, bool) else 0

    def beside(self, *known: str) -> dict[str, object]:
        """Return the members that are not among the known ones."""
        return {name: value for name, value in self._members.items() if name not in known}

    def part(self, name: str) -> Members | None:
        """Return an object within this one."""
        return None if self._members.get(name) is None else Members(self._members[name])

    def text(self, name: str) -> str | None:
        """Return a text."""
        value = self._members.get(name)
        if value is None or isinstance(value, str):
            return value
        raise _wrong(name)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self._members.get(name, [])
        if isinstance(value, list) and all(isinstance(text, str) for text in value):
            return tuple(value)
        raise _wrong(name)

    def whole(self, name: str) -> int:
        """Return a whole number that is not negative."""
        value = self._members.get(name, 0)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LATEST:
            return value
        raise _wrong(name)

    def flag(self, name: str) -> bool:
        """Return whether it is so."""
        value = self._members.get(name, False)
        if isinstance(value, bool):
            return value
        raise _wrong(name)

    def time(self, name: str) -> float | None:
        """Return POSIX seconds."""
        value = self._members.get(name)
        if value is None:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LATEST:
            return value
        raise _wrong(name)


def _wrong(name: str) -> ValueError:
    return ValueError(f"its {name} is not what it should be")
