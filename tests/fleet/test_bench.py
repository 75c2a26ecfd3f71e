"""The benchmark of many hosts measures what it says."""

from __future__ import annotations

from benchmarks import fleet
from tests.support.postgres import skip_without_postgres


async def test_hosts_and_accounts_are_measured_on_each_store() -> None:
    """Law J6: refreshes are rotations on each; where nothing excludes others, refresh tokens come twice."""
    skip_without_postgres()
    races, accounts = await fleet.measure(quick=True)
    ours = [row for row in races if row["design"] in {"file", "Redis", "PostgreSQL"}]
    assert len(ours) == 3
    assert all(row["posts"] == row["rotations"] > 0 == row["presented_twice"] for row in ours)
    assert all(row["over"]["p50"] > 0 for row in ours)
    assert {row["design"] for row in races} > {row["design"] for row in ours}
    assert all((row["listed"], row["answered"]) == (row["accounts"], row["renewed"]) for row in accounts)
    assert fleet.races_table(races).count("\n") == len(races) + 1
    assert fleet.accounts_table(accounts).count("\n") == len(accounts) + 1
