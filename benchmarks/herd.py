"""Herds: so many callers find the token absent, expired or refused at once; how long the last waits after the first.

`python -m benchmarks.herd` prints a Markdown table. The authorization server runs on loopback and counts requests.
"""

from __future__ import annotations

import asyncio
import gc
import platform
import time

from aio_token import ClientSecretBasic, RefreshTokenGrant, TokenEndpoint, TokenRepository
from aio_token.testing import AuthorizationServer, ManualClock

LIFETIME = 60.0
CALLERS = (1, 100, 1_000, 10_000)
STATES = ("absent", "expired", "refused")
WORK = 0.001  # seconds of other work per tick of the event loop


async def busy(stop: asyncio.Event) -> None:
    """Keep the event loop busy, a millisecond in each tick."""
    while not stop.is_set():
        until = time.perf_counter() + WORK
        while time.perf_counter() < until:
            pass
        await asyncio.sleep(0)


async def herd(state: str, callers: int, *, beside_work: bool) -> tuple[int, float]:
    """Return how many token requests the herd caused, and the seconds between its first and its last waking."""
    clock = ManualClock()
    async with AuthorizationServer(lifetime=LIFETIME, clock=clock) as server:
        client = ClientSecretBasic(server.client.client_id, server.client.secret or "")
        grant = RefreshTokenGrant(TokenEndpoint(server.token_url, client, clock=clock), first=server.sign_in())
        async with TokenRepository(grant, clock=clock) as tokens:
            rejected = None
            if state != "absent":
                current = await tokens.token()
                rejected = current if state == "refused" else None
                clock.advance(0 if rejected else LIFETIME)
            before = server.requests["refresh_token"]
            woken: list[float] = []

            async def ask() -> None:
                await tokens.token(rejected=rejected)
                woken.append(time.perf_counter())

            stop = asyncio.Event()
            with server.hold() as hold:
                tasks = [asyncio.create_task(ask()) for _ in range(callers)]
                await hold.arrived.wait()
                work = asyncio.create_task(busy(stop)) if beside_work else None
                gc.collect()
                hold.release()
                await asyncio.gather(*tasks)
            stop.set()
            if work is not None:
                await work
        return server.requests["refresh_token"] - before, woken[-1] - woken[0]


async def main() -> None:
    """Print the table."""
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}\n")
    print("| callers | token | token requests | last waiter, idle (ms) | last waiter, beside 1 ms of work (ms) |")
    print("|---|---|---|---|---|")
    for callers in CALLERS:
        for state in STATES:
            requests, idle = await herd(state, callers, beside_work=False)
            also, worked = await herd(state, callers, beside_work=True)
            assert requests == also == 1
            print(f"| {callers:,} | {state} | {requests} | {idle * 1e3:.1f} | {worked * 1e3:.1f} |", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
