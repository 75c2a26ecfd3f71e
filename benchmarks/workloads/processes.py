"""Processes that share one rotating credential, on a server that ends a session whose refresh token comes twice."""

from __future__ import annotations

import asyncio
import json
import math
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aio_token import Windows
from benchmarks._sampling import Rounds
from benchmarks._serving import serving
from tests.kills.race import DESIGNS

if TYPE_CHECKING:
    from benchmarks._serving import Place, Serving

LIFETIME = 2.0  # seconds
LATENCY = 0.05  # seconds, of the token endpoint
SECONDS = 5.0
COUNTS, CONTRAST = (2, 4, 8, 16), 8  # processes: of ours, and of the others
OURS = "aio_token"


def measure(modules: tuple[str, ...], *, quick: bool) -> dict[str, Any]:  # noqa: ARG001  no rival has a store to share
    """Measure ours beside the same repository on stores as people write them."""
    races = (
        [(OURS, 2)] if quick else [(OURS, count) for count in COUNTS] + [(name, 8) for name in DESIGNS if name != OURS]
    )
    return {"races": asyncio.run(_measure(races, 1.0 if quick else SECONDS))}


async def _measure(races: list[tuple[str, int]], seconds: float) -> list[dict[str, Any]]:
    async with serving() as server:
        await server.set(lifetime=LIFETIME, latency=LATENCY)
        return [await _race(server, design, count, seconds) for design, count in races]


async def _race(server: Serving, design: str, count: int, seconds: float) -> dict[str, Any]:
    client = f"{design.replace(' ', '-')}-{count}"
    place = server.place.as_client(client, refresh_token=f"first-{client}")
    await server.set()
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "token.json")
        processes = await asyncio.gather(*(_start(design, path, seconds, place) for _ in range(count)))
        for process in processes:
            assert process.stdin
            process.stdin.close()
        told = [json.loads((await process.communicate())[0]) for process in processes]
    counts = await server.counts()
    firsts = [one["first_ms"] for one in told if one["first_ms"]]
    soft, _ = Windows().before_end(LIFETIME, renewal_took=LATENCY, jitter=1.0)
    return {
        "design": design,
        "processes": count,
        "succeeded": sum(one["succeeded"] for one in told),
        "failed": sum(one["failed"] for one in told),
        "posts": counts.posts.get(client, 0),
        "bound": math.floor(seconds / (LIFETIME - soft)) + 1,  # one per expiry
        "presented_twice": counts.reused,
        "with_a_token": len(firsts),
        "first_ms": Rounds.of(firsts).json() if firsts else None,
    }


async def _start(design: str, path: str, seconds: float, place: Place) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    arguments = (design, path, str(seconds), json.dumps(asdict(place)))
    command = (sys.executable, "-m", "tests.kills.sharing", *arguments)
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert process.stdout
    assert (await process.stdout.readline()).strip() == b"ready"
    return process
