"""What a source of tokens may offer beside `token()`: its memory, which spares a request a coroutine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from aio_token._clock import SYSTEM_CLOCK
from aio_token._freshness import Freshness
from aio_token._interfaces import AtHand

if TYPE_CHECKING:
    from collections.abc import Callable

    from aio_token._clock import Clock
    from aio_token._freshness import CachedToken
    from aio_token._token import Token


@runtime_checkable
class Caching(Protocol):
    """Holds the token in memory, timed by its clock; the hot path looks there itself."""

    cached: CachedToken | None
    clock: Clock


class _NoCache:
    """Stands in for the memory of a source that is not a repository."""

    cached: CachedToken | None = None
    clock = SYSTEM_CLOCK


NO_CACHE: Caching = _NoCache()


def cache_of(source: object) -> Caching:
    """Return the repository's memory."""
    cache = getattr(source, "_keeper", None)
    return cache if isinstance(cache, Caching) else NO_CACHE


def at_hand_of(source: object) -> Callable[[], Token | None]:
    """Return what tells the token without waiting, if the source can."""
    return source.token_at_hand if isinstance(source, AtHand) else _nothing


def is_due(cache: Caching, token: Token) -> bool:
    """Whether the token is renewed in any case, or was: its time has come, or there is another."""
    cached = cache.cached
    return cached is not None and not (cached.token.same_as(token) and cached.freshness is Freshness.FRESH)


def _nothing() -> None:
    """Stand in for a source that has to be awaited."""
