"""Tokens refused in flight: a server that ends every token at once, again and again, while requests are under way.

It issues one good token per client at a time: renewing twice for one 401 ends the token of all the others.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from benchmarks._crawling import Crawl
from benchmarks._serving import serving
from benchmarks.rivals import load_all, opened, row_of

if TYPE_CHECKING:
    from benchmarks._serving import Serving
    from benchmarks.rivals._rival import Rival

CLIENTS = {"aiohttp": 200, "httpx": 20}  # httpx's pool is slow with many
API_LATENCY, LATENCY = 0.05, 0.05  # seconds: requests are in flight most of the time
APART = 2.5  # seconds between two revocations; renewals for rejected tokens are 1, 2, 4 ... 60 s apart (law B6)
REVOCATIONS = 3


def measure(modules: tuple[str, ...], *, quick: bool) -> dict[str, Any]:
    """Measure one rival after the other."""
    rivals, missing = load_all(modules)
    rivals = [rival for rival in rivals if not rival.is_bare]
    return {"crawls": asyncio.run(_measure(rivals, *((1, 0.4) if quick else (REVOCATIONS, APART)))), "missing": missing}


async def _measure(rivals: list[Rival], revocations: int, apart: float) -> list[dict[str, Any]]:
    async with serving() as server:
        await server.set(api_latency=API_LATENCY, latency=LATENCY, kill_old=True)
        return [await row_of(rival, _crawl(server, rival, revocations, apart)) for rival in rivals]


async def _crawl(server: Serving, rival: Rival, revocations: int, apart: float) -> dict[str, Any]:
    place, loop, crawl = server.place.as_client(rival.client_id), asyncio.get_running_loop(), Crawl()
    clients = CLIENTS[rival.library]
    async with opened(rival, place, connections=clients) as get:
        await get(place.api)
        await server.set()

        async def revoke() -> None:
            for _ in range(revocations):
                await asyncio.sleep(apart)
                await server.revoke()

        until = loop.time() + apart * (revocations + 1)
        await asyncio.gather(crawl.run(get, place.api, clients, until), revoke())
        counts = await server.counts()
    return {
        "name": rival.name,
        "clients": clients,
        "revocations": revocations,
        "requests": len(crawl.times),
        "refused": counts.refused,
        "posts": counts.posts.get(rival.client_id, 0),
        "failed": sum(crawl.failures.values()),
        "failures": dict(crawl.failures),
    }
