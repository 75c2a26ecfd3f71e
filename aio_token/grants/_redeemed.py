"""Which codes were presented in this process: what counts once is not shown twice."""

from __future__ import annotations

REMEMBERED = 10_000
"""Codes, of which the oldest are forgotten first."""


class Redeemed:
    """Remembers what was claimed, by name."""

    __slots__ = ("_names",)

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def claim(self, name: str) -> bool:
        """Whether it may be presented now, which no other may do from then on."""
        if name in self._names:
            return False
        self._names[name] = None
        if len(self._names) > REMEMBERED:
            del self._names[next(iter(self._names))]
        return True

    def release(self, name: str) -> None:
        """Let it be presented after all: it has not left this machine."""
        self._names.pop(name, None)
