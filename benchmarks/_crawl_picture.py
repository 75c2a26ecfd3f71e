"""Draws a crawl: requests as thin bars over time, renewals as bands, the wait for a token shaded."""

from __future__ import annotations

import io
import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from benchmarks._crawl_record import Crawl, Request

WINDOW = 2.6  # seconds shown
SHOWN = 8  # clients
GAP = 0.2  # of a request's length, so that one is told from the next
INK, REQUEST, WAIT, RENEWAL = "#222222", "#3b6ea5", "#d55e00", "#e9d8a6"


def draw(crawls: Sequence[Crawl], start: float, path: Path) -> None:
    """Write the picture as SVG, a panel for each crawl."""
    os.environ.setdefault("MPLBACKEND", "svg")
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "aio_token", "font.size": 8})
    figure, axes = plt.subplots(len(crawls), 1, figsize=(9, 2.1 * len(crawls) + 0.5), sharex=True, facecolor="white")
    for axis, crawl in zip(axes, crawls, strict=True):
        _panel(axis, crawl, start)
    axes[-1].set_xlabel("seconds", color=INK)
    figure.legend(
        handles=[
            mpl.patches.Patch(color=RENEWAL, label="a renewal is under way (the token endpoint takes 300 ms)"),
            mpl.patches.Patch(color=REQUEST, label="a request, from its beginning to its answer"),
            mpl.patches.Patch(color=WAIT, label="it waits for a token"),
        ],
        loc="lower center",
        ncols=3,
        frameon=False,
    )
    figure.subplots_adjust(left=0.07, right=0.99, top=0.95, bottom=0.17, hspace=0.3)
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    bare = re.sub(r"<!DOCTYPE.*?>|<metadata>.*?</metadata>|<!--.*?-->", "", drawn.getvalue(), flags=re.DOTALL)
    path.write_text("".join(f"{line.strip()}\n" for line in bare.splitlines() if line.strip()), encoding="utf-8")


def _panel(axis: Axes, crawl: Crawl, start: float) -> None:
    for began, ended in crawl.renewals:
        if ended > start and began < start + WINDOW:
            axis.axvspan(began - start, ended - start, color=RENEWAL, linewidth=0)
    shown = [one for one in crawl.requests if one.client < SHOWN and one.ended > start and one.began < start + WINDOW]
    _bars(axis, [(one, one.began, one.ended - GAP * (one.ended - one.began)) for one in shown], start, REQUEST)
    _bars(axis, [(one, *wait) for one in shown for wait in one.waits], start, WAIT)
    waited = sum(bool(one.waits) for one in shown)
    axis.set_title(f"{crawl.name}: {waited} of these {len(shown):,} requests waited", loc="left", fontsize=9, color=INK)
    axis.set_xlim(0, WINDOW)
    axis.set_ylim(-0.7, SHOWN - 0.3)
    axis.set_yticks([])
    axis.set_ylabel(f"{SHOWN} clients", color=INK)
    axis.spines[["top", "right", "left"]].set_visible(False)


def _bars(axis: Axes, spans: list[tuple[Request, float, float]], start: float, colour: str) -> None:
    """Draw all as one path: a picture of thousands of elements is large."""
    xs: list[float] = []
    ys: list[float] = []
    for one, began, ended in spans:
        xs += [round(began - start, 3), round(ended - start, 3), float("nan")]
        ys += [one.client, one.client, float("nan")]
    axis.plot(xs, ys, color=colour, linewidth=5, solid_capstyle="butt")
