"""A server's own words, made fit for a message that a user may see."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_QUOTED = 100  # characters (law D6)
_LOOKED_AT = 4_096  # characters: a server decides how long its text is (law H1)
_MARGIN = 1_024  # characters of a secret that may stand where the text was cut
_LONG = re.compile(r"[\w\-+/=~.%]{20,}+", re.ASCII)
_LONGER = re.compile(r"[\w\-+/=~%]{40,}+", re.ASCII)
_ELLIPSIS = "..."


def quoted(text: object, secrets: Iterable[str] = ()) -> str:
    """Return at most 100 printable characters of the text, "" if it is none; its beginning alone is looked at.

    Servers repeat what they were sent, so `secrets` are taken out, and so is whatever looks like a token.
    """
    if not isinstance(text, str):
        return ""
    known = {
        form
        for secret in secrets
        if secret
        for form in (secret, quote(secret, "", errors="replace"), quote_plus(secret, errors="replace"))
    }
    longest_first = sorted(known, key=len, reverse=True)
    is_cut, text = len(text) > _LOOKED_AT, text[:_LOOKED_AT]
    for secret in longest_first:
        text = text.replace(secret, _ELLIPSIS)
    if is_cut and longest_first:  # half a secret may stand at the end
        text = text[: -min(len(longest_first[0]), _MARGIN)]
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    for secret in longest_first:  # once more, as what stood between its parts may be gone
        text = text.replace(secret, _ELLIPSIS)
    return _LONG.sub(_without_tokens, text)[:MAX_QUOTED].strip()


def _without_tokens(run: re.Match[str]) -> str:
    if any(letter.isdigit() for letter in run[0]):
        return _ELLIPSIS
    return _LONGER.sub(_ELLIPSIS, run[0])
