"""Hosts of a fleet that are killed, stopped or cut off, and a store that is killed, emptied, rolled back or still."""

from __future__ import annotations

import pytest

from tests.fleet import rig, scenarios
from tests.fleet.storm import storm
from tests.support.postgres import skip_without_postgres

KINDS = ("Redis", "PostgreSQL", "pgbouncer")


def part_of(kind: str) -> list[rig.Scenario]:
    """Return what is tried here: all on Redis, half of it on the others; `tests.fleet.storm` tries all on each."""
    if kind == "Redis":
        return list(scenarios.SCENARIOS)
    return list(scenarios.SCENARIOS[KINDS.index(kind) % 2 :: 2])


@pytest.mark.parametrize("kind", KINDS)
async def test_no_session_is_lost_but_what_may_be(kind: str) -> None:
    """Laws J1, J2, J3, J4 and J5: on a server that ends a session whose refresh token comes twice, whatever happens."""
    if kind != "Redis":
        skip_without_postgres()
    costs = await storm(kind, part_of(kind))
    found = {one.__name__: (cost.presented_twice, cost.lost) for one, cost in costs.items()}
    assert found == {one.__name__: (1, True) if one in scenarios.ALLOWED else (0, False) for one in part_of(kind)}


async def test_a_grace_window_forgives_the_rest() -> None:
    """Law J4: a host is out of order from the rotation to the end of patience; the server answers once more."""
    costs = await storm("Redis", scenarios.ALLOWED, grace=rig.GRACE)
    assert {(cost.presented_twice, cost.lost) for cost in costs.values()} == {(1, False)}
