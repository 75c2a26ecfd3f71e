"""Draws what was measured: the README's picture, the herds, and the tails of a crawl over expiries."""

from __future__ import annotations

import io
import os
import re
from typing import TYPE_CHECKING, Any

from benchmarks._summary import added, failed_share
from benchmarks._tables import OURS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, OTHER, MARK, LIMIT = "#222222", "#9db4c8", "#d55e00", "#3b6ea5"
FLOOR = 0.8  # what a bar of zero is drawn as on a logarithmic scale


def draw(results: Mapping[str, Mapping[str, Any]], digest: str, folder: Path) -> None:
    """Draw what there are results for."""
    os.environ.setdefault("MPLBACKEND", "svg")
    import matplotlib as mpl

    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "aio_token", "font.size": 8, "text.color": INK})
    if results.keys() >= {"hot_path", "herd", "turnover", "refused", "faults"}:
        _save(_summary(results), digest, folder / "bench-summary.svg")
    if "herd" in results:
        _save(_herds(results["herd"]), digest, folder / "bench-herd.svg")
    if "turnover" in results:
        _save(_tails(results["turnover"]), digest, folder / "bench-turnover.svg")


def _save(figure: Figure, digest: str, path: Path) -> None:
    from matplotlib import pyplot as plt

    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    bare = re.sub(r"<!DOCTYPE.*?>|<metadata>.*?</metadata>|<!--.*?-->", "", drawn.getvalue(), flags=re.DOTALL)
    named = re.sub(r"(<svg[^>]*>)", rf"\1\n<desc>results {digest}</desc>", bare, count=1)
    path.write_text("".join(f"{line.strip()}\n" for line in named.splitlines() if line.strip()), encoding="utf-8")


def _summary(results: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Four measurements, a bar for each."""
    from matplotlib import pyplot as plt

    steps = added(results["hot_path"])
    herds = results["herd"]["herds"]
    callers = 1_000 if any(row["callers"] == 1_000 for row in herds) else max(row["callers"] for row in herds)
    last = {
        row["name"]: row.get("last_ms")
        for row in herds
        if (row["state"], row["callers"], row["busy"]) == ("expired", callers, True)
    }
    crawls = [row for row in results["refused"]["crawls"] if "outcome" not in row]
    failed = {row["name"]: failed_share(row) * 100 for row in crawls}
    minute = 60 / results["faults"]["seconds"]
    posts = {row["name"]: row["posts"] * minute for row in results["faults"]["outages"] if "posts" in row}
    names = [name for name in last if name in posts]
    figure, axes = plt.subplots(1, 4, figsize=(10, 2.6), sharey=True, facecolor="white")
    _bars(axes[0], names, steps, "added to a request, us\n(over a constant header)")
    _bars(axes[1], names, last, f"the last of {callers:,} callers, ms\nafter the first, on a busy loop")
    _bars(axes[2], names, failed, "requests failed, %, while\nthe server ends tokens")
    _bars(axes[3], names, posts, "POSTs per minute to an\nendpoint that is down")
    figure.subplots_adjust(left=0.14, right=0.985, top=0.82, bottom=0.06, wspace=0.12)
    return figure


def _bars(axis: Axes, names: Sequence[str], values: Mapping[str, float | None], title: str) -> None:
    """Draw a bar for each; the scale is logarithmic, the figure beside the bar."""
    known = [value for name in names if (value := values.get(name))]
    low = min([FLOOR, *known])
    for place, name in enumerate(reversed(names)):
        value = values.get(name)
        if value is not None:
            axis.barh(place, max(value, low), left=0, color=MARK if name == OURS else OTHER, height=0.65)
        label = "-" if value is None else f"{value:,.0f}" if value >= 10 or value == 0 else f"{value:.2g}"
        axis.text(max(value or 0, low) * 1.15, place, label, va="center", fontsize=7.5, color=INK)
    axis.set_xscale("log")
    axis.set_xlim(low * 0.75, max(known, default=1.0) * 8)
    axis.set_yticks(range(len(names)), list(reversed(names)))
    axis.tick_params(axis="y", length=0, colors=INK)
    axis.tick_params(axis="x", which="both", bottom=False, labelbottom=False)
    axis.spines[["top", "right", "bottom"]].set_visible(False)
    axis.set_title(title, fontsize=8, loc="left", color=INK)


def _herds(result: Mapping[str, Any]) -> Figure:
    """The last waiter's delay over the herd's size, beside 1 ms of work per tick."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 2.9), sharey=True, facecolor="white")
    for axis, busy, title in (
        (axes[0], False, "on an idle event loop"),
        (axes[1], True, "beside 1 ms of work per tick"),
    ):
        for state, style in (("absent", "-"), ("expired", "--"), ("refused", ":")):
            rows = [row for row in result["herds"] if row["busy"] == busy and row["state"] == state]
            ours = [(row["callers"], row["last_ms"]) for row in rows if row["name"] == OURS and row.get("last_ms")]
            axis.plot(
                *zip(*ours, strict=True), style, color=MARK, marker="o", markersize=3, label=f"{OURS}, token {state}"
            )
        rest = [row for row in result["herds"] if row["busy"] == busy and row["name"] != OURS and row.get("last_ms")]
        spots = [(row["callers"], row["last_ms"]) for row in rest]
        axis.plot(*zip(*spots, strict=True), "o", color=OTHER, markersize=4, label="the others")
        axis.axhline(50, color=LIMIT, linewidth=0.8, linestyle=":")
        axis.text(1, 57, "50 ms", color=LIMIT, fontsize=7)
        axis.set(xscale="log", yscale="log", xlabel="callers", title=title)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("the last one after the first, ms")
    axes[0].legend(frameon=False, fontsize=7, loc="lower right")
    figure.subplots_adjust(left=0.08, right=0.985, top=0.9, bottom=0.16, wspace=0.06)
    return figure


def _tails(result: Mapping[str, Any]) -> Figure:
    """Percentiles of each, and of the bare client at its side."""
    from matplotlib import pyplot as plt

    crawls = [row for row in result["crawls"] if "outcome" not in row]
    figure, axis = plt.subplots(figsize=(9, 3), facecolor="white")
    marks = (("p50", "|"), ("p99", "o"), ("p99.9", "D"), ("max", ">"))
    for place, row in enumerate(reversed(crawls)):
        for figures, colour, offset in (
            (row["bare"]["ms"], LIMIT, -0.14),
            (row["ms"], MARK if row["name"] == OURS else INK, 0.14),
        ):
            values = [figures[name] for name, _ in marks]
            axis.plot(values, [place + offset] * len(values), color=colour, linewidth=0.8)
            for value, (_, mark) in zip(values, marks, strict=True):
                axis.plot(value, place + offset, marker=mark, color=colour, markersize=5)
    for name, mark in marks:
        axis.plot([], [], mark, color=INK, label=name, markersize=5)
    axis.plot([], [], color=LIMIT, label="the bare client at its side")
    axis.set_yticks(range(len(crawls)), [row["name"] for row in reversed(crawls)])
    axis.set(xscale="log", xlabel="ms from a request to its answer, over several expiries")
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, ncols=5, loc="lower center", bbox_to_anchor=(0.45, 1.0), fontsize=8)
    figure.subplots_adjust(left=0.16, right=0.985, top=0.89, bottom=0.15)
    return figure
