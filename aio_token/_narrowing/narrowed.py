"""Several access tokens of one session: for less scope, another resource or another audience (law E5).

Theory of operation. Each narrowed token has a repository of its own over the session's store, as another process would
have one: the store's lock puts the renewals of the one refresh token in order, and what another one has rotated is
adopted. Only that each sees the record in its own way: its own token and its own trouble, and what all share, which is
the refresh token and what is known of it. The tokens stand beside the session in its record, and end with it.
"""

from __future__ import annotations

import asyncio
import json
import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakSet, WeakValueDictionary

from aio_token._arguments import demand_kind
from aio_token._credential import Credential
from aio_token._errors import ConfigurationError, StoreError, without_frames
from aio_token._freshness import RENEWALS_APART
from aio_token._interfaces import Standalone
from aio_token._lens.beside import entries_with, entry, session_in, with_member
from aio_token._lens.view import View
from aio_token._lineage import Lineage
from aio_token._wish import NO_WISH, Wish
from aio_token.events import Saved, TokensEndEachOther, Unsaved, notify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aio_token._freshness import Question
    from aio_token._interfaces import Grant, TokenStore
    from aio_token._keeper import Keeper
    from aio_token.events import Event, Observer

_MEMBER = "narrowed"
_OWN = ("token", "obtained_at", "retry_at", "failures", "failed_at", "failure", "sentence", "proof")
"""What each token has for itself: failures are those of its scope or resource, as far as anyone can tell."""


def seen_for(record: Credential | None, key: str) -> Credential | None:
    """Return a record as the narrowed token sees it."""
    if record is None or record.is_tombstone:
        return record
    own = entry(record, _MEMBER, key, dpop_key=record.dpop_key and record.dpop_key.jwk()) or Credential()
    return replace(with_member(record, _MEMBER, None), **{name: getattr(own, name) for name in _OWN})


def written_for(record: Credential | None, key: str, seen: Credential) -> Credential:
    """Return the record with what was changed in the narrowed token's sight of it."""
    own, whole = _as_entry(seen), session_in(record)
    written = replace(seen, **{name: getattr(whole, name) for name in _OWN})
    return with_member(written, _MEMBER, entries_with(whole, _MEMBER, key, own), before=whole)


def _as_entry(seen: Credential) -> dict[str, Any]:
    """Return what is kept of a narrowed token. Raises `StoreError` if its `extra` holds what JSON does not."""
    try:
        members = json.loads(Credential(**{name: getattr(seen, name) for name in _OWN}).to_json())
    except (TypeError, ValueError, RecursionError) as error:
        message = "the token's extra members cannot be written as JSON"
        raise StoreError(message) from without_frames(error)
    return {name: value for name, value in members.items() if value not in (None, 0, False, [])}


class NarrowStore(View):
    """A session's store in the sight of one narrowed token; to delete is to end the session, and all beside it."""

    __slots__ = ("_key",)

    def __init__(self, store: TokenStore, key: str) -> None:
        super().__init__(store)
        self._key = key

    def seen(self, record: Credential | None) -> Credential | None:
        """Return the record with this token."""
        return seen_for(record, self._key)

    def written(self, record: Credential | None, seen: Credential) -> Credential:
        """Return the record with this token, and what all share. Raises `StoreError`."""
        return written_for(record, self._key, seen)


class Family:
    """The repositories of one session: that of the session itself, and those of narrowed tokens, held weakly."""

    __slots__ = ("_apart_from_it", "_met", "_others", "_told", "_unsaved", "parent")

    def __init__(self, parent: Any) -> None:  # noqa: ANN401  a repository, which is above
        self.parent = parent
        parent._family = self  # noqa: SLF001  it begins one
        self._met: WeakSet[Any] = WeakSet()
        self._told = False
        self._unsaved: set[Any] = set()
        self._others: WeakValueDictionary[str, Any] = WeakValueDictionary()
        self._apart_from_it: WeakSet[Any] = WeakSet()

    def member(self, wish: Wish) -> Any:  # noqa: ANN401
        """Return the repository of one narrowed token, the same one for the same wish."""
        key = json.dumps([wish.scope, wish.resource, wish.audience])
        found = self._others.get(key)
        if found is None:
            found = self._others[key] = self.parent._another(  # noqa: SLF001
                NarrowStore(self.parent._store, key),  # noqa: SLF001
                partial(self._hear, self.parent._observer),  # noqa: SLF001
            )
            found._family, found._wish = self, wish  # noqa: SLF001
        return found

    def keep(self, one: Any) -> None:  # noqa: ANN401
        """Note the repository of another session that ends with this one."""
        self._apart_from_it.add(one)

    def beside(self, one: Any) -> list[Any]:  # noqa: ANN401
        """Return those that are beside the session's own repository; none for a narrowed one."""
        return [*self._others.values(), *self._apart_from_it] if one is self.parent else []

    def _hear(self, observer: Observer | None, event: Event) -> None:
        """Hold those whose credential is in memory only, though no one else does, and tell the observer."""
        if isinstance(event, Saved | Unsaved):
            self._unsaved = {other for other in self._others.values() if other._keeper.unsaved}  # noqa: SLF001
        notify(observer, event)

    def begin_anew(self) -> None:
        """Let the other tokens go, as another session has begun: the store is read when they are asked for again."""
        for other in self.beside(self.parent):
            keeper: Keeper = other._keeper  # noqa: SLF001
            keeper.credential = keeper.cached = None
            other._trouble.clear()  # noqa: SLF001  it was that of the session before
            keeper._lineage = Lineage(spent=keeper._lineage.spent)  # noqa: SLF001

    async def in_order(self, one: Any, question: Question) -> None:  # noqa: ANN401
        """Let no refresh token be presented that is spent, and no two tokens end each other all the time.

        What another one could not save yet is saved first. Raises `StoreError` if that cannot be.
        """
        others = [other for other in (self.parent, *self._others.values()) if other is not one]
        for other in others:
            await other._keeper.save_what_is_unsaved(other._flights.here().lock)  # noqa: SLF001
            if other._keeper.unsaved:  # noqa: SLF001
                message = f"{other._store!r} does not hold the newest refresh token of this session yet; see to it"  # noqa: SLF001
                raise StoreError(message)
        if question.rejected is not None and not question.insists:
            await self._apart(one, [other._keeper for other in others])  # noqa: SLF001

    async def _apart(self, one: Any, others: list[Keeper]) -> None:  # noqa: ANN401
        """Wait for a second since another token of the session was renewed, if that was after this one.

        Each token may meet that once by chance, when all of them were revoked, or an API has other reasons.
        """
        ours: Keeper = one._keeper  # noqa: SLF001
        newest = max(map(_renewed_until, others), default=-math.inf)
        if _renewed_until(ours) >= newest:
            return
        if one in self._met and not self._told:
            self._told = True
            self.parent._tell(TokensEndEachOther)  # noqa: SLF001
        self._met.add(one)
        await asyncio.sleep(min(max(newest - ours.clock.monotonic(), 0.0), RENEWALS_APART))


def wish_for(scope: str | None, resource: str | Sequence[str], audience: str | None) -> Wish:
    """Return what is asked for, spelled in one way. Raises `ConfigurationError` if that is nothing, or no text."""
    demand_kind(scope, (str, type(None)), 'scope is one text with spaces between its words, such as scope="a b"')
    demand_kind(audience, (str, type(None)), "audience is a text")
    resources = (resource,) if isinstance(resource, str) and resource else tuple(resource)
    scopes = " ".join(sorted(set(scope.split()))) if scope else None
    wish = Wish(scope=scopes or None, resource=tuple(sorted(set(resources))), audience=audience or None)
    if wish == NO_WISH:
        message = "narrowed() takes a scope, a resource or an audience"
        raise ConfigurationError(message)
    return wish


def needs_no_session(grant: Grant) -> bool:
    """Whether the grant obtains each token anew."""
    return isinstance(grant, Standalone) and grant.needs_nothing_stored


def refuse_without_session(grant: Grant) -> None:
    """Raise `ConfigurationError` for a grant that obtains each token anew."""
    if needs_no_session(grant):
        message = "this grant needs no session; give each token a repository of its own, with its own grant"
        raise ConfigurationError(message)


def over(own: Wish, wish: Wish) -> Wish:
    """Return a narrowed token's wish; what a challenge wishes comes first."""
    return replace(
        wish,
        scope=wish.scope or own.scope,
        resource=wish.resource or own.resource,
        audience=wish.audience or own.audience,
    )


def _renewed_until(keeper: Keeper) -> float:
    """Return until when a token is as new as one can be, by the monotonic clock; long ago, if not renewed here."""
    return keeper.cached._renewed_until if keeper.cached is not None else -math.inf  # noqa: SLF001  this is why it is noted
