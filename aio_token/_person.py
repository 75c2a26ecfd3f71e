"""The person who is asked to sign in when only that helps, is left in peace after that, and signs out."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aio_token._backoff import LOOKS_APART
from aio_token._errors import SignInRequired, StoreError, TokenError
from aio_token._freshness import Answer
from aio_token._interfaces import Revocable
from aio_token._limits import within

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from aio_token._credential import Credential
    from aio_token._freshness import Question
    from aio_token._interfaces import Grant
    from aio_token._keeper import Keeper
    from aio_token._single_flight import SingleFlight
    from aio_token._token import Token

SIGN_INS_APART = 60.0
"""Seconds for which a person who did not sign in is not asked again."""


class Person:
    """Signs in by a grant for people, once for all who wait (law E2)."""

    __slots__ = ("_grant", "_keeper", "_limit", "_next")

    def __init__(self, grant: Grant, limit: float, keeper: Keeper) -> None:
        self._grant = grant
        self._limit = limit
        self._keeper = keeper
        self._next = -math.inf  # monotonic

    @property
    def may_be_asked(self) -> bool:
        """Whether enough time has passed since the last try."""
        return self._keeper.clock.monotonic() >= self._next

    async def sign_in(
        self, sign_in: Callable[[Grant], Coroutine[Any, Any, Token]], flight: SingleFlight[Token], question: Question
    ) -> Token:
        """Ask, without any lock held, and stop asking when it is of no use any more.

        That is so when the person has signed in elsewhere, in another process that shares the store, and when no caller
        waits. Raises `SignInRequired` if no one signs in in time.
        """
        self._next = math.inf
        asking = asyncio.Task(sign_in(self._grant), name="aio_token: sign-in")
        try:
            async with within(self._limit, SignInRequired(f"no one signed in within {self._limit:g} s")):
                while not (await asyncio.wait((asking,), timeout=LOOKS_APART))[0]:
                    with suppress(StoreError):  # it is looked at again
                        await self._keeper.catch_up(flight.lock)
                    cached = self._keeper.cached
                    if cached is not None and question.answer(cached) >= Answer.USABLE:
                        return cached.token
                    if not flight.waiters:
                        message = "no caller waits for the sign-in any more"
                        raise SignInRequired(message)
                return asking.result()
        finally:
            self._next = self._keeper.clock.monotonic() + SIGN_INS_APART
            asking.cancel()
            await asyncio.wait((asking,))


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
