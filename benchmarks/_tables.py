"""The tables of the documents, each a function of a workload's result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

OURS = "aio_token"
Result = dict[str, Any]


def markdown(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; figures stand to the right."""
    line = "|---|" + "---:|" * (len(head) - 1)
    return "\n".join([f"| {' | '.join(head)} |", line, *(f"| {' | '.join(map(shown, row))} |" for row in rows)])


def shown(value: object) -> str:
    """Return a figure as it is read."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.1f}" if abs(value) >= 10 else f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def spread(rounds: Mapping[str, float], scale: float = 1.0) -> str:
    """Return the middle of several rounds, and their ends."""
    low, mid, high = (shown(float(rounds[name]) / scale) for name in ("low", "mid", "high"))
    return f"{mid} ({low} to {high})"


def environment(found: Mapping[str, Any]) -> str:
    """On what it was measured."""
    machine = found["environment"]
    of = [f"{library} {version}" for library, version in machine["libraries"].items()]
    lines = [
        f"- {machine['processor']}, {machine['cores']} cores, {machine['system']}, {machine['python']}",
        f"- {', '.join(of)}",
        "",
        markdown(
            ["workload", "ended", "seconds", "load before", "load after"],
            [
                (name.replace("_", " "), one["at"], one["seconds"], one["load"][0][0], one["load"][1][0])
                for name, one in found["workloads"].items()
            ],
        ),
    ]
    return "\n".join(lines)


def stub(result: Result) -> str:
    """Over a stub."""
    by: dict[str, dict[int, Any]] = {}
    for row in result["stub"]:
        by.setdefault(row["name"], {})[int(row["size"])] = row["ns"]
    sizes = sorted({int(row["size"]) for row in result["stub"]})
    head = ["a step over a stub (us)", *(f"token of {size:,} characters" for size in sizes)]
    return markdown(head, [(name, *(spread(found[size], 1e3) for size in sizes)) for name, found in by.items()])


def origins(result: Result) -> str:
    """Ours with more than one origin."""
    rows = [(row["origins"], spread(row["ns"], 1e3)) for row in result["origins"]]
    return markdown(["origins of the middleware", "a step over a stub (us)"], rows)


def parts(result: Result) -> str:
    """What ours consists of."""
    rows = [(row["part"], f"`{row['statement']}`", row["ns"]) for row in result["parts"]]
    return markdown(["part of a step", "in Python", "ns"], rows)


def loopback(result: Result) -> str:
    """Over sockets."""
    other = {row["name"]: row for row in result["uvloop"]}
    rows = [
        (
            row["name"],
            spread(row["us"]),
            f"{row['ratio']:.3f}",
            *((spread(it["us"]), f"{it['ratio']:.3f}") if (it := other.get(row["name"])) else ("-", "-")),
        )
        for row in result["loopback"]
    ]
    return markdown(["a request on loopback (us)", "asyncio", "of bare", "uvloop", "of bare"], rows)


def server(result: Result) -> str:
    """What the server can do."""
    found = result["server"]
    rows = [(found["requests_per_second"], f"{found['client_cpu']:.0%}", f"{found['server_cpu']:.0%}")]
    return markdown(["requests per second of bare aiohttp", "its processor time", "the server's"], rows)


def herd(result: Result) -> str:
    """The rivals' herds of a thousand, or of what there is."""
    counts = [row["callers"] for row in result["herds"]]
    callers = 1_000 if 1_000 in counts else max(counts)
    rows = []
    names = dict.fromkeys(row["name"] for row in result["herds"])
    for name in names:
        for state in ("absent", "expired", "refused"):
            both = [
                next(row for row in result["herds"] if is_herd(row, name, state, callers, busy=busy))
                for busy in (False, True)
            ]
            rows.append((name, state, *(cell for row in both for cell in _herd_cells(row))))
    beside = "beside 1 ms of work per tick:"
    head = [
        f"{callers:,} callers",
        "token",
        "idle: POSTs",
        "failed",
        "last (ms)",
        f"{beside} POSTs",
        "failed",
        "last (ms)",
    ]
    return markdown(head, rows)


def herd_ours(result: Result) -> str:
    """Ours, of every size."""
    rows = []
    for row in result["herds"]:
        if row["name"] == OURS and not row["busy"]:
            busy = next(one for one in result["herds"] if is_herd(one, OURS, row["state"], row["callers"], busy=True))
            rows.append(
                (
                    row["callers"],
                    row["state"],
                    row.get("posts"),
                    row.get("last_ms"),
                    busy.get("posts"),
                    busy.get("last_ms"),
                )
            )
    head = ["callers", "token", "POSTs", "last (ms), idle", "POSTs", "last (ms), beside 1 ms of work per tick"]
    return markdown(head, sorted(rows, key=lambda row: (row[1], row[0])))


def is_herd(row: Result, name: str, state: str, callers: int, *, busy: bool) -> bool:
    return (row["name"], row.get("state"), row.get("callers"), row.get("busy")) == (name, state, callers, busy)


def _herd_cells(row: Result) -> tuple[object, object, object]:
    return (row["outcome"], None, None) if "outcome" in row else (row["posts"], row["failed"], row["last_ms"])


def memory(result: Result) -> str:
    """What a waiter costs."""
    found = result["memory"]
    head = ["callers", "bytes of a waiter", "of it its future", "left out: task", "left out: coroutine frames"]
    names = ("callers", "bytes", "of_it_future", "left_out_task", "left_out_frames")
    return markdown(head, [[found[name] for name in names]])


def turnover(result: Result) -> str:
    """Over many expiries."""
    rows: list[Sequence[object]] = []
    for row in result["crawls"]:
        if "outcome" in row:
            rows.append((row["name"], row["outcome"]))
            continue
        ms, bare = row["ms"], row["bare"]
        tails = (f"{shown(ms[cut])} / {shown(bare['ms'][cut])}" for cut in ("p50", "p99", "p99.9"))
        waited = f"{row['waited']:,} / {bare['waited']:,}"
        rows.append(
            (
                row["name"],
                row["requests"],
                f"{row['ratio']:.3f}",
                row["posts"],
                row["failed"],
                waited,
                *tails,
                row["standstill_ms"],
            )
        )
    tails_head = ["p50 (ms)", "p99 (ms)", "p99.9 (ms)"]
    head = ["", "requests", "of bare", "POSTs", "failed", "over 150 ms", *tails_head, "loop stood still (ms)"]
    return markdown(head, rows)


def refused(result: Result) -> str:
    """Refused in flight."""
    names = ("name", "clients", "revocations", "requests", "refused", "posts", "failed")
    rows = [
        (row["name"], row["outcome"]) if "outcome" in row else [row[name] for name in names] for row in result["crawls"]
    ]
    return markdown(["", "clients", "revocations", "answered", "401s seen", "POSTs", "failed"], rows)


def processes(result: Result) -> str:
    """Several processes."""
    names = ("processes", "design", "succeeded", "failed", "posts", "bound", "presented_twice")
    rows = [
        [*(row[name] for name in names), spread(row["first_ms"]) if row["first_ms"] else "none had one"]
        for row in result["races"]
    ]
    head = ["processes", "store", "calls", "failed", "POSTs", "bound", "presented twice", "first token (ms)"]
    return markdown(head, rows)


def operations(result: Result) -> str:
    """Of the stores."""
    return markdown(["", "ms"], [(row["name"], spread(row["ms"])) for row in result["operations"]])


def starts(result: Result) -> str:
    """Of processes."""
    return markdown(["a process", "ms"], [(row["name"], spread(row["ms"])) for row in result["starts"]])


def imports(result: Result) -> str:
    """Of libraries."""
    rows = [(row["name"], row["after"], spread(row["ms"])) for row in result["imports"]]
    return markdown(["import", "after", "ms"], rows)


def scale(result: Result) -> str:
    """Many accounts."""
    names = ("accounts", "bytes", "creation_us", "step_ns", "random_step_ns")
    rows = []
    for row in result["accounts"]:
        growth = row.get("growth")
        rows.append([*(row[name] for name in names), growth and f"{growth['bytes']:.2f} / {growth['step_ns']:.2f}"])
    return markdown(
        [
            "accounts",
            "bytes each",
            "creation (us)",
            "a step (ns)",
            "a step, at random",
            "growth per decade: bytes / step",
        ],
        rows,
    )


def accounts(result: Result) -> str:
    """Accounts by name."""
    names = ("rest_bytes", "use_bytes", "creation_us", "step_ns", "collection_rest_ms", "collection_use_ms")
    head = [
        "accounts",
        "bytes at rest",
        "and in use",
        "first token (us)",
        "a step (ns)",
        "full collection, all at rest (ms)",
        "all in use (ms)",
    ]
    return markdown(head, [[_how_many(row), *(row[name] for name in names)] for row in result["accounts"]])


def _how_many(row: Result) -> str:
    count, used = row["accounts"], row.get("in_use", row["accounts"])
    return shown(count) if used == count else f"{shown(count)}, {shown(used)} of them in use"


def accounts_together(result: Result) -> str:
    """A session for each account, a herd of them, and a server that answers 429."""
    session, herd, limited = result["session"], result["herd"], result["limited"]
    rows = [
        ("a session with a middleware: bytes", session["bytes"]),
        ("made and closed (us)", session["us"]),
        (f"{herd['accounts']:,} expired accounts in files: answered", herd["answered"]),
        ("in seconds", herd["seconds"]),
        ("POSTs, and at most at a time", f"{herd['posts']:,}, {herd['posts_at_once']}"),
        ("longest pause of the loop, the server's part included (ms)", herd["pause_ms"]),
        (f"429 for {limited['accounts']} accounts, asked for 2 s: POSTs", limited["posts"]),
    ]
    return markdown(["", "measured"], rows)


def faults(result: Result) -> str:
    """The endpoint down."""
    minute = 60 / result["seconds"]
    rows = [
        (row["name"], row["outcome"])
        if "outcome" in row
        else (row["name"], round(row["posts"] * minute), round(row["requests"] * minute), row.get("error"))
        for row in result["outages"]
    ]
    return markdown(["", "POSTs per minute", "requests made", "they ended in"], rows)


TABLES: dict[str, tuple[str, Callable[[Result], str]]] = {
    "stub": ("hot_path", stub),
    "origins": ("hot_path", origins),
    "parts": ("hot_path", parts),
    "loopback": ("hot_path", loopback),
    "server": ("hot_path", server),
    "herd": ("herd", herd),
    "herd-ours": ("herd", herd_ours),
    "memory": ("herd", memory),
    "turnover": ("turnover", turnover),
    "refused": ("refused", refused),
    "processes": ("processes", processes),
    "operations": ("store", operations),
    "starts": ("store", starts),
    "imports": ("store", imports),
    "scale": ("scale", scale),
    "accounts": ("accounts", accounts),
    "accounts-together": ("accounts", accounts_together),
    "faults": ("faults", faults),
}
