"""Herds: so many callers find the token absent, expired or rejected at once; who asks, and when the last one goes on.

The API is a stub, so that nothing but the way to a token is between the first and the last; the token endpoint is real,
and takes long enough for all to arrive.
"""

from __future__ import annotations

import asyncio
import gc
import math
import time
from contextlib import AsyncExitStack
from itertools import count
from typing import TYPE_CHECKING, Any

from benchmarks._memory import bytes_per_waiter
from benchmarks._sampling import significant
from benchmarks._serving import serving
from benchmarks._stub import stubbed
from benchmarks.rivals import load_all, row_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks._serving import Serving
    from benchmarks._stub import Step
    from benchmarks.rivals._rival import Rival

STATES = ("absent", "expired", "refused")
LATENCY = 0.3  # seconds, of the token endpoint
LIFETIME = 1.0  # seconds, of a token that shall expire
WORK = 0.001  # seconds of other work in each tick of the event loop
LARGEST = 10_000
PATIENCE = 20.0  # seconds; a herd that takes longer is given up

_serial = count()


def measure(modules: tuple[str, ...], *, quick: bool) -> dict[str, Any]:
    """Measure ours up to the largest herd, and the others with those that they can bear."""
    rivals, missing = load_all(modules)
    herds = asyncio.run(_measure([rival for rival in rivals if not rival.is_bare], quick=quick))
    return {"herds": herds, "memory": asyncio.run(bytes_per_waiter(500 if quick else 10_000)), "missing": missing}


def _cases(rivals: list[Rival], *, quick: bool) -> Iterator[tuple[Rival, str, int, bool]]:
    for rival in rivals:
        ours = rival.name == "aio_token"
        for state in STATES:
            for busy in (False, True):
                for callers in (100,) if quick else (1, 100, 1_000, LARGEST) if ours else (1_000,):
                    yield rival, state, callers, busy
        if not (ours or quick):
            for callers in (1, 100, LARGEST):
                yield rival, "absent", callers, False


async def _measure(rivals: list[Rival], *, quick: bool) -> list[dict[str, Any]]:
    async with serving() as server:
        cases = _cases(rivals, quick=quick)
        return [
            dict(zip(("state", "callers", "busy"), case[1:], strict=True))
            | await row_of(case[0], _settled(server, *case[:3], busy=case[3]))
            for case in cases
        ]


async def _settled(server: Serving, rival: Rival, state: str, callers: int, *, busy: bool) -> dict[str, Any]:
    """Return a herd's row; of ours of the largest, that of the middle of three delays, since a target depends on it."""
    times = 3 if callers == LARGEST and rival.name == "aio_token" else 1
    rows = [await herd(server, rival, state, callers, busy=busy) for _ in range(times)]
    return sorted(rows, key=lambda row: row.get("last_ms") or math.inf)[times // 2]


async def herd(server: Serving, rival: Rival, state: str, callers: int, *, busy: bool) -> dict[str, Any]:
    """Return how many token requests the herd caused, who failed, and how far the last was behind the first."""
    client = f"{rival.client_id}-{next(_serial)}"
    row: dict[str, Any] = {"name": rival.name, "state": state, "callers": callers, "busy": busy}
    await server.set(lifetime=LIFETIME if state == "expired" else 3600.0, latency=0.0, longer={client: rival.margin})
    refused: set[str] = set()
    seen: list[str] = []
    went: list[float] = []

    def answer(authorization: str) -> bool:
        seen[:] = [authorization]
        if authorization in refused:
            return False
        went.append(time.perf_counter())
        return True

    async with AsyncExitStack() as stack:
        step = await stack.enter_async_context(stubbed(rival, server.place.as_client(client), answer))
        if rival.name == "Authlib" and state == "absent":
            return row | {"outcome": "its first token is fetched by hand"}
        if state != "absent":
            await step.ask()
            if state == "refused":
                refused.update(seen)
            else:
                await asyncio.sleep(2 * LIFETIME + 0.1)  # some of them count in whole seconds
        await server.set(latency=LATENCY, lifetime=3600.0)
        went.clear()
        failed = await _run(step, callers, busy=busy)
    if failed is None:
        return row | {"outcome": f"not done after {PATIENCE:.0f} s"}
    counts = await server.set(latency=0.0)
    behind = significant((went[-1] - went[0]) * 1e3) if went else None
    return row | {"posts": counts.posts.get(client, 0), "failed": failed, "last_ms": behind}


async def _run(step: Step, callers: int, *, busy: bool) -> int | None:
    """Let the herd go; return how many of it failed, None if it takes too long."""
    done = asyncio.Event()

    async def work() -> None:
        while not done.is_set():
            until = time.perf_counter() + WORK
            while time.perf_counter() < until:
                pass
            await asyncio.sleep(0)

    gc.collect()
    tasks = [asyncio.ensure_future(step.ask()) for _ in range(callers)]
    other = asyncio.ensure_future(work()) if busy else None
    _, late = await asyncio.wait(tasks, timeout=PATIENCE)
    done.set()
    if other is not None:
        await other
    for task in late:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    return None if late else sum(outcome != 200 for outcome in outcomes)
