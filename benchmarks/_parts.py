"""What a request's way through the middleware consists of, each part timed by itself: the profile of the hot path."""

from __future__ import annotations

import timeit
from typing import TYPE_CHECKING, Any

from aiohttp.hdrs import AUTHORIZATION

from aio_token._middleware import REQUIRES_TOKEN

if TYPE_CHECKING:
    from aiohttp import ClientRequest, ClientResponse

    from aio_token import BearerMiddleware, TokenRepository

FRESH = (
    "cached = cache.cached; "
    "cached is not None and monotonic() < cached.fresh_until and wall() < cached.fresh_until_wall"
)
_PARTS = (
    ("call an object and await its coroutine", "passing(request).close()"),
    ("has the request opted out?", "REQUIRES_TOKEN in headers"),
    ("has it a header of its own?", "AUTHORIZATION in headers"),
    ("is its origin one of ours?", "url.raw_authority not in origins[url.scheme]"),
    ("does it go through a proxy?", "request.proxy is not None"),
    ("is a fresh token at hand?", FRESH),
    ("of this: the monotonic clock", "monotonic()"),
    ("of this: the wall clock", "wall()"),
    ("set the header, and delete it", "headers[AUTHORIZATION] = value; del headers[AUTHORIZATION]"),
    ("is it still ours?", "headers.get(AUTHORIZATION) is value"),
    ("is the answer a 401?", "response.status == 401"),
)


class _Passing:
    async def __call__(self, request: ClientRequest) -> None:
        """Do nothing."""


def parts(
    middleware: BearerMiddleware,
    tokens: TokenRepository,
    request: ClientRequest,
    response: ClientResponse,
    *,
    count: int,
) -> list[dict[str, Any]]:
    """Return the nanoseconds of each part, without those of the loop that measures: the lowest of several rounds."""
    cache = tokens._keeper  # noqa: SLF001  as the middleware looks into it
    names = {
        "AUTHORIZATION": AUTHORIZATION,
        "REQUIRES_TOKEN": REQUIRES_TOKEN,
        "cache": cache,
        "headers": request.headers,
        "monotonic": cache.clock.monotonic,
        "origins": middleware._origins,  # noqa: SLF001  as the middleware has them
        "passing": _Passing(),
        "request": request,
        "response": response,
        "url": request.url,
        "value": "Bearer x",
        "wall": cache.clock.time,
    }

    def nanoseconds(statement: str) -> float:
        return min(timeit.repeat(statement, globals=names, number=count, repeat=7)) / count * 1e9

    empty = nanoseconds("pass")
    return [
        {"part": part, "statement": statement, "ns": round(nanoseconds(statement) - empty)}
        for part, statement in _PARTS
    ]
