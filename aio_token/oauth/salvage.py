"""Reads what can be read of an answer that is no JSON as a whole: cut off, nested too deep, or in another encoding.

A refresh token in it is the only one there is, as the server has taken back the one before.
"""

from __future__ import annotations

import json
import re
from typing import Any

# What stands before a string or a mark, and that; it ends where a string is cut off.
_PIECE = re.compile(r'([^"{}\[\],:]*+)("[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\],:])', re.DOTALL)
_LONGEST_NUMBER = 64  # characters
_LATEST = 32  # characters before an object, as against its use by other sites: `)]}',`, `for(;;);`, a list, a call
_DEEPEST = 4  # objects within each other: servers put a token no deeper


def salvaged(body: bytes) -> dict[str, Any]:
    """Return the texts and numbers of an object and of the outer objects in it, as far as it goes.

    In time that its length is worth.
    """
    text = body.decode("utf-8", errors="replace")
    at = text.find("{", 0, _LATEST)
    if at < 0 or "<" in text[:at]:
        return {}
    pieces = _Pieces()
    while found := _PIECE.match(text, at):
        at = found.end()
        pieces.take(found[1], found[2])
    return pieces.whole


def has_refresh_token(body: bytes) -> bool:
    """Whether there is a refresh token in what can be read of it; one that is cut off is none."""
    pending: list[Any] = [salvaged(body)]
    while pending:
        one = pending.pop()
        told = one.get("refresh_token")
        if told and isinstance(told, str):
            return True
        pending += [inner for inner in one.values() if isinstance(inner, dict)]
    return False


class _Pieces:
    """The objects that are open, one within the other; None for a list, and for one that is too deep."""

    __slots__ = ("_is_named", "_name", "_open", "whole")

    def __init__(self) -> None:
        self.whole: dict[str, Any] = {}
        self._open: list[dict[str, Any] | None] = []
        self._name: str | None = None
        self._is_named = False  # a colon came after the name

    def take(self, before: str, piece: str) -> None:
        """Go on by one string or mark, and what stood before it."""
        mark = piece[0]
        home = self._open[-1] if self._open else None
        if mark in "{[":
            self._enter(home, mark)
        elif mark == '"' and not self._is_named:
            self._name = _text(piece)
        elif mark == ":":
            self._is_named = True
        else:
            if home is not None and self._name is not None and self._is_named:
                value = _text(piece) if mark == '"' else _number(before)
                if value is not None:
                    home.setdefault(self._name, value)
            self._name = None
            if mark in "}]":
                del self._open[-1:]
            if mark == ",":
                self._is_named = False

    def _enter(self, home: dict[str, Any] | None, mark: str) -> None:
        inner: dict[str, Any] | None = None
        if mark == "{" and not self._open:
            inner = self.whole
        elif mark == "{" and home is not None and self._name is not None and len(self._open) < _DEEPEST:
            inner = home.setdefault(self._name, {})
        self._open.append(inner if isinstance(inner, dict) else None)
        self._name, self._is_named = None, False


def _text(quoted: str) -> str | None:
    try:
        return str(json.loads(quoted, strict=False))
    except ValueError:
        return None


def _number(literal: str) -> float | None:
    try:
        return float(literal) if len(literal) <= _LONGEST_NUMBER else None
    except ValueError:
        return None
