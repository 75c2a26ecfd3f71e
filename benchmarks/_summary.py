"""The README's table: one figure of each measurement for each way to a token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks._tables import is_herd, markdown

if TYPE_CHECKING:
    from collections.abc import Mapping


def added(result: Mapping[str, Any]) -> dict[str, float]:
    """Return the microseconds that each adds to a step of its bare client, with a token of 800 characters."""
    return {row["name"]: max(row["added_ns"], 0) / 1e3 for row in result["stub"] if int(row["size"]) == 800}


def failed_share(crawl: Mapping[str, Any]) -> float:
    """Return the part of its requests that failed."""
    return float(crawl["failed"] / max(crawl["failed"] + crawl["requests"], 1))


def table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the README's table."""
    steps = added(results["hot_path"])
    waits = {row["name"]: row for row in results["turnover"]["crawls"] if "outcome" not in row}
    kills = {row["name"]: row for row in results["refused"]["crawls"] if "outcome" not in row}
    down = {row["name"]: row for row in results["faults"]["outages"] if "outcome" not in row}
    minute = 60 / results["faults"]["seconds"]
    counts = [row["callers"] for row in results["herd"]["herds"]]
    callers = 1_000 if 1_000 in counts else max(counts)
    herds = {
        row["name"]: row.get("last_ms")
        for row in results["herd"]["herds"]
        if is_herd(row, row["name"], "expired", callers, busy=True)
    }
    names = [name for name in waits if name in kills and name in down]
    rows = [
        (
            name,
            steps.get(name),
            herds.get(name),
            f"{waits[name]['ratio']:.2f}",
            f"{failed_share(kills[name]):.0%}",
            round(down[name]["posts"] * minute),
        )
        for name in names
    ]
    head = [
        "",
        "added to a request (us)",
        "last of the herd (ms)",
        "throughput",
        "failed, server ends tokens",
        "POSTs per minute, endpoint down",
    ]
    return markdown(head, rows)
