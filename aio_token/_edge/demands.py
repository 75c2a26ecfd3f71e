"""What a challenge asks the next token to be like: claims, or a sign-in of a kind or of late (law B9)."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING

from aio_token._wish import NO_WISH, Wish

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aio_token._edge.challenge import Challenge

_LONGEST = 8_192  # characters of a demand; aiohttp takes header lines of 8,190 unless it is told to take more
_MAX_AGE = re.compile(r"[0-9]{1,9}")
_ACR_VALUES = re.compile(r"[\x20-\x7e]{1,1000}")


def wish_in(challenges: Iterable[Challenge]) -> Wish:
    """Return what the first Bearer challenge that wishes for anything wishes for; what cannot be read is no wish.

    `insufficient_claims` brings a claims request in base64, as continuous access evaluation of Entra ID sends it;
    `insufficient_user_authentication` brings `acr_values` and `max_age` (RFC 9470 section 3).
    """
    for challenge in challenges:
        error, said = challenge.parameters.get("error"), challenge.parameters
        if challenge.scheme != "bearer":
            continue
        if error == "insufficient_claims" and (claims := _claims(said.get("claims", ""))):
            return Wish(claims=claims)
        if error == "insufficient_user_authentication":
            acr_values, max_age = said.get("acr_values", ""), said.get("max_age", "")
            return Wish(
                acr_values=acr_values if _ACR_VALUES.fullmatch(acr_values) else None,
                max_age=int(max_age) if _MAX_AGE.fullmatch(max_age) else None,
            )
    return NO_WISH


def _claims(encoded: str) -> str | None:
    """Return the JSON text of a claims request (OpenID Connect Core 5.5); None if it is none."""
    if len(encoded) > _LONGEST:
        return None
    padded = encoded.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        text = base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True).decode()
        return text if isinstance(json.loads(text), dict) else None
    except (ValueError, RecursionError):
        return None
