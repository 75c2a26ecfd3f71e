"""How long a token lives, read leniently: it never raises, and what cannot be read is unknown (law D3)."""

from __future__ import annotations

import base64
import json
import math

MAX_LIFETIME = 100 * 365 * 86_400  # seconds; more is a mistake, and would end beyond what a date can say
_MAX_NUMBER = 64  # characters (law H1)
_MAX_JWT = 65_536  # characters, as many as an access token may have


def seconds(value: object) -> float | None:
    """Read a number of seconds, given as a number or as its text, clamped to 0 and a hundred years."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and len(value) > _MAX_NUMBER:
        return None
    try:
        number = float(value) if isinstance(value, str) else value
    except ValueError:
        return None
    if isinstance(number, float) and not math.isfinite(number):
        return None
    return float(max(min(number, MAX_LIFETIME), 0))


def lifetime_of_jwt(token: str) -> float | None:
    """Return `exp - iat` of a JWT (RFC 7519 section 4.1), None if the token is no JWT or does not say.

    Never the absolute `exp`, since this machine's clock may differ from the server's. The signature is the API's
    business, not the client's.
    """
    return _after_issue(token, "exp")


def rest_of_jwt(token: str) -> float | None:
    """Return `nbf - iat` of a JWT: for how long after its issue it may not be used; None if it may be, or is none."""
    return _after_issue(token, "nbf")


def _after_issue(token: str, claim: str) -> float | None:
    parts = token.split(".") if len(token) <= _MAX_JWT else []
    if len(parts) != 3:  # noqa: PLR2004  header, payload and signature
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        after = float(claims[claim]) - float(claims["iat"])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    return seconds(after) if after > 0 else None


def earliest(*lifetimes: float | None) -> float | None:
    """Return the shortest lifetime that is known."""
    return min((lifetime for lifetime in lifetimes if lifetime is not None), default=None)
