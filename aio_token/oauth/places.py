"""Where something stands in what a server said: a member by its name, or by the names on the way to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Way = tuple[str, ...]
"""The names of members, from the outermost on."""

_KNOWN = ("data", "result", "response", "token", "tokens", "authed_user")
"""Members that servers put a whole answer into."""

_TOKENS = ("access_token", "refresh_token")


def way_to(members: Mapping[str, Any], place: str) -> Way:
    """Return the names of a place such as `data.access_token`; a name with a dot in it is one of its own."""
    return (place,) if place in members else tuple(place.split("."))


def at(members: Mapping[str, Any], way: Way) -> object:
    """Return what stands at the end of a way, None if nothing does."""
    one: object = members
    for name in way:
        one = one.get(name) if isinstance(one, Mapping) else None
    return one


def nest_of(members: Mapping[str, Any], ways: Iterable[Way]) -> Way:
    """Return the way to the object that the tokens stand in, empty if that is the answer itself.

    It is the one that the first of these ways to a token leads through, else one that servers are known to use, if the
    answer itself has no token.
    """
    for way in ways:
        if at(members, way) is not None:
            return way[:-1]
    if not any(members.get(token) for token in _TOKENS):
        for name in _KNOWN:
            if any(isinstance(at(members, (name, token)), str) for token in _TOKENS):
                return (name,)
    return ()


def without(members: Mapping[str, Any], ways: Iterable[Way]) -> dict[str, Any]:
    """Return the members without what stands at the end of each way."""
    kept = dict(members)
    for *outer, last in ways:
        home = kept
        for name in outer:
            inner = home.get(name)
            copied = dict(inner) if isinstance(inner, Mapping) else {}
            if copied:
                home[name] = copied
            home = copied
        home.pop(last, None)
    return kept
