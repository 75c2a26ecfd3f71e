"""Secrets that reach over more of a text than a word: what is within a secret's element, bracket or part of a body.

Each pattern here finds where such a thing begins; where it ends is looked up or counted, so that nothing is looked at
twice, whatever a server writes (law H1).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING, Literal

from aio_token.observe.request_log.shapes import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Callable

Held = Literal["all", "text", ""]
"""All that is within an element, the text up to the next tag, or nothing of it."""

_DELIMITER = re.compile(r"^--([^\s-][^\r\n]{0,199})\r?\n(?=(?i:content-|[\w-]{1,40}:))", re.MULTILINE)
_HEAD = re.compile(r"\A(?:[^\r\n]++\r?\n)++\r?\n")
_DISPOSITION = re.compile(r"^content-disposition:", re.IGNORECASE | re.MULTILINE)
_CLOSING = re.compile(r"</([\w.:-]++)")
_ELEMENT = re.compile(
    r"(<((?:[\w.-]{1,64}:)?([\w.-]{1,64}))(?:\s[^<>]*+)?>\s*+)(<!\[CDATA\[.*?(?:\]\]>|\Z)|[^<]*+)", re.DOTALL
)
_BRACKET = re.compile(r"\"(?:[^\"\\]++|\\.)*+(?:\"|\Z)|[{}\[\]]", re.DOTALL)


def without_parts(text: str) -> str:
    """Hide what the parts of a multipart body hold, but for parts that are no fields of a form (RFC 7578)."""
    found = _DELIMITER.search(text)
    if found is None:
        return text
    before, *parts = text.split(f"--{found[1]}")
    return f"--{found[1]}".join([before, *map(_without_content, parts)])


def _without_content(part: str) -> str:
    start = len(part) - len(part.lstrip("\r\n"))
    head = _HEAD.match(part[start:])
    if head is None or _DISPOSITION.search(head[0]) is None:
        return part
    end = "\r\n" if part.endswith("\r\n") else "\n" if part.endswith("\n") else ""
    return f"{part[:start]}{head[0]}{HIDDEN}{end}"


def end_of_brackets(text: str, start: int) -> int:
    """Return where the object or array ends that begins at `start`: behind its last bracket, or with the text."""
    depth = 0
    for found in _BRACKET.finditer(text, start):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(found[0], 0)
        if depth == 0:
            return found.end()
    return len(text)


def end_of_line(text: str, start: int) -> int:
    """Return where the line ends."""
    end = text.find("\n", start)
    return len(text) if end < 0 else end


def end_of_block(text: str, end: int, indent: str) -> int:
    """Return the end of the lines that belong to one that ends at `end` and is indented so much (YAML)."""
    while end < len(text):
        after = end_of_line(text, end + 1)
        line = text[end + 1 : after]
        if line.strip() and not line.startswith((f"{indent} ", f"{indent}\t", f"{indent}- ")):
            break
        end = after
    return end


def without_elements(
    text: str,
    held: Callable[[str, str, str], Held],
    is_name: Callable[[str, str], bool],
    hide: Callable[[str], str],
) -> str:
    """Hide what is within the elements of XML and HTML that hold secrets.

    `held` tells by a tag, its name, and the text behind it, how much of an element is a secret; `is_name` whether one,
    by its name and its text, names what the next one holds, as in `<key>password</key><string>...</string>`.
    """
    closings: dict[str, list[int]] = {}
    for closing in _CLOSING.finditer(text):
        closings.setdefault(closing[1], []).append(closing.start())
    pieces, shown, is_next = [], 0, False
    for found in _ELEMENT.finditer(text):
        tag, full, name, value = found.groups()
        if found.start() < shown or tag.rstrip().endswith("/>"):
            continue
        extent = "all" if is_next else held(tag, name, value)
        if not extent:
            is_next = is_name(name, value)
            continue
        begin, ends = found.start(4), closings.get(full, []) if extent == "all" else []
        place = bisect_left(ends, begin)
        end = ends[place] if place < len(ends) else found.end()
        inside = text[begin:end]
        pieces += [text[shown:begin], hide(inside) if inside.strip() else inside]
        shown, is_next = end, False
    return "".join([*pieces, text[shown:]])
