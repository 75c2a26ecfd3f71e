"""What ours shall reach, beside what it reached in the last run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks._tables import OURS, markdown, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NEEDED = {"hot_path", "herd", "turnover", "processes", "store", "scale", "refused", "faults"}
STEP = 3.8  # times what a constant header costs in the same run: the speed of machines differs from hour to hour


def table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the table."""
    rows = [(what, target, reached, "met" if met else "**not met**") for what, target, reached, met in checked(results)]
    return markdown(["", "target", "reached", ""], rows)


def checked(results: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, str, bool]]:
    """Yield each target, what was reached, and whether that is enough."""
    yield from _hot_path(results["hot_path"])
    yield from _herd(results["herd"])
    crawl = next(row for row in results["turnover"]["crawls"] if row["name"] == OURS)
    yield (
        "turnover: throughput of the static header's",
        "at least 0.98",
        f"{crawl['ratio']:.3f}",
        crawl["ratio"] >= 0.98,
    )
    calm = crawl["waited"] == crawl["failed"] == 0
    yield "turnover: requests that waited, or failed", "0", f"{crawl['waited']}, {crawl['failed']}", calm
    races = [row for row in results["processes"]["races"] if row["design"] == OURS]
    twice, failed = (sum(row[name] for row in races) for name in ("presented_twice", "failed"))
    yield "processes: refresh tokens presented twice, calls failed", "0", f"{twice}, {failed}", twice == failed == 0
    most = [f"{row['posts']} of {row['bound']}" for row in races]
    within = all(row["posts"] <= row["bound"] for row in races)
    yield "processes: refreshes, of one per expiry", "within it", ", ".join(most), within
    imported = next(row for row in results["store"]["imports"] if row["name"].startswith(OURS))["ms"]["mid"]
    yield "import, over aiohttp", "at most 20 ms", f"{shown(imported)} ms", imported <= 20
    size = results["scale"]["accounts"][-1]["bytes"]
    yield "a repository at rest", "at most 2,000 bytes", f"{size:,} bytes", size <= 2_000


def _hot_path(result: Mapping[str, Any]) -> Iterator[tuple[str, str, str, bool]]:
    steps = {row["name"]: row["ns"]["mid"] / 1e3 for row in result["stub"] if int(row["size"]) == 800}
    ours, constant = steps[OURS], steps["bare aiohttp"]
    reached = f"{ours / constant:.2f} times ({ours:.2f} us, {constant:.2f})"
    yield "hot path over a stub", f"at most {STEP} times a constant header", reached, ours <= STEP * constant
    ratio = next(row for row in result["loopback"] if row["name"] == OURS)["ratio"]
    yield "hot path on loopback", "at most 1 % of throughput", f"{max(1 - ratio, 0):.1%}", ratio >= 0.99


def _herd(result: Mapping[str, Any]) -> Iterator[tuple[str, str, str, bool]]:
    ours = [row for row in result["herds"] if row["name"] == OURS]
    most = max(row["callers"] for row in ours)
    largest = [row for row in ours if row["callers"] == most]
    posts = max(row["posts"] for row in ours)
    yield "herds of every size: POSTs", "1", str(posts), posts == 1
    behind = [row["last_ms"] for row in largest if row["busy"]]
    reached = ", ".join(f"{shown(row['last_ms'])} ms ({row['state']})" for row in largest if row["busy"])
    yield f"herd of {most:,}: last after first, beside work", "within 50 ms", reached, max(behind) <= 50
    size = result["memory"]["bytes"]
    yield "a waiter", "at most 700 bytes", f"{size} bytes", size <= 700
