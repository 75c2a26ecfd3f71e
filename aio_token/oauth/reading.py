"""Reads what a server sent: JSON whatever it is called, a form, or what can be read of either (law D0)."""

from __future__ import annotations

import json
import math
from typing import Any
from urllib.parse import parse_qsl

from aio_token.oauth.salvage import salvaged

_MOST_MEMBERS = 1_000  # of a form
_LONGEST_NAME = 64  # characters, of a form's first member


def members_of(body: bytes) -> tuple[dict[str, Any], bool]:
    """Return the members of an answer, and whether they are all of it; none at all if it is something else."""
    whole = read_object(body)
    if whole is None:
        whole = _form(body)
    return (salvaged(body), False) if whole is None else (whole, True)


def read_object(body: bytes) -> dict[str, Any] | None:
    """Read a JSON object, whatever content type it came with; None if it is none.

    Its tokens are ASCII. A person's name beside them may be in Latin-1, by declaration or by mistake. Servers that
    write what was written already send a text in which there is the object.
    """
    try:
        members = _json(body)
    except UnicodeDecodeError:
        members = _json(body.decode("latin-1"))
    if isinstance(members, str):
        members = _json(members)
    return members if isinstance(members, dict) else None


def _json(text: bytes | str) -> Any:  # noqa: ANN401  whatever there is
    """Return what JSON says, None if it is none. Raises UnicodeDecodeError."""
    try:
        return json.loads(text, parse_int=_whole_number)
    except UnicodeDecodeError:
        raise
    except (ValueError, RecursionError):
        return None


def _whole_number(digits: str) -> float:
    try:
        return int(digits)
    except ValueError:  # Python reads no integer of more than 4,300 digits
        return math.inf


def _form(body: bytes) -> dict[str, Any] | None:
    """Read a form (application/x-www-form-urlencoded), None if it is none: a page, a sentence, nothing.

    Of a member that came several times the first counts.
    """
    text = body.decode("latin-1").strip()
    name, is_pair, _ = text.partition("=")
    named = name[: _LONGEST_NAME + 1]
    if not is_pair or len(named) > _LONGEST_NAME or not named.replace(".", "_").replace("-", "_").isidentifier():
        return None
    if any(letter.isspace() for letter in text):
        return None
    try:
        pairs = parse_qsl(text, max_num_fields=_MOST_MEMBERS)
    except ValueError:
        return None
    return dict(reversed(pairs))
