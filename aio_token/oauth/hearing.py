"""What a server said, by the standard's names, as its dialect has it; a new refresh token is kept anyway (law D0)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aio_token._errors import ConfigurationError, TokenError, without_frames
from aio_token._ground.value import Value
from aio_token.oauth.places import at, nest_of, way_to, without
from aio_token.oauth.reading import members_of
from aio_token.oauth.strangers import called

if TYPE_CHECKING:
    from collections.abc import Callable

    from aio_token.oauth.dialect import Dialect
    from aio_token.oauth.exchange import Reply

# Keycloak's name, GitHub's and Microsoft's, Intuit's
REFRESH_LIFETIMES = ("refresh_expires_in", "refresh_token_expires_in", "x_refresh_token_expires_in")
_TOKENS = ("access_token", "refresh_token")
_READ = (*_TOKENS, "token_type", "expires_in", "scope", *REFRESH_LIFETIMES)


class Heard(Value):
    """The members of an answer by their standard names, and what else is worth keeping of it.

    `verdict` is the error that the dialect's function raised to say what helps, `defect` what went wrong in it.
    """

    said: Mapping[str, Any]
    beside: Mapping[str, Any]
    verdict: TokenError | None = None
    defect: TokenError | None = None

    def __repr__(self) -> str:
        return f"<Heard {' '.join(self.said)}>"


def hear(reply: Reply, dialect: Dialect) -> Heard:
    """Read an answer."""
    raw, is_whole = members_of(reply.body)
    heard = _placed(raw, dialect)
    if not is_whole:  # an object in it may have been cut off
        beside = {name: value for name, value in heard.beside.items() if not isinstance(value, Mapping)}
        heard = Heard(said=heard.said, beside=beside)
    if dialect.read is None:
        return heard
    try:
        read = _read(dialect.read, raw, reply)
    except ConfigurationError as error:
        return Heard(said=heard.said, beside=heard.beside, defect=error.with_traceback(None))
    if isinstance(read, TokenError):
        return Heard(said=heard.said, beside=heard.beside, verdict=read)
    again = _placed(read, dialect)
    if "refresh_token" in read or again.said.get("refresh_token"):
        return again
    kept = {"refresh_token": heard.said.get("refresh_token")}
    return Heard(said={**again.said, **kept}, beside=again.beside)


def _placed(raw: Mapping[str, Any], dialect: Dialect) -> Heard:
    """Put the members where the standard has them; what stands beside the access token belongs to it."""
    ways = {name: [way_to(raw, place) for place in dialect.where(name)] for name in dialect.places}
    of_tokens = [way for name in _TOKENS for way in ways.get(name, ())]
    nest = nest_of(raw, of_tokens)
    inner = at(raw, nest)
    members = {**raw, **inner} if isinstance(inner, Mapping) else dict(raw)
    for name, several in ways.items():
        there = (at(home, way) for home in (raw, members) for way in several)
        value = next((value for value in there if value is not None), None)
        if value is not None or name == "access_token":  # another one than this must not be sent for it
            members[name] = value
    ends = [way_to(raw, place) for place in (*dialect.expires, *dialect.refresh_expires)]
    read = [(*home, name) for home in ((), nest) for name in _READ]
    beside = without(raw, [*read, *ends, *(way for several in ways.values() for way in several)])
    if nest and at(beside, nest) == {}:
        beside = without(beside, [nest])
    return Heard(said=members, beside=beside)


def _read(
    read: Callable[[Mapping[str, Any], Reply], Mapping[str, Any]], raw: Mapping[str, Any], reply: Reply
) -> dict[str, Any] | TokenError:
    """Return what the dialect's function makes of an answer, as JSON says it, or the error that it raises on purpose.

    Raises `ConfigurationError` for any other error.
    """

    def judge() -> object:
        try:
            return read(dict(raw), reply)
        except TokenError as error:
            return without_frames(error)

    given = called("the dialect's `read`", judge)
    if isinstance(given, TokenError):
        return given
    if not isinstance(given, Mapping):
        message = "the dialect's `read` returned no mapping of an answer's members"
        raise ConfigurationError(message)
    plain = {}
    for name, value in given.items():
        with suppress(ValueError, TypeError, RecursionError):  # what JSON cannot say could not be stored either
            plain[str(name)] = json.loads(json.dumps(value))
    return plain
