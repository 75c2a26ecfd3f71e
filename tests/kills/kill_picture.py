"""Draws the kill matrix: points downwards in the order of time, designs side by side, a cell for each kill."""

from __future__ import annotations

import io
import os
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    Row = tuple[str, bool, tuple[str, ...]]

# After a palette that people who see few colours tell apart; the marks say the same without any.
LOOKS = {"kept": ("#bfe3d8", ""), "lost": ("#d55e00", "x"), "damaged": ("#4b2e83", "D")}  # colour and marker
BRIEFLY = {"new process": "new", "neighbour": "beside"}
SHOWN = ("overwrite in place", "atomic replace, no lock", "aio_token")
INK = "#222222"
GUIDE = (
    ("One renewal, killed (SIGKILL) at every point that it comes to", "bold"),
    ("Time runs downwards; each box is a kill of its own, and a session of its own.", "normal"),
    ("strict: the server ends a session whose refresh token comes twice.", "normal"),
    ("grace: it takes a spent refresh token once more, for a minute.", "normal"),
    ("new: a new process starts on what is left on disk.", "normal"),
    ("beside: a process goes on that had read the store before the kill.", "normal"),
)
ROW = 0.135  # inches


def draw(found: dict[str, Any], path: Path) -> None:
    """Write the picture as SVG."""
    os.environ.setdefault("MPLBACKEND", "svg")
    import matplotlib as mpl  # noqa: PLC0415  it is not installed everywhere, and slow to import
    from matplotlib import pyplot as plt  # noqa: PLC0415

    mpl.rcParams.update(
        {"svg.fonttype": "none", "svg.hashsalt": "aio_token", "font.family": "sans-serif", "font.size": 7}
    )
    shown = {design: _rows(found[design]) for design in SHOWN}
    before = {design: len(_until_rotated(rows)) for design, rows in shown.items()}
    deepest = max(before.values())
    height = max(deepest - before[design] + len(rows) for design, rows in shown.items())
    figure, axes = plt.subplots(1, len(shown), figsize=(10.4, ROW * height + 1.2), facecolor="white")
    for axis, (design, rows) in zip(axes, shown.items(), strict=True):
        axis.set_xlim(-0.35, 4)
        axis.set_ylim(height - (deepest - before[design]), before[design] - deepest)  # rotations stand side by side
        _panel(axis, design, rows, list(found[design]["outcomes"]))
    for line, (text, weight) in enumerate(GUIDE):
        figure.text(
            0.03, 1 - (0.3 + 0.17 * line) / figure.get_figheight(), text, fontweight=weight, fontsize=8, color=INK
        )
    _legend(figure.add_axes((0.0, 0.0, 1.0, 0.035)))
    figure.subplots_adjust(left=0.205, right=0.99, top=1 - 0.62 / figure.get_figheight(), bottom=0.05, wspace=1.65)
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    bare = re.sub(r"<!DOCTYPE.*?>|<metadata>.*?</metadata>|<!--.*?-->", "", drawn.getvalue(), flags=re.DOTALL)
    path.write_text("".join(f"{line.strip()}\n" for line in bare.splitlines() if line.strip()), encoding="utf-8")


def _rows(result: dict[str, Any]) -> list[Row]:
    """Return name, window and outcomes of each point; one at which the event loop resumes only if it differs."""
    rows: list[Row] = []
    columns = zip(*result["outcomes"].values(), strict=True)
    every = zip(
        result["points"], result["is_step_of_event_loop"], result["rotated_and_not_recorded"], columns, strict=True
    )
    for name, is_step, window, outcomes in every:
        if not (is_step and rows and rows[-1][1:] == (window, outcomes)):
            rows.append((name, window, outcomes))
    return rows


def _until_rotated(rows: list[Row]) -> list[Row]:
    return rows[: [window for _, window, _ in rows].index(True)]


def _panel(axis: Axes, design: str, rows: list[Row], columns: list[str]) -> None:
    axis.axis("off")
    axis.text(len(columns) / 2, -3.6, design, ha="center", fontsize=9, fontweight="bold", color=INK)
    for x, column in enumerate(columns):
        server, heir = column.split(", ")
        if x % 2 == 0:
            axis.text(x + 1, -2.3, server, ha="center", color=INK, fontsize=7.5)
        axis.text(x + 0.5, -1.0, BRIEFLY[heir], ha="center", va="center", color=INK, fontsize=6)
    for y, (name, window, _) in enumerate(rows):
        axis.text(-0.5, y + 0.5, name, ha="right", va="center", color=INK, fontsize=6.5)
        if window:
            _boxes(axis, [(-0.3, y)], INK, (0.2, 1.0))
    for outcome in LOOKS:
        cells = [(x, y) for y, row in enumerate(rows) for x, became in enumerate(row[2]) if became == outcome]
        _cells(axis, cells, outcome, (0.92, 0.88))


def _cells(axis: Axes, corners: Sequence[tuple[float, float]], outcome: str, size: tuple[float, float]) -> None:
    colour, marker = LOOKS[outcome]
    _boxes(axis, corners, colour, size)
    if marker and corners:
        across, down = ([corner[way] + size[way] / 2 for corner in corners] for way in (0, 1))
        axis.scatter(across, down, marker=marker, s=7, c="white", linewidths=0.8, zorder=3)


def _boxes(axis: Axes, corners: Sequence[tuple[float, float]], colour: str, size: tuple[float, float]) -> None:
    from matplotlib.collections import PolyCollection  # noqa: PLC0415

    width, height = size
    boxes = [((x, y), (x + width, y), (x + width, y + height), (x, y + height)) for x, y in corners]
    axis.add_collection(PolyCollection(boxes, facecolor=colour, linewidth=0))


def _legend(axis: Axes) -> None:
    axis.set_xlim(0, 10.4)
    axis.set_ylim(0, 1)
    axis.axis("off")
    entries = ("the session lives", "it is lost", "it is lost, and the file does not parse")
    for x, (outcome, text) in zip((1.2, 2.9, 4.2), zip(LOOKS, entries, strict=True), strict=True):
        _cells(axis, [(x, 0.3)], outcome, (0.2, 0.45))
        axis.text(x + 0.3, 0.52, text, va="center", color=INK)
    _boxes(axis, [(6.9, 0.2)], INK, (0.05, 0.65))
    axis.text(7.05, 0.52, "the server has rotated, the disk does not have it yet", va="center", color=INK)
