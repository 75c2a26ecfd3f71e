"""Metadata that a server publishes about itself: asked for at one place after another, and judged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from aio_token._errors import ConfigurationError, ServerUnavailable
from aio_token.oauth.body import BODY_CAP
from aio_token.oauth.form import Request
from aio_token.oauth.reading import read_object
from aio_token.oauth.sending import send
from aio_token.oauth.server_text import MAX_QUOTED, quoted
from aio_token.oauth.url import origin_of, problem_with, sent_on, without_query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aio_token._errors import TokenError
    from aio_token.oauth.exchange import Reply
    from aio_token.oauth.transport import Transport

_T = TypeVar("_T")
_REDIRECTS = {301, 302, 303, 307, 308}
_MOST_REDIRECTS = 3


async def published(
    whose: str,
    addresses: Iterable[str],
    transport: Transport,
    judged: Callable[[dict[str, Any], str], _T | ConfigurationError],
    remedy: str,
) -> _T:
    """Return what `judged` makes of the first metadata that it takes; it is given the address as well.

    Raises `ConfigurationError` if there is none, or only such as it does not take, and `ServerUnavailable`.
    """
    problems: list[TokenError] = []
    answers: list[str] = []
    for address in addresses:
        at = without_query(address)
        reply, said = await _answer(Request(to=whose, url=address, method="GET"), transport)
        metadata = read_object(reply.body) if reply.status == 200 else None  # noqa: PLR2004  RFC 8414 section 3.2
        if metadata is None:
            answers.append(f"{at} {said}")
            if reply.is_cut or reply.status == 429 or reply.status >= 500:  # noqa: PLR2004  it may be asked later
                problems.insert(0, ServerUnavailable(f"{whose} has trouble, as {at} {said}; try again later"))
        elif isinstance(outcome := judged(metadata, at), ConfigurationError):
            problems.append(outcome)
        else:
            return outcome
    message = f"{whose} publishes no metadata: {', '.join(answers)}; {remedy}"
    raise next(iter(problems), ConfigurationError(message))


async def _answer(request: Request, transport: Transport, redirects: int = _MOST_REDIRECTS) -> tuple[Reply, str]:
    """Return the answer, and in words what it is; redirects within the origin are followed, as nothing is secret."""
    reply = await send(request, transport)
    if reply.status not in _REDIRECTS:
        return reply, _said(reply)
    location = reply.headers.get("Location", "")
    target = sent_on(request.url, location)
    if target is None:
        return reply, f"redirects to {_elsewhere(location)}, which is not followed"
    if not redirects:
        return reply, "redirects too often"
    return await _answer(replace(request, url=target), transport, redirects - 1)


def _said(reply: Reply) -> str:
    if reply.is_cut:
        return f"answered with more than {BODY_CAP} bytes"
    return "answered with what is no JSON object" if reply.status == 200 else f"answered {reply.status}"  # noqa: PLR2004


def _elsewhere(location: str) -> str:
    return shown_whole(origin_of(location)) if "//" in location else "no address"


def shown_whole(address: object) -> str:
    """Show what a server says, whole if it is an address, such as its own name, since it has to be copied."""
    is_address = problem_with(address, plain_http=True) is None and "?" not in str(address)
    if is_address and str(address).isprintable() and len(str(address)) <= MAX_QUOTED:
        return str(address)
    return quoted(address)
