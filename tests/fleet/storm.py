"""A storm over a fleet: everything that may happen to it, a few things at a time.

`python -m tests.fleet.storm [STORE ...]` prints a Markdown table for each: what each thing costs, on a server that ends
a session whose refresh token comes twice and on one that forgives that for a while.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.fleet.rig import GRACE, run
from tests.fleet.scenarios import SCENARIOS, TO_THE_SERVER
from tests.fleet.servers import KINDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from tests.fleet.rig import Cost, Scenario
    from tests.fleet.servers import StoreServer

AT_ONCE = 6
"""Scenarios that run at a time: they mostly wait."""


async def storm(kind: str, scenarios: Iterable[Scenario], *, grace: float = 0.0) -> dict[Scenario, Cost]:
    """Let some happen, a few at a time; what happens to a server happens to one that no others use."""
    permits = asyncio.Semaphore(AT_ONCE)
    async with _server(kind) as shared:

        async def alone(scenario: Scenario) -> Cost:
            async with permits:
                if scenario not in TO_THE_SERVER:
                    return await run(shared, scenario, grace=grace)
                async with _server(kind) as own:
                    return await run(own, scenario, grace=grace)

        wanted = list(scenarios)
        costs = await asyncio.gather(*map(alone, wanted))
    return dict(zip(wanted, costs, strict=True))


@asynccontextmanager
async def _server(kind: str) -> AsyncIterator[StoreServer]:
    """Run a server; starting one must not hold up the others' renewals."""
    running = KINDS[kind]()
    server = await asyncio.to_thread(running.__enter__)
    try:
        await server.prepare()
        yield server
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)


async def main(kinds: list[str]) -> None:
    """Print the tables."""
    for kind in kinds or KINDS:
        print(
            f"\n{kind}\n\n| what happens | presented twice | lost, strict | lost, grace | calls failed | longest wait |"
        )
        print("|---|---:|---:|---:|---:|---:|")
        strict, forgiving = await storm(kind, SCENARIOS), await storm(kind, SCENARIOS, grace=GRACE)
        for scenario, cost in strict.items():
            both = cost, forgiving[scenario]
            lost = ["**yes**" if one.lost else "no" for one in both]
            twice, failed = ({getattr(one, name) for one in both} for name in ("presented_twice", "failed"))
            waited = f"{max(one.longest_wait for one in both):.1f} s"
            row = (str(scenario.__doc__).rstrip("."), _span(twice), *lost, _span(failed), waited)
            print(f"| {' | '.join(row)} |", flush=True)


def _span(counts: set[int]) -> str:
    return " to ".join(map(str, sorted(counts)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
