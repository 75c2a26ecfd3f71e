"""A token for those who are given none of the answers: a call is made with it, and once more if it was rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar, cast

from aio_token._bound.calls import Proofs, blames_the_proof
from aio_token._bound.nonces import nonces_of
from aio_token._bound.token import DPoPToken
from aio_token._ground.value import replace
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
        `status`, `status_code`, `http_status` or `code` of its own or of its `response`. A token that is bound to a key
        gives its headers for each request, `token.headers(method, url)`; where those lack a nonce that the server wants
        (RFC 9449 section 9), `send` is awaited once more with the same token. Raises what `token` and `send` raise.
        """
        token, clock = await self.token(), self._keeper.clock
        proofs = Proofs(nonces_of(self), clock.time)
        first = await _called(send, token, proofs)
        if not first.says_401 or (isinstance(token, DPoPToken) and blames_the_proof(first.said)):
            return first.handed_on()
        try:
            other = await _other_than(token, self, clock)
        except BaseException:
            first.let_go()
            raise
        if other is None:
            return first.handed_on()
        first.let_go()
        return (await _called(send, other, proofs)).handed_on()


class _Outcome(Generic[T]):
    """What came of a call: a result or an error."""

    __slots__ = ("_error", "_result")

    def __init__(self, result: T | None, error: Exception | None) -> None:
        self._result = result
        self._error = error

    @property
    def said(self) -> object:
        """What may say a status."""
        return self._result if self._error is None else self._error

    @property
    def says_401(self) -> bool:
        """Whether it does so, by the names that libraries give it, or has such a response."""
        response = getattr(self.said, "response", None)
        return any(
            getattr(each, name, None) == _UNAUTHORIZED
            for each in (self.said, response)
            for name in ("status", "status_code", "http_status", "code")
            if each is not None
        )

    def handed_on(self) -> T:
        """Return it, or raise it."""
        error, self._error = self._error, None
        if error is None:
            return cast("T", self._result)
        try:
            raise error
        finally:
            del error  # its traceback leads to this frame

    def let_go(self) -> None:
        """Release a response that is not handed on: a connector may have one connection only (law B5)."""
        close = getattr(self._result, "close", None)
        if callable(close) and not hasattr(self._result, "aclose"):  # httpx reads responses whole before it returns
            close()


async def _called(send: Callable[[Token], Awaitable[T]], token: Token, proofs: Proofs) -> _Outcome[T]:
    """Make the call, and once more if its proof lacked a nonce: nothing is renewed for that."""
    outcome = await _tried(send, _with(proofs, token))
    if not (proofs.are_wanted_again(outcome.said) and outcome.says_401):
        return outcome
    outcome.let_go()
    outcome = await _tried(send, _with(proofs, token))
    proofs.are_wanted_again(outcome.said)
    return outcome


def _with(proofs: Proofs, token: Token) -> Token:
    return replace(token, _proofs=proofs) if isinstance(token, DPoPToken) else token


async def _tried(send: Callable[[Token], Awaitable[T]], token: Token) -> _Outcome[T]:
    try:
        return _Outcome(await send(token), None)
    except Exception as error:  # noqa: BLE001  what says 401 is an error of any kind
        return _Outcome(None, error)


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
