"""JSON as a person is shown it: indented, without secrets, and no more of it made than is shown."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, cast

from aio_token.observe.request_log.secret_names import PRIVATE_OF_JWK
from aio_token.observe.request_log.shapes import CUT, HIDDEN

if TYPE_CHECKING:
    from aio_token.observe.request_log.texts import Texts

_LARGEST = 65_536  # characters; JSON is read as a whole, in about 5 ms
_DEEPEST = 32  # levels
_LONGEST_NAME = 200  # characters
_MOST_LEAVES = 64  # below a secret's name, to be looked for elsewhere
_SPELLING = (
    *("attribute", "field", "header", "id", "key", "label", "name", "param", "parameter", "property", "type"),
    "variable",
)
_SPELT = ("content", "default", "val", "vals", "value", "values")
_MARGIN = 100  # characters before JSON within JSON that may be white
_ARGUMENT = re.compile(r"\b(\w++)\s{0,8}:\s{0,8}\$(\w++)")  # of a field of GraphQL
_OF_A_KIND = {"data", "items", "stringData"}  # {"kind": "Secret", "data": ...} of Kubernetes


def shown_json(text: str, redactor: Texts, longest: int) -> str:
    """Return JSON without secrets, at most so many characters of it and then a mark that it is cut.

    Raises ValueError if the text is no JSON object or array, or too large to be read.
    """
    value = _container(text) if len(text) <= _LARGEST else None
    if value is None:
        message = "it is no JSON object or array"
        raise ValueError(message)
    return _Printer(redactor, longest).printed(value, 0)


def _container(text: str) -> dict[str, object] | list[object] | None:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None  # the parser's error quotes the text
    return cast("dict[str, object] | list[object]", value) if isinstance(value, dict | list) else None


class _Full(Exception):
    """As much is printed as is shown."""


class _Printer:
    __slots__ = ("_compact", "_left", "_pieces", "_redactor")

    def __init__(self, redactor: Texts, longest: int, *, compact: bool = False) -> None:
        self._redactor = redactor
        self._left = longest
        self._compact = compact
        self._pieces: list[str] = []

    def printed(self, value: object, depth: int) -> str:
        try:
            self._value("", value, depth)
        except _Full:
            self._pieces.append(CUT)
        return "".join(self._pieces)

    def _put(self, text: str) -> None:
        self._pieces.append(text[: self._left])
        self._left -= len(text)
        if self._left < 0 or self._redactor.budget.spent:
            raise _Full

    def _value(self, name: str, value: object, depth: int) -> None:
        if self._redactor.hides(name, value):
            self._put(_text(self._hidden(value)))
        elif isinstance(value, dict):
            self._object(cast("dict[str, object]", value), depth)
        elif isinstance(value, list):
            self._array(name, cast("list[object]", value), depth)
        elif isinstance(value, str):
            self._put(_text(self._inner(value, depth)))
        else:
            self._put(json.dumps(value))

    def _object(self, members: dict[str, object], depth: int) -> None:
        spelt, is_kind = self._spelt(members), self._redactor.names.sure(str(members.get("kind", "")))
        private = PRIVATE_OF_JWK if "kty" in members else ()
        if "variables" in members and isinstance(query := members.get("query"), str):
            self._redactor.names.add(
                each[2] for each in _ARGUMENT.finditer(query) if self._redactor.names.sure(each[1])
            )
        hides = self._redactor.hides
        for index, (name, value) in enumerate(members.items()):
            self._put(self._start("{", index, depth))
            self._put(_text(self._redactor.inner(name, _LONGEST_NAME)) + ": ")
            if (
                (name.lower().endswith(_SPELT) and hides(spelt, value))
                or (name in private and hides("private_key", value))
                or (is_kind and name in _OF_A_KIND and hides("secret", value))
            ):
                self._put(_text(self._hidden(value)))
            else:
                self._value(name, value, depth + 1)
        self._put(self._end("{", "}", depth, empty=not members))

    def _spelt(self, members: dict[str, object]) -> str:
        """Return the name that a secret has in {"name": "password", "value": ...}, or as JSON Patch and SCIM say it."""
        spelling = [
            each for name, each in members.items() if isinstance(each, str) and name.lower().endswith(_SPELLING)
        ]
        if "op" in members and isinstance(path := members.get("path"), str):
            spelling.append(path.rpartition("/")[2])
        return next(filter(self._redactor.names.parameter, spelling), "")

    def _array(self, name: str, items: list[object], depth: int) -> None:
        before = ""
        for index, item in enumerate(items):
            self._put(self._start("[", index, depth))
            # ["password", ...], as some write pairs
            self._value(before if index % 2 and self._redactor.names.sure(before) else name, item, depth + 1)
            before = item if isinstance(item, str) else ""
        self._put(self._end("[", "]", depth, empty=not items))

    def _start(self, bracket: str, index: int, depth: int) -> str:
        if depth >= _DEEPEST:
            self._pieces.append(bracket)
            raise _Full
        if self._compact:
            return ", " if index else bracket
        return ("," if index else bracket) + "\n" + "  " * (depth + 1)

    def _end(self, bracket: str, end: str, depth: int, *, empty: bool) -> str:
        if empty:
            return bracket + end
        return end if self._compact else "\n" + "  " * depth + end

    def _hidden(self, value: object) -> str:
        """Hide everything below, names too, and know each leaf from then on."""
        below, left = [value], _MOST_LEAVES
        while below and left:
            each = below.pop()
            left -= 1
            if isinstance(each, dict | list):
                below.extend(each.values() if isinstance(each, dict) else each)
            else:
                self._redactor.hide(each if isinstance(each, str) else json.dumps(each))
        return HIDDEN

    def _inner(self, text: str, depth: int) -> str:
        """Redact a text, which may be JSON within JSON."""
        value = _container(text) if text[:_MARGIN].lstrip("\ufeff \t\r\n").startswith(("{", "[")) else None
        if value is None:
            return self._redactor.inner(text, self._left)
        return _Printer(self._redactor, self._left, compact=True).printed(value, depth)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
