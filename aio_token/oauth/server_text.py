"""A server's own words, made fit for a message that a user may see."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_QUOTED = 300  # characters (law D6)
_LOOKED_AT = 2_048  # characters: a server decides how long its text is (law H1)
_LONG = re.compile(r"[\w\-+/=~.%]{20,}+", re.ASCII)
_LONGER = re.compile(r"[\w\-+/=~%]{40,}+", re.ASCII)
_ELLIPSIS = "..."


def quoted(text: object, secrets: Iterable[str] = ()) -> str:
    """Return at most 300 printable characters of the text, with an ellipsis where it is cut, "" if it is none.

    Servers repeat what they were sent, so `secrets` are taken out, and so is whatever looks like a token. No more than
    the beginning of a text is looked at.
    """
    if not isinstance(text, str):
        return ""
    is_cut = len(text) > _LOOKED_AT
    known = sorted(_forms(secrets), key=len, reverse=True)
    said = _without(text[:_LOOKED_AT], known, is_cut=is_cut)
    said = " ".join("".join(letter if letter.isprintable() else " " for letter in said).split())
    said = _without(said, known, is_cut=is_cut)  # once more, as what stood between its parts may be gone
    said = _LONG.sub(_without_tokens, said).strip()
    if is_cut or len(said) > MAX_QUOTED:
        said = said[: MAX_QUOTED - len(_ELLIPSIS)].rstrip() + _ELLIPSIS
    return said


def _forms(secrets: Iterable[str]) -> set[str]:
    """Return the secrets as a server may repeat them; a long one may be a token that it has just given."""
    begun = [secret[:_LOOKED_AT] for secret in secrets if secret]
    written = (quote(secret, "", errors="replace") for secret in begun)
    return {*begun, *written, *(quote_plus(secret, errors="replace") for secret in begun)}


def _without(text: str, secrets: list[str], *, is_cut: bool) -> str:
    """Take secrets out; where a text was cut, the beginning of one at its end as well."""
    for secret in secrets:
        text = text.replace(secret, _ELLIPSIS)
        if is_cut:
            lengths = range(min(len(secret), len(text)), 0, -1)
            text = text[: len(text) - next((length for length in lengths if text.endswith(secret[:length])), 0)]
    return text


def _without_tokens(run: re.Match[str]) -> str:
    if any(letter.isdigit() for letter in run[0]):
        return _ELLIPSIS
    return _LONGER.sub(_ELLIPSIS, run[0])
