"""How often a token is renewed because one API rejects it (law B6)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from aio_token._ground.backoff import pause

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from aio_token._token import Token

_FORGIVEN_AFTER = 60.0
"""Seconds without a renewal for an API after which one of those before counts no more."""


class Budget:
    """The renewals that one origin has caused for one source of tokens.

    A token that was obtained because the origin rejected the one before it, and that the origin rejects as well, is not
    renewed again for 1, 2, 4 ... 60 s after it came: another token would not help either. That other requests are
    accepted meanwhile says nothing, since an API may reject every token on one path and take it on the next.
    """

    __slots__ = ("_asked", "_brought", "_brought_at", "_step", "_told")

    def __init__(self) -> None:
        self._asked: Token | None = None
        self._brought: Token | None = None
        self._brought_at = -math.inf  # monotonic
        self._step = 0
        self._told = False

    def left(self, sent: Token, now: float) -> float:
        """Return for how many seconds more the rejected token is not renewed; 0 if it may be."""
        if not sent.same_as(self._brought):
            return 0.0
        return max(self._brought_at + pause(self._step) - now, 0.0)

    def asks(self, rejected: Token, *, due: bool) -> None:
        """Note that a token is renewed on account of this origin alone, if it is not `due` in any case."""
        if not due:
            self._asked = rejected

    def brought(self, token: Token, rejected: Token, now: float) -> None:
        """Note which token a rejection led to; of many requests in flight, the first one counts.

        What was to be renewed in any case is no matter of the origin: servers end the old token as they give the new.
        """
        if token.same_as(self._brought) or not rejected.same_as(self._asked):
            return
        forgiven = 0 if self._brought is None else int((now - self._brought_at) / _FORGIVEN_AFTER)
        self._step = max(self._step - forgiven, 0) + 1
        self._brought, self._brought_at, self._told = token, now, False

    def is_news(self) -> bool:
        """Whether observers have not yet been told that this token did not help either."""
        told, self._told = self._told, True
        return not told


Budgets = dict[str, Budget]
"""By origin."""

_shared: MutableMapping[object, Budgets] = WeakKeyDictionary()


def budgets_of(source: object) -> Budgets:
    """Return the budgets that all middlewares over this source share."""
    try:
        return _shared.setdefault(source, {})
    except TypeError:  # a stranger's source that is compared by value, or has no room for a weak reference
        return {}
