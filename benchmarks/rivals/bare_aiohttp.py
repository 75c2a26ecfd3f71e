"""The limit: aiohttp with a header that never changes, put there by a middleware that does nothing else."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from benchmarks.rivals._rival import Rival

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import ClientHandlerType, ClientMiddlewareType, ClientRequest, ClientResponse

    from benchmarks._serving import Place


@asynccontextmanager
async def make(place: Place) -> AsyncIterator[ClientMiddlewareType]:
    """Yield the middleware."""
    constant = f"Bearer {place.static}"

    async def middleware(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        request.headers["Authorization"] = constant
        return await handler(request)

    yield middleware


RIVAL = Rival("bare aiohttp", "aiohttp", "none: a constant header", make)
