"""What the tests of the middleware share: good tokens, a session with a middleware, a middleware that retries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import ClientSession

from aio_token import BearerMiddleware

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, TCPConnector

    from aio_token import TokenSource

BEARER_1 = "Bearer access-1"
BEARER_2 = "Bearer access-2"


class Accepting:
    """Tells a `ProtectedAPI` which access tokens count; `tokens` may be changed."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = set(tokens)

    def accepts(self, access_token: str) -> bool:
        """Whether the access token counts."""
        return access_token in self.tokens


def session(
    source: TokenSource,
    *origins: str,
    connector: TCPConnector | None = None,
    raise_for_status: bool = False,
    **options: Any,
) -> ClientSession:
    """Return a session whose requests to the origins carry the source's token."""
    middleware = BearerMiddleware(source, *origins, **options)
    return ClientSession(middlewares=(middleware,), connector=connector, raise_for_status=raise_for_status)


async def twice(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Send the request twice and return the second answer, as a middleware does that retries."""
    (await handler(request)).close()
    return await handler(request)


async def answered(request: Awaitable[ClientResponse]) -> ClientResponse:
    """Return the answer with its body let go of: an unread one keeps its connection until it is collected."""
    async with await request as response:
        return response
