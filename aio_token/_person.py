"""The person who is asked to sign in when only that helps, is left in peace after that, and signs out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from aio_token._errors import SignInRequired, TokenError
from aio_token._interfaces import Revocable
from aio_token._limits import within

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aio_token._credential import Credential
    from aio_token._interfaces import Grant
    from aio_token._token import Token

SIGN_INS_APART = 60.0
"""Seconds for which a person who did not sign in is not asked again."""


class Person:
    """Signs in by a grant for people, once for all who wait (law E2)."""

    __slots__ = ("_grant", "_limit", "_next")

    def __init__(self, grant: Grant, limit: float) -> None:
        self._grant = grant
        self._limit = limit
        self._next = -math.inf  # monotonic

    def may_be_asked(self, now: float) -> bool:
        """Whether enough time has passed since the last try."""
        return now >= self._next

    async def sign_in(self, sign_in: Callable[[Grant], Awaitable[Token]], monotonic: Callable[[], float]) -> Token:
        """Ask, without any lock held. Raises `SignInRequired` if no one signs in in time."""
        self._next = math.inf
        try:
            async with within(self._limit, SignInRequired(f"no one signed in within {self._limit:g} s")):
                return await sign_in(self._grant)
        finally:
            self._next = monotonic() + SIGN_INS_APART


async def why_not_revoked(grant: Grant, credential: Credential | None) -> str | None:
    """Revoke the credential of a person who signs out; return why that was not done, None if it was."""
    if credential is None:
        return "there was nothing to revoke"
    if not isinstance(grant, Revocable):
        return "this grant cannot revoke what it obtained"
    try:
        await grant.revoke(credential)
    except TokenError as error:
        return str(error)
    return None
