"""The ID token that came with a token (OpenID Connect Core section 2), for the programs that take that one."""

from __future__ import annotations

import base64
import json

from aio_token._errors import SignInRequired
from aio_token._ground import TYPE_CHECKING
from aio_token._ground.value import replace
from aio_token._token import Token

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_YEAR_10000 = 253_402_300_800  # POSIX seconds: no date says more
_PARTS = 3  # of a signed JWT: header, claims, signature


async def id_token_of(
    token: Token, renew: Callable[[], Awaitable[Token]], *, now: float, min_valid: float = 0.0
) -> Token:
    """Return the ID token in the shape of a token, after one renewal if it is valid for less than `min_valid` seconds.

    Raises `SignInRequired` if there is none, or if it has ended and the renewal brought no other.
    """
    found = found_in(token)
    if found.expires_at is not None and found.expires_at < now + min_valid:
        found = found_in(await renew())
        if found.expires_at is not None and found.expires_at <= now:
            message = "the ID token has ended, and the server gave no new one with the new token; sign in again"
            raise SignInRequired(message)
    return found


def found_in(token: Token) -> Token:
    """Return the ID token that came with a token, in the shape of one. Raises `SignInRequired` if there is none."""
    text = token.extra.get("id_token")
    try:
        found = Token(access_token=text if isinstance(text, str) else "")
        return replace(found, expires_at=_end_of(found.access_token))
    except ValueError:
        message = "no ID token came with the token, since a sign-in without the scope openid brings none"
        raise SignInRequired(message) from None


def _end_of(jwt: str) -> float | None:
    """Return `exp`, None if it cannot be read; the signature is checked by those that the ID token is for."""
    parts = jwt.split(".")
    if len(parts) != _PARTS:
        return None
    try:
        end = float(json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))["exp"])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    return end if 0 <= end < _YEAR_10000 else None
