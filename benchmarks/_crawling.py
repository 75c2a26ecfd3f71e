"""Clients that ask one page after another as fast as they get it, beside those of the bare client in the same loop."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.rivals._rival import Get

BEAT = 0.005  # seconds


@dataclass(slots=True)
class Crawl:
    """What the clients went through: seconds of each answered request, and how the others ended."""

    times: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)

    async def run(self, get: Get, url: str, clients: int, until: float) -> None:
        """Crawl until then, on the event loop's clock."""
        await asyncio.gather(*(self._client(get, url, until) for _ in range(clients)))

    async def _client(self, get: Get, url: str, until: float) -> None:
        loop = asyncio.get_running_loop()
        while (began := loop.time()) < until:
            try:
                status = await get(url)
            except Exception as error:  # noqa: BLE001  whatever it is, the request failed
                self.failures[type(error).__name__] += 1
                await asyncio.sleep(0.01)  # or a client that fails at once would take all the time there is
            else:
                if status == 200:
                    self.times.append(loop.time() - began)
                else:
                    self.failures[str(status)] += 1

    def slower_than(self, seconds: float) -> int:
        """Return how many requests took longer."""
        return sum(time > seconds for time in self.times)


async def longest_standstill(until: float) -> float:
    """Return for how long the event loop ran nothing else, at worst (seconds)."""
    loop = asyncio.get_running_loop()
    longest = 0.0
    while (began := loop.time()) < until:
        await asyncio.sleep(BEAT)
        longest = max(longest, loop.time() - began - BEAT)
    return longest
