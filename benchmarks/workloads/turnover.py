"""Sustained load over many expiries: throughput beside the bare client in the same loop, tails, waits and failures."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from benchmarks._crawling import Crawl, longest_standstill
from benchmarks._sampling import significant, tail
from benchmarks._serving import serving
from benchmarks.rivals import load_all, opened, row_of

if TYPE_CHECKING:
    from benchmarks._serving import Serving
    from benchmarks.rivals._rival import Rival

LIFETIME = 4.0  # seconds, of an access token
LATENCY = 0.3  # seconds, of the token endpoint
CLIENTS = {"aiohttp": 20, "httpx": 4}  # of the rival, and of the bare client; httpx's pool is slow with many
SECONDS = 14.0


def measure(modules: tuple[str, ...], *, quick: bool) -> dict[str, Any]:
    """Measure one rival after the other, each with its bare client at its side."""
    rivals, missing = load_all(modules)
    return {"crawls": asyncio.run(_measure(rivals, quick=quick)), "missing": missing}


async def _measure(rivals: list[Rival], *, quick: bool) -> list[dict[str, Any]]:
    lifetime, seconds = (2.0, 2.5) if quick else (LIFETIME, SECONDS)
    bares = {rival.name: rival for rival in rivals if rival.is_bare}
    async with serving() as server:
        await server.set(lifetime=lifetime, longer={rival.client_id: rival.margin for rival in rivals})
        await server.set(latency=LATENCY)
        return [
            await row_of(rival, _crawl(server, rival, bares[rival.bare], seconds))
            for rival in rivals
            if not rival.is_bare
        ]


async def _crawl(server: Serving, rival: Rival, bare: Rival, seconds: float) -> dict[str, Any]:
    place, loop = server.place.as_client(rival.client_id), asyncio.get_running_loop()
    its, beside, clients = Crawl(), Crawl(), CLIENTS[rival.library]
    async with opened(rival, place, connections=clients) as get, opened(bare, place, connections=clients) as other:
        # The first token and the connections do not count as waits.
        await asyncio.gather(*(one(place.api) for _ in range(clients) for one in (get, other)))
        await server.set()
        until = loop.time() + seconds
        _, _, stood = await asyncio.gather(
            its.run(get, place.api, clients, until),
            beside.run(other, place.api, clients, until),
            longest_standstill(until),
        )
        counts = await server.counts()
    return {
        "name": rival.name,
        "requests": len(its.times),
        "ratio": round(len(its.times) / len(beside.times), 4),
        "failed": sum(its.failures.values()),
        "failures": dict(its.failures),
        "waited": its.slower_than(LATENCY / 2),
        "posts": counts.posts.get(rival.client_id, 0),
        "ms": tail([time * 1e3 for time in its.times]),
        "bare": {"waited": beside.slower_than(LATENCY / 2), "ms": tail([time * 1e3 for time in beside.times])},
        "standstill_ms": significant(stood * 1e3),
    }
