"""The token endpoint is down: how often each of them asks it, all at the same time, none of them with a token."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from benchmarks._serving import serving
from benchmarks.rivals import load_all, opened

if TYPE_CHECKING:
    from benchmarks.rivals._rival import Get, Rival

CLIENTS = 10  # of each
PAUSE = 0.1  # seconds between a client's failure and its next request
SECONDS = 60.0
LIFETIME = 1.0  # seconds


def measure(modules: tuple[str, ...], *, quick: bool) -> dict[str, Any]:
    """Measure all at once."""
    rivals, missing = load_all(modules)
    seconds = 1.0 if quick else SECONDS
    return {"seconds": seconds, "outages": asyncio.run(_measure(rivals, seconds)), "missing": missing}


async def _measure(rivals: list[Rival], seconds: float) -> list[dict[str, Any]]:
    async with serving() as server, AsyncExitStack() as stack:
        await server.set(lifetime=LIFETIME)  # Authlib has its first token fetched by hand: that one has to end
        gets = {}
        for rival in rivals:
            if not rival.is_bare:
                place = server.place.as_client(f"{rival.client_id}-down")
                gets[rival] = await stack.enter_async_context(opened(rival, place, connections=CLIENTS))
        if any(rival.name == "Authlib" for rival in gets):
            await asyncio.sleep(2 * LIFETIME)
        await server.set(down=True)
        rows = await asyncio.gather(*(_try(rival, get, server.place.api, seconds) for rival, get in gets.items()))
        posts = (await server.counts()).posts
    return [row | {"posts": posts.get(f"{rival.client_id}-down", 0)} for rival, row in zip(gets, rows, strict=True)]


async def _try(rival: Rival, get: Get, url: str, seconds: float) -> dict[str, Any]:
    """Ask for pages all the while; all fail."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    row: dict[str, Any] = {"name": rival.name, "requests": 0, "answered": 0}

    async def client() -> None:
        while loop.time() < until:
            row["requests"] += 1
            try:
                async with asyncio.timeout_at(until):
                    status = await get(url)
                row["answered"] += status == 200
            except Exception as error:  # noqa: BLE001  what it says is the outcome
                row["error"] = type(error).__name__ if loop.time() < until else row.get("error", "none by then")
            await asyncio.sleep(PAUSE)

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return row
