"""How long a token lives, read leniently: it never raises, and what cannot be read is unknown (law D3)."""

from __future__ import annotations

import base64
import json
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from aio_token.oauth.dates import moment_of
from aio_token.oauth.places import at, way_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Unit = Literal["seconds", "minutes", "milliseconds", "moment"]
"""What a number counts, from the answer on; a moment is POSIX seconds or milliseconds, or a date as text."""

MAX_LIFETIME = 100 * 365 * 86_400  # seconds; more is a mistake, and would end beyond what a date can say
_MAX_NUMBER = 64  # characters (law H1)
_MAX_JWT = 65_536  # characters, as many as an access token may have
_MOST = 1e18  # of any number; milliseconds do not come near it
_IN_MILLISECONDS = 1e11  # from here on; as seconds that would be the year 5138
_NO_LIFETIME = 1e9  # from here on a number is a moment; as a lifetime that would be 31 years

# Where servers say the end that do not say `expires_in`: seconds in some, a moment in others, told apart by its size.
_OTHER_NAMES = (
    *("expires_on", "expires_at", "expires", "expire", "expiresIn", "expiresAt"),
    *("expire_in", "expiry", "expiry_date", "expiration", "exp"),
)
_OTHER_NAMES_OF_REFRESH = ("refresh_token_expires_at", "refresh_expires_at", "refresh_token_expires_on")


def seconds(value: object) -> float | None:
    """Read a number of seconds, given as a number or as its text, clamped to 0 and a hundred years."""
    number = _number(value)
    return None if number is None else float(max(min(number, MAX_LIFETIME), 0))


def _number(value: object) -> float | None:
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
    return float(max(min(number, _MOST), -_MOST))


def lifetime_said(members: Mapping[str, Any], declared: Mapping[str, Unit], now: float) -> float | None:
    """Return the seconds that a token lives from `now` (POSIX seconds of the server's clock), None if unknown.

    `declared` are the places where this server says it, with their units.
    """
    return _declared(members, declared, now, "expires_in", _OTHER_NAMES)


def refresh_lifetime_said(
    members: Mapping[str, Any], declared: Mapping[str, Unit], names: Iterable[str], now: float
) -> float | None:
    """Return the same of the refresh token; `names` are those of a number of seconds."""
    name = next((name for name in names if seconds(members.get(name)) is not None), "")
    return _declared(members, declared, now, name, _OTHER_NAMES_OF_REFRESH)


def _declared(
    members: Mapping[str, Any], declared: Mapping[str, Unit], now: float, usual: str, others: Iterable[str]
) -> float | None:
    for place, unit in declared.items():
        told = in_seconds(at(members, way_to(members, place)), unit, now)
        if told is not None:
            return told
    usually = seconds(members.get(usual))
    if usually is not None:
        return usually
    guessed = (_guessed(members.get(name), now) for name in others)
    return next((lifetime for lifetime in guessed if lifetime is not None), None)


def in_seconds(value: object, unit: Unit, now: float) -> float | None:
    """Read a lifetime that is given in this unit."""
    if unit == "moment":
        return _until(_moment(value), now)
    number = _number(value)
    if number is None:
        return None
    return seconds(number * {"seconds": 1, "minutes": 60, "milliseconds": 0.001}[unit])


def _guessed(value: object, now: float) -> float | None:
    number = _number(value)
    return seconds(number) if number is not None and number < _NO_LIFETIME else _until(_moment(value), now)


def _until(moment: float | None, now: float) -> float | None:
    """Return the seconds that are left. An end that is past says that a clock is wrong: it is unknown."""
    return None if moment is None or moment <= now else seconds(moment - now)


def _moment(value: object) -> float | None:
    """Read POSIX seconds or milliseconds, or a date as ISO 8601 or RFC 9110 (section 5.6.7) writes it."""
    number = _number(value)
    if number is not None:
        return number / 1_000 if number >= _IN_MILLISECONDS else number
    text = value if isinstance(value, str) and len(value) <= _MAX_NUMBER else ""
    try:
        date = datetime.fromisoformat(text)
        return (date if date.tzinfo is not None else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return moment_of(text)


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
