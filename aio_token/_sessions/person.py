"""The person who is asked to sign in when only that helps, and is left in peace after that."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from typing import TYPE_CHECKING

from aio_token._errors import SignInRequired, StoreError
from aio_token._freshness import Answer
from aio_token._ground.backoff import LOOKS_APART
from aio_token._limits import within

if TYPE_CHECKING:
    from aio_token._freshness import Question
    from aio_token._interfaces import Grant
    from aio_token._keeper import Keeper
    from aio_token._sessions.sessions import Sessions
    from aio_token._single_flight import SingleFlight
    from aio_token._token import Token

SIGN_INS_APART = 60.0
"""Seconds for which a person who did not sign in is not asked again."""


class Person:
    """Signs in by a grant for people, once for all who wait (law E2)."""

    __slots__ = ("_keeper", "_limit", "_next", "grant")

    def __init__(self, grant: Grant, limit: float, keeper: Keeper) -> None:
        self.grant = grant
        self._limit = limit
        self._keeper = keeper
        self._next = -math.inf  # monotonic

    @property
    def may_be_asked(self) -> bool:
        """Whether enough time has passed since the last try."""
        return self._keeper.clock.monotonic() >= self._next

    async def sign_in(self, sessions: Sessions, flight: SingleFlight[Token], question: Question) -> Token:
        """Ask, without any lock held, and stop asking when it is of no use any more.

        That is so when the person has signed in elsewhere, in another process that shares the store, and when no caller
        waits. Raises `SignInRequired` if no one signs in in time.
        """
        self._next = math.inf
        try:
            return await self._ask(sessions, flight, question)
        except SignInRequired:
            if (token := self._answer_to(question)) is not None:  # it was being redeemed as the time ran out
                return token
            raise
        finally:
            self._next = self._keeper.clock.monotonic() + SIGN_INS_APART

    async def _ask(self, sessions: Sessions, flight: SingleFlight[Token], question: Question) -> Token:
        asking = asyncio.Task(sessions.begin(self.grant, question.wish, by_a_person=True), name="aio_token: sign-in")
        try:
            async with within(self._limit, SignInRequired(f"no one signed in within {self._limit:g} s")):
                while not (await asyncio.wait((asking,), timeout=LOOKS_APART))[0]:
                    with suppress(StoreError):  # it is looked at again
                        await self._keeper.catch_up(flight.lock)
                    if (token := self._answer_to(question)) is not None:
                        return token
                    if not flight.waiters:
                        message = "no caller waits for the sign-in any more"
                        raise SignInRequired(message)
                return asking.result()
        finally:
            asking.cancel()
            await asyncio.wait((asking,))
            await sessions.landed()  # what is being redeemed is not given up

    def _answer_to(self, question: Question) -> Token | None:
        cached = self._keeper.cached
        return cached.token if cached is not None and question.answer(cached) >= Answer.USABLE else None
