"""A token for those who are given none of the answers: a call is made with it, and once more if it was rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from aio_token._pacing.budget import Budget, budgets_of
from aio_token._wish import Rejection

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aio_token._clock import Clock
    from aio_token._interfaces import TokenSource
    from aio_token._keeper import Keeper
    from aio_token._token import Token

T = TypeVar("T")

_UNAUTHORIZED = 401
_NO_ORIGIN = ""  # of all who do not say which API they ask


class Authorizing:
    """A source of tokens that can make a call with one."""

    __slots__ = ()

    _keeper: Keeper

    if TYPE_CHECKING:

        async def token(self, *, rejected: Rejection | None = None, min_valid_for: float = 0.0) -> Token:
            """Return a usable token other than the `rejected` one."""
            ...

    async def authorized(self, send: Callable[[Token], Awaitable[T]]) -> T:
        """Await `send(token)`, and once more with another token after a result or an error that says 401.

        It is for those who can set a header and see no response, as with many SDKs: a result or an error says 401 by a
        `status`, `status_code`, `http_status` or `code` of its own or of its `response`. Raises what `token` and `send`
        raise.
        """
        token, clock = await self.token(), self._keeper.clock
        try:
            result = await send(token)
        except Exception as error:
            if not _says_401(error):
                raise
            other = await _other_than(token, self, clock)
            if other is None:
                raise
        else:
            other = await _other_than(token, self, clock) if _says_401(result) else None
            if other is None:
                return result
            _let_go(result)
        return await send(other)


async def _other_than(token: Token, source: TokenSource, clock: Clock) -> Token | None:
    """Return another token, None if there is none or if one that came of a rejection was rejected too (law B6)."""
    budget = budgets_of(source).setdefault(_NO_ORIGIN, Budget())
    if budget.left(token, clock.monotonic()):
        return None
    budget.asks(token, due=False)
    other = await source.token(rejected=Rejection(token=token))
    if other.same_as(token):
        return None
    budget.brought(other, token, clock.monotonic())
    return other


def _says_401(outcome: object) -> bool:
    """Whether a result or an error has the status 401, by the names that libraries give it, or has such a response."""
    response = getattr(outcome, "response", None)
    return any(
        getattr(each, name, None) == _UNAUTHORIZED
        for each in (outcome, response)
        for name in ("status", "status_code", "http_status", "code")
        if each is not None
    )


def _let_go(result: object) -> None:
    """Release a response that is not handed on: a connector may have one connection only (law B5)."""
    close = getattr(result, "close", None)
    if callable(close) and not hasattr(result, "aclose"):  # httpx reads whole responses before it returns them
        close()
