"""A wider token for an API that wants more scope: within what `step_up=` allows, for that API's origin (law B9).

Theory of operation. A challenge `insufficient_scope` names a scope. If all of it that the token lacks is allowed, there
is one request for a token with the scope of before and what was asked, by a repository of its own beside the session's
token, as `narrowed()` makes it. That repository has a middleware of its own, for the one origin that asked: so the
wider token goes to no other, and is renewed, compared and paused like any. Later requests to the origin begin with it.

What an API can cause is bounded: an origin's scope only grows, and by allowed words alone; a scope that has been
obtained is not obtained again for being refused; and after a failure the origin's demands are passed on to the caller
for 1, 2, 4 ... 60 s, as its 401s are (law B6).
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from aio_token._arguments import demand
from aio_token._edge.agreed import Agreed
from aio_token._edge.origins import origin_asked
from aio_token._errors import ConfigurationError, GrantRefused, SignInRequired, TokenError
from aio_token._ground.backoff import pause
from aio_token.oauth.remedies import ANOTHER_SCOPE
from aio_token.oauth.server_text import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aiohttp import ClientResponse
    from yarl import URL

    from aio_token._clock import Clock
    from aio_token._edge.challenge import Challenge
    from aio_token._interfaces import TokenSource
    from aio_token._token import Token

_LONGEST = 8_192  # characters of a scope; aiohttp takes header lines of 8,190 unless it is told to take more
_REFUSED = frozenset({401, 403})  # the standard says 403

_BearerT = TypeVar("_BearerT")
_logger = logging.getLogger("aio_token")


def scope_in(challenges: Iterable[Challenge]) -> frozenset[str]:
    """Return the words of the scope that the first Bearer challenge `insufficient_scope` asks for; none if it does not.

    RFC 6750 section 3.1. A scope that is too long to be one is not read.
    """
    for challenge in challenges:
        if challenge.scheme == "bearer" and challenge.parameters.get("error") == "insufficient_scope":
            return _words(challenge.parameters.get("scope"))
    return frozenset()


class Wider(Generic[_BearerT]):
    """The token with more scope that one origin has asked for, and the middleware that serves it there."""

    source: TokenSource
    bearer: _BearerT

    def __init__(self, step_up: StepUp[_BearerT], origin: str, words: frozenset[str]) -> None:
        self._step_up = step_up
        self.origin = origin
        self.words = words
        self.agreed: Agreed | None = None  # what a person agrees to
        self.is_whole = False  # it has what the token before it had: that was known

    async def obtained(self) -> Token:
        """Return the token, which the origin has from now on. Raises `TokenError`."""
        return await self._step_up.obtained(self)


class StepUp(Generic[_BearerT]):
    """What is allowed, and what came of it at each origin. `make` makes a middleware of a source and an origin."""

    def __init__(
        self,
        allowed: str | Collection[str],
        source: object,
        make: Callable[[Any, str], _BearerT],
        clock: Clock,
    ) -> None:
        """Raises `ConfigurationError` for what is no scope, and for a source that has one token for all."""
        texts: Any = (allowed,) if isinstance(allowed, str) else allowed
        is_several = isinstance(texts, Collection) and all(isinstance(text, str) for text in texts)
        self._allowed = frozenset(word for text in texts for word in text.split()) if is_several else frozenset()
        if not self._allowed:
            message = 'step_up is a scope such as "orders.write", or a collection of them'
            raise ConfigurationError(message)
        demand(source, "_widened", "step_up takes a source whose tokens can have more scope, a TokenRepository")
        self._source: Any = source
        self._make = make
        self._now = clock.monotonic
        self._at: dict[str, Wider[_BearerT]] = {}
        self._tried: dict[str, Wider[_BearerT]] = {}
        self._failures: dict[str, tuple[int, float]] = {}  # how many in a row, and until when nothing is tried

    async def serving(self, url: URL, asking: _BearerT) -> _BearerT | None:
        """Return the middleware whose wider token the address gets; None if that is who asks, or if there is none.

        A wider token that has ended and is not given again is forgotten: pages that do without it go on.
        """
        origin = origin_asked(url)
        wider = self._at.get(origin)
        if wider is None or not wider.is_whole or wider.bearer is asking:
            return None
        if wider.agreed is not None and wider.agreed.has_ended:
            self._at.pop(origin, None)
            return None
        try:
            await wider.source.token()
        except TokenError as error:
            _logger.debug("no token of wider scope for %s: %s", origin, error)
            self._at.pop(origin, None)
            return None
        return wider.bearer

    def asked(
        self, response: ClientResponse, challenges: Iterable[Challenge], token: Token, bearer: _BearerT
    ) -> Wider[_BearerT] | None:
        """Return what may have the token that the answer to `bearer` asks for; None if the answer is the caller's."""
        asked, origin = scope_in(challenges), origin_asked(response.url)
        if response.status not in _REFUSED or not asked:
            return None
        at = self._at.get(origin)
        if at is not None and asked <= at.words:
            return None if at.bearer is bearer else at
        known = _words(token.scope) or _words(self._source._scope_asked)  # noqa: SLF001  what was granted if nothing is said
        missing = asked - known
        if not missing or not missing <= self._allowed:
            reason = "which the token has" if not missing else "which step_up does not allow"
            _logger.debug("%s wants the scope %s, %s", origin, quoted(" ".join(sorted(asked))), reason)
            return None
        if self._now() < self._failures.get(origin, (0, 0.0))[1]:
            return None
        words = known | asked | (at.words if at is not None else frozenset())
        tried = self._tried.get(origin)
        if tried is None or tried.words != words:
            source = self._source._widened(" ".join(sorted(words)))  # noqa: SLF001
            tried = self._tried[origin] = Wider(self, origin, words)
            tried.is_whole = bool(known)
            self._serve(tried, source)
        _logger.debug("%s wants the scope %s", origin, " ".join(sorted(missing)))
        return tried

    async def obtained(self, wider: Wider[_BearerT]) -> Token:
        """Return the wider token, and note that its origin has it.

        Raises `TokenError`: `SignInRequired` with the scope to sign in for, if the server does not give it otherwise.
        """
        origin = wider.origin
        try:
            token = await self._token(wider)
        except TokenError as error:
            failures, until = self._failures.get(origin, (0, 0.0))
            if self._now() >= until:
                self._failures[origin] = failures + 1, self._now() + pause(failures + 1)
            if not self._needs_a_person(error):
                raise
            message = (
                f"{origin} wants the scope {quoted(' '.join(sorted(wider.words & self._allowed)))}, which this session "
                f"does not have ({str(error).rpartition('; ')[0]}); "
                f"sign in for the scope {quoted(' '.join(sorted(wider.words)))}"
            )
            raise SignInRequired(message) from None
        self._failures.pop(origin, None)
        # Two pages may have asked at once, each for another word: the next one to ask gets both.
        self._at[origin] = max(wider, self._at.get(origin, wider), key=lambda each: len(each.words))
        return token

    async def _token(self, wider: Wider[_BearerT]) -> Token:
        """Return the wider token, and ask a person for it if there is one and only that helps. Raises `TokenError`."""
        if wider.agreed is None or not wider.agreed.has_ended:
            try:
                return await wider.source.token()
            except TokenError as error:
                if not (self._needs_a_person(error) or (wider.agreed and isinstance(error, SignInRequired))):
                    raise
                wider.agreed = wider.agreed or Agreed.by_the_person_of(self._source, " ".join(sorted(wider.words)))
                if wider.agreed is None:
                    raise
        token, source = await wider.agreed.source()
        self._serve(wider, source)
        return token

    def _serve(self, wider: Wider[_BearerT], source: TokenSource) -> None:
        """Let the origin be served by that source from now on."""
        made: Any = self._make(source, wider.origin)
        made._step_up = self  # noqa: SLF001  another page may want still more
        wider.source, wider.bearer = source, made

    def _needs_a_person(self, error: TokenError) -> bool:
        """Whether a person can give what the server does not give by itself."""
        if self._source._needs_no_session or isinstance(error, GrantRefused):  # noqa: SLF001
            return False
        return isinstance(error, SignInRequired) or ANOTHER_SCOPE in str(error)


def step_up_of(
    allowed: str | Collection[str] | None, source: object, make: Callable[[Any, str], _BearerT], clock: Clock
) -> StepUp[_BearerT] | None:
    """Return what `step_up=` allows, None for nothing. Raises `ConfigurationError` for what allows nothing."""
    return None if allowed is None else StepUp(allowed, source, make, clock)


def _words(scope: str | None) -> frozenset[str]:
    return frozenset(scope.split()) if scope and len(scope) <= _LONGEST else frozenset()
