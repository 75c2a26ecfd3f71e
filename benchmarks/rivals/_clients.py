"""A page by aiohttp, a page by httpx: the same on every connection, and read to its end."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import ClientSession, TCPConnector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from benchmarks._serving import Place
    from benchmarks.rivals._rival import Get, Rival


@asynccontextmanager
async def by_aiohttp(rival: Rival, place: Place, connections: int) -> AsyncIterator[Get]:
    """Fetch by a session with the rival's middleware."""
    async with (
        rival.make(place) as middleware,
        ClientSession(middlewares=(middleware,), connector=TCPConnector(limit=connections)) as session,
    ):

        async def get(url: str) -> int:
            async with session.get(url) as response:
                await response.read()
                return response.status

        yield get


@asynccontextmanager
async def by_httpx(rival: Rival, place: Place, connections: int) -> AsyncIterator[Get]:
    """Fetch by the rival's client."""
    from httpx import AsyncHTTPTransport, Limits

    limits = Limits(max_connections=connections, max_keepalive_connections=connections)
    async with rival.make(place, AsyncHTTPTransport(limits=limits)) as client:

        async def get(url: str) -> int:
            response = await client.get(url)
            return int(response.status_code)

        yield get
