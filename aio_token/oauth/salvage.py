"""Reads what can be read of an answer that is no JSON as a whole: cut off, nested too deep, or in another encoding.

A refresh token in it is the only one there is, as the server has taken back the one before.
"""

from __future__ import annotations

import json
import re

# What stands before a string or a mark, and that; it ends where a string is cut off.
_PIECE = re.compile(r'([^"{}\[\],:]*+)("[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\],:])', re.DOTALL)
_LONGEST_NUMBER = 64  # characters


def salvaged(body: bytes) -> dict[str, str | float]:
    """Return the texts and numbers at the top of an object, as far as it goes; in time that its length is worth."""
    text = body.decode("utf-8", errors="replace")
    members: dict[str, str | float] = {}
    if not text.lstrip("\ufeff \t\r\n").startswith("{"):
        return members
    depth, at = 0, 0
    name: str | None = None
    is_named = False  # a colon came after the name
    while found := _PIECE.match(text, at):
        at = found.end()
        mark = found[2][0]
        if mark in "{[":
            depth += 1
        elif depth == 1 and mark == '"' and not is_named:
            name = _text(found[2])
        elif depth == 1 and mark == ":":
            is_named = True
        elif depth == 1 and name is not None and is_named and mark in '",}':
            value = _text(found[2]) if mark == '"' else _number(found[1])
            if value is not None:
                members.setdefault(name, value)
            name = None
        if mark in "}]":
            depth -= 1
        if mark == "," and depth == 1:
            name, is_named = None, False
    return members


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
