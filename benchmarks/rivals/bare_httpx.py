"""The limit for what is built on httpx: its client with a header that never changes."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from httpx import AsyncBaseTransport, AsyncClient

from benchmarks.rivals._rival import Rival

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from benchmarks._serving import Place


@asynccontextmanager
async def make(place: Place, transport: AsyncBaseTransport | None) -> AsyncIterator[AsyncClient]:
    """Yield the client."""
    constant = {"Authorization": f"Bearer {place.static}"}
    async with AsyncClient(headers=constant, transport=transport, trust_env=False, timeout=60) as client:
        yield client


RIVAL = Rival("bare httpx", "httpx", "none: a constant header", make)
