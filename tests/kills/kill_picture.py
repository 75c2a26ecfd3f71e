"""Draws the kill matrix: the phases of a renewal downwards in the order of time, designs and servers side by side."""

from __future__ import annotations

import io
import os
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.kills.phases import PHASES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# After a palette that people who see few colours tell apart; the figures beside say the same without any.
COLOURS = {"kept": "#bfe3d8", "lost": "#d55e00", "damaged": "#4b2e83"}
ENTRIES = ("the session lives", "it is lost", "it is lost, and the file does not parse")
MEANING = {
    "before the lock": "the store is read",
    "locked, nothing spent": "it is read again; the mark is being written",
    "marked, being spent": "the record says so; the request is on its way",
    "rotated, not yet saved": "only the server knows the successor: no client can help",
    "saved": "the successor is on disk; callers get the token",
}
SHOWN = ("overwrite in place", "atomic replace, no lock", "aio_token")
HEIRS = ("new process", "neighbour")
SERVERS = {"strict": "strict server", "grace": "grace window"}
GUIDE = (
    "One renewal, killed (SIGKILL) at every point that it comes to: what became of the sessions",
    "Time runs downwards. Each kill has a session of its own. A new process lives on what is left, or one beside it.",
    "Strict server: it ends a session whose refresh token comes twice. Grace window: it takes a spent one once more.",
)
INK, FAINT = "#222222", "#666666"
TOP, TALL = 1.35, 4.5  # inches


def draw(found: dict[str, Any], path: Path) -> None:
    """Write the picture as SVG."""
    os.environ.setdefault("MPLBACKEND", "svg")
    import matplotlib as mpl  # noqa: PLC0415  it is not installed everywhere, and slow to import
    from matplotlib import pyplot as plt  # noqa: PLC0415

    mpl.rcParams.update(
        {"svg.fonttype": "none", "svg.hashsalt": "aio_token", "font.family": "sans-serif", "font.size": 8}
    )
    figure = plt.figure(figsize=(10.4, TALL), facecolor="white")
    axis = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axis.set_xlim(0, 10.4)
    axis.set_ylim(TALL, 0)
    axis.axis("off")
    for line, text in enumerate(GUIDE):
        weight = "normal" if line else "bold"
        axis.text(0.15, 0.25 + 0.19 * line, text, fontsize=8 if line else 9, fontweight=weight, color=INK)
    for row, phase in enumerate(PHASES):
        top = TOP + 0.55 * row
        axis.text(0.15, top + 0.17, phase, va="center", fontweight="bold", color=INK)
        axis.text(0.15, top + 0.36, MEANING[phase], va="center", fontsize=6.5, color=FAINT)
    for column, design in enumerate(SHOWN):
        left = 3.05 + 2.48 * column
        axis.text(left, TOP - 0.36, design, fontsize=9, fontweight="bold", color=INK)
        for side, (server, said) in enumerate(SERVERS.items()):
            x = left + 1.17 * side
            axis.text(x, TOP - 0.12, said, color=INK)
            for row, counts in enumerate(_counted(found[design], server)):
                _cell(axis, x, TOP + 0.55 * row, counts)
    x = 3.05
    for outcome, text in zip(COLOURS, ENTRIES, strict=True):
        _box(axis, (x, TALL - 0.3), (0.22, 0.16), COLOURS[outcome])
        axis.text(x + 0.3, TALL - 0.22, text, va="center", color=INK)
        x += 0.62 + 0.066 * len(text)
    _save(figure, path)


def _counted(result: dict[str, Any], server: str) -> Iterator[Counter[str]]:
    """Return, for each phase, the outcomes of its kills, whoever lives on what is left."""
    for phase in PHASES:
        yield Counter(
            outcome
            for heir in HEIRS
            for at, outcome in zip(result["phases"], result["outcomes"][f"{server}, {heir}"], strict=True)
            if at == phase
        )


def _cell(axis: Axes, x: float, y: float, counts: Counter[str]) -> None:
    width, height = 1.0, 0.26
    kills = counts.total()
    if not kills:
        axis.text(x + width / 2, y + 0.14, "it takes no lock", ha="center", va="center", fontsize=6.5, color=FAINT)
        return
    start = x
    for outcome, colour in COLOURS.items():
        part = width * counts[outcome] / kills
        _box(axis, (start, y), (part, height), colour)
        start += part
    gone = kills - counts["kept"]
    text = f"all {kills} live" if not gone else f"{gone} of {kills} lost" if gone < kills else f"all {kills} lost"
    axis.text(x, y + height + 0.1, text, va="center", fontsize=6.5, color=INK if gone else FAINT)


def _box(axis: Axes, corner: tuple[float, float], size: tuple[float, float], colour: str) -> None:
    from matplotlib.patches import Rectangle  # noqa: PLC0415

    axis.add_patch(Rectangle(corner, *size, facecolor=colour, linewidth=0))


def _save(figure: Figure, path: Path) -> None:
    from matplotlib import pyplot as plt  # noqa: PLC0415

    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    bare = re.sub(r"<!DOCTYPE.*?>|<metadata>.*?</metadata>|<!--.*?-->", "", drawn.getvalue(), flags=re.DOTALL)
    path.write_text("".join(f"{line.strip()}\n" for line in bare.splitlines() if line.strip()), encoding="utf-8")
