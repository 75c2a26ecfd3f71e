"""JSON as a person is shown it: indented, without secrets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aio_token.observe.request_log.secret_names import looks_like_a_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from aio_token.observe.request_log.secret_names import SecretNames


def redacted_json(
    text: str, names: SecretNames | None, hide: Callable[[str], str], redacted: Callable[[str], str]
) -> str:
    """Return JSON with `hide` over what has a secret's name and `redacted` over all other texts.

    Raises ValueError if the text is no JSON object or array; None for `names` hides nothing.
    """
    try:
        value = json.loads(text)
        if names is not None and isinstance(value, dict | list):
            value = _Walk(names, hide, redacted).over(value)
        shown = json.dumps(value, indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        shown = ""  # the parser's error quotes the text
    if not shown.startswith(("{", "[")):
        message = "it is no JSON object or array"
        raise ValueError(message)
    return shown


class _Walk:
    __slots__ = ("_hide", "_names", "_redacted")

    def __init__(self, names: SecretNames, hide: Callable[[str], str], redacted: Callable[[str], str]) -> None:
        self._names = names
        self._hide = hide
        self._redacted = redacted

    def over(self, value: object) -> object:
        match value:
            case dict():
                # {"name": "password", "value": ...}, as some APIs spell their members
                spelled = next((value[key] for key in ("name", "key") if isinstance(value.get(key), str)), "")
                return {
                    self._redacted(name): self._member(spelled if name == "value" and spelled else name, member)
                    for name, member in value.items()
                }
            case list():
                return [self.over(item) for item in value]
            case str():
                return self._inner(value)
            case _:
                return value

    def _member(self, name: str, value: object) -> object:
        if value is None or value == "" or isinstance(value, bool):
            return value
        if self._names.sure(name) and not (isinstance(value, int | float) and name.lower().endswith("tokens")):
            return self._all_hidden(value)
        if isinstance(value, str) and self._names.likely(name) and looks_like_a_token(value):
            return self._hide(value)
        return self.over(value)

    def _all_hidden(self, value: object) -> object:
        """Hide everything below, names too, and know each leaf from then on."""
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            self._all_hidden(item)
        return self._hide(value if isinstance(value, str) else json.dumps(value))

    def _inner(self, text: str) -> str:
        """Redact a text, which may be JSON within JSON."""
        if text.startswith(("{", "[")):
            try:
                return json.dumps(self.over(json.loads(text)), ensure_ascii=False)
            except ValueError:
                pass
        return self._redacted(text)
