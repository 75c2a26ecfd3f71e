"""What an API's refusal asks for: `WWW-Authenticate`, read whole (RFC 9110 section 11.6.1, RFC 6750 section 3)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aio_token._ground.value import Value, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
# One step each, tried in this order. None can match in two ways, so junk of any length costs linear time.
_PARAMETER = re.compile(rf'({_TOKEN})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"?|({_TOKEN})(?=[ \t]*(?:,|$)))', re.DOTALL)
_SCHEME = re.compile(rf"({_TOKEN})(?=[ \t,]|$)(?:[ \t]+[A-Za-z0-9._~+/-]+=*[ \t]*(?=,|$))?")
_LONGEST = 32_768  # characters of a line that are read (law H1); aiohttp takes 8,190 unless it is told to take more
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_JUNK = re.compile(r"[^,]*")
_BETWEEN = re.compile(r"[ \t,]*")


class Challenge(Value, kw_only=False):
    """One scheme, in lower case, with its parameters; their names are in lower case."""

    scheme: str
    parameters: dict[str, str] = field(default_factory=dict)


def parse(lines: Iterable[str]) -> Iterator[Challenge]:
    """Read the challenges of all `WWW-Authenticate` lines; what cannot be understood is passed over."""
    for line in (whole[:_LONGEST] for whole in lines):
        challenge: Challenge | None = None
        position = 0
        while (position := _end(_BETWEEN.match(line, position))) < len(line):
            if (step := _PARAMETER.match(line, position)) is not None:
                if challenge is not None:
                    value = step[3] if step[2] is None else _ESCAPED.sub(r"\1", step[2])
                    challenge.parameters.setdefault(step[1].lower(), value)
            elif (step := _SCHEME.match(line, position)) is not None:
                if challenge is not None:
                    yield challenge
                challenge = Challenge(step[1].lower())
            else:
                step = _JUNK.match(line, position)
            position = _end(step)
        if challenge is not None:
            yield challenge


def asks_for_renewal(challenges: Sequence[Challenge], *, without_challenge: bool = True) -> bool:
    """Whether a new token may satisfy the API (law B3).

    That is so for a Bearer challenge that says `invalid_token` or gives no error, as a request with an expired token
    gets. `insufficient_scope` and `invalid_request` stay as they are with any token. `without_challenge` is the answer
    where there is no challenge at all, which RFC 9110 does not allow a 401 and servers send.
    """
    is_asked = any(error in {None, "invalid_token"} for error in errors_of(challenges))
    return is_asked if challenges else without_challenge


def errors_of(challenges: Iterable[Challenge]) -> list[str | None]:
    """Return what each Bearer challenge gives as its error (RFC 6750 section 3.1), None for none or an empty one."""
    return [each.parameters.get("error") or None for each in challenges if each.scheme == "bearer"]


def _end(match: re.Match[str] | None) -> int:
    assert match is not None  # noqa: S101  the last pattern tried matches anything, the empty string included
    return match.end()
