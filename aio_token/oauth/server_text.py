"""A server's own words, made fit for a message that a user may see."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_QUOTED = 100  # characters (law D6)
_LIKE_A_TOKEN = re.compile(r"(?=\S*\d)[\w\-+/=~.%]{20,}|[\w\-+/=~%]{40,}", re.ASCII)
_ELLIPSIS = "..."


def quoted(text: object, secrets: Iterable[str] = ()) -> str:
    """Return at most 100 printable characters of the text, "" if it is none.

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
    for secret in longest_first:
        text = text.replace(secret, _ELLIPSIS)
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    for secret in longest_first:  # once more, as what stood between its parts may be gone
        text = text.replace(secret, _ELLIPSIS)
    return _LIKE_A_TOKEN.sub(_ELLIPSIS, text)[:MAX_QUOTED].strip()
