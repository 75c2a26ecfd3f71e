"""Small stand-ins for a token source, a grant and an observer, and makers of values for them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from aio_token._credential import Credential
from aio_token._errors import TokenError
from aio_token._ground.public import public
from aio_token._token import Token
from aio_token._wish import NO_WISH, Rejection
from aio_token.events import Event

if TYPE_CHECKING:
    from aio_token._credential import IssuedBy
    from aio_token._wish import Wish

EventT = TypeVar("EventT", bound=Event)


def token(access_token: str = "access-1", *, expires_at: float | None = None, scope: str | None = None) -> Token:
    """Make a token; `expires_at` is POSIX seconds."""
    return Token(access_token=access_token, expires_at=expires_at, scope=scope)


def credential(
    access_token: str | None = "access-1",
    refresh_token: str | None = "refresh-1",
    *,
    expires_at: float | None = None,
    issued_by: IssuedBy | None = None,
) -> Credential:
    """Make a credential; `access_token` None makes one of a refresh token only; `expires_at` is POSIX seconds."""
    return Credential(
        token=None if access_token is None else token(access_token, expires_at=expires_at),
        refresh_token=refresh_token,
        issued_by=issued_by,
    )


@public
class FixedSource:
    """A token source that gives the answers it was made with: one until it comes back as refused, then the next.

    An answer is a token, or an error to raise. The last one stays. `asked` counts the questions, `rejected` lists the
    tokens that came back.
    """

    def __init__(self, *answers: Token | TokenError) -> None:
        self._answers = answers or (token(),)
        self._current = 0
        self.asked: int = 0
        self.rejected: list[Token] = []

    async def token(self, *, rejected: Rejection | Token | None = None, min_valid_for: float = 0.0) -> Token:
        """Return the current token, or the next answer if it is the one that was refused."""
        self.asked += 1
        if rejected is not None:
            token = rejected.token if isinstance(rejected, Rejection) else rejected
            self.rejected.append(token)
            if token == self._answers[self._current]:
                self._current = min(self._current + 1, len(self._answers) - 1)
        return _given(self._answers[self._current])


@public
class ScriptedGrant:
    """A grant that gives the answers it was made with, one a call; the last one stays.

    An answer is a credential, or an exception to raise. `calls` lists what the grant was given, one entry a call, and
    `revoked` what it was told to revoke. `most_at_once` is the greatest number of calls that were in progress together.
    After `halt()` calls stop at `obtain` until `release()`; `arrived` is set when one stands there.
    """

    def __init__(self, *answers: Credential | BaseException, issued_by: IssuedBy | None = None) -> None:
        self._answers = answers or (credential(),)
        self._running = 0
        self._open = asyncio.Event()
        self._open.set()
        self.issued_by = issued_by
        self.calls: list[Credential | None] = []
        self.revoked: list[Credential] = []
        self.most_at_once: int = 0
        self.arrived: asyncio.Event = asyncio.Event()

    def halt(self) -> None:
        """Stop the calls that come from now on."""
        self.arrived.clear()
        self._open.clear()

    def release(self) -> None:
        """Let the calls go on."""
        self._open.set()

    async def obtain(self, credential: Credential | None, wish: Wish = NO_WISH) -> Credential:
        """Give the next answer."""
        answer = self._answers[min(len(self.calls), len(self._answers) - 1)]
        self.calls.append(credential)
        self._running += 1
        self.most_at_once = max(self.most_at_once, self._running)
        self.arrived.set()
        try:
            await self._open.wait()
        finally:
            self._running -= 1
        return _given(answer)

    async def revoke(self, credential: Credential) -> None:
        """Note the revocation."""
        self.revoked.append(credential)


@public
class RecordingObserver:
    """Keeps every event, in order."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        """Keep the event."""
        self.events.append(event)

    def of(self, kind: type[EventT]) -> list[EventT]:
        """Return the events of one type, in order."""
        return [event for event in self.events if isinstance(event, kind)]


ValueT = TypeVar("ValueT", Token, Credential)


def _given(answer: ValueT | BaseException) -> ValueT:
    if isinstance(answer, TokenError):
        raise answer.again()  # raised twice, one object would carry both tracebacks
    if isinstance(answer, BaseException):
        raise answer
    return answer
