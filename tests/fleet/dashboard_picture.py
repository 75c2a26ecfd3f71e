"""The panels of the dashboard, from the series that a Prometheus gave: `python -m tests.fleet.dashboard_picture`."""

from __future__ import annotations

import json
import math
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "fleet-dashboard.svg"
SERIES = PICTURE.with_suffix(".json")

_WIDTH, _COLUMN, _ROW, _TOP = 960, 480, 230, 46  # pixels
_PLOT_LEFT, _PLOT_RIGHT, _PLOT_TOP, _PLOT_HEIGHT = 62, 16, 34, 120
_UNITS = {"ops": "/s", "s": " s", "none": ""}
_COLOURS, _LEGENDS = 8, 3
_LEAST = 0.001
_STYLE = """<style>
svg { --paper: #fff; --ink: #24292f; --soft: #6e7781; --grid: #d8dee4 }
svg { --c0: #0969da; --c1: #cf222e; --c2: #1a7f37; --c3: #8250df }
svg { --c4: #bc4c00; --c5: #bf3989; --c6: #6e7781; --c7: #116329 }
@media (prefers-color-scheme: dark) {
svg { --paper: #14171c; --ink: #e6edf3; --soft: #9198a1; --grid: #2d333b }
svg { --c0: #58a6ff; --c1: #f85149; --c2: #3fb950; --c3: #a371f7 }
svg { --c4: #f0883e; --c5: #db61a2; --c6: #9198a1; --c7: #7ee787 }
}
text { font: 12px system-ui, "DejaVu Sans", sans-serif; fill: var(--ink) }
.strong { font-weight: 600; font-size: 14px } .soft { fill: var(--soft) } .paper { fill: var(--paper) }
.grid { stroke: var(--grid) } .line { fill: none; stroke-width: 1.6; stroke-linejoin: round }
</style>"""


def drawn(series: Mapping[str, Any]) -> str:
    """Draw the panels, two in a row."""
    panels, seconds = series["panels"], series["seconds"]
    height = _TOP + _ROW * ((len(panels) + 1) // 2)
    marks = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" role="img">',
        "<title>A fleet of three processes on one session, as Prometheus measured it</title>",
        _STYLE,
        f'<rect class="paper" width="{_WIDTH}" height="{height}" rx="8"/>',
        _text(16, 28, "A fleet of three processes: drawn from the answers of a Prometheus, not by Grafana", "soft"),
    ]
    for number, panel in enumerate(panels):
        left, top = _COLUMN * (number % 2), _TOP + _ROW * (number // 2)
        marks += _panel(panel, left, top, seconds)
    return "\n".join([*marks, "</svg>"]) + "\n"


def _panel(panel: Mapping[str, Any], left: float, top: float, seconds: float) -> Iterator[str]:
    lines = panel["lines"]
    values = [_level(panel, value) for line in lines for _, value in line["points"]]
    low, high, step = _powers(values) if panel["log"] else _scale(min([0.0, *values]), max([0.0, *values]))
    x0, width = left + _PLOT_LEFT, _COLUMN - _PLOT_LEFT - _PLOT_RIGHT
    y0 = top + _PLOT_TOP + _PLOT_HEIGHT

    def place(point: Sequence[float]) -> str:
        level = (_level(panel, point[1]) - low) / (high - low)
        return f"{x0 + point[0] / seconds * width:.1f} {y0 - level * _PLOT_HEIGHT:.1f}"

    yield _text(left + 16, top + 18, panel["title"], "strong")
    for count in range(round((high - low) / step) + 1):
        value = 10.0 ** (low + count * step) if panel["log"] else low + count * step
        level = float(place((0, value)).split()[1])
        yield f'<line class="grid" x1="{x0}" x2="{x0 + width}" y1="{level:.1f}" y2="{level:.1f}"/>'
        yield _text(x0 - 6, level + 4, f"{value:g}{_UNITS[panel['unit']]}", "soft", anchor="end")
    for moment in range(0, int(seconds) + 1, 30):
        x = x0 + moment / seconds * width
        yield _text(x, y0 + 16, f"{moment // 60}:{moment % 60:02}", "soft", anchor="middle")
    for number, line in enumerate(lines):
        colour = f"var(--c{number % _COLOURS})"
        for part in _unbroken(line["points"]):
            path = "M" + "L".join(place(point) for point in part)
            yield f'<path class="line" style="stroke: {colour}" d="{path}"/>'
        row, column = divmod(number, _LEGENDS)
        legend_x = x0 + column * width / _LEGENDS
        y = y0 + 34 + row * 16
        yield f'<rect x="{legend_x:.0f}" y="{y - 8}" width="10" height="4" style="fill: {colour}"/>'
        yield _text(legend_x + 14, y, line["legend"], "")


def _unbroken(points: Sequence[Sequence[float]]) -> Iterator[list[Sequence[float]]]:
    """Return the parts of a line between which nothing was measured; a part of one point is drawn for a second."""
    part: list[Sequence[float]] = []
    for point in points:
        if part and point[0] - part[-1][0] > 1:
            yield _seen(part)
            part = []
        part.append(point)
    if part:
        yield _seen(part)


def _seen(part: list[Sequence[float]]) -> list[Sequence[float]]:
    return part if len(part) > 1 else [*part, (part[0][0] + 1, part[0][1])]


def _level(panel: Mapping[str, Any], value: float) -> float:
    """Return how high a value stands; a panel of powers of ten has no zero."""
    return math.log10(max(value, _LEAST)) if panel["log"] else value


def _powers(levels: Sequence[float]) -> tuple[float, float, float]:
    low, high = math.floor(min(levels)), math.ceil(max(levels))
    return low, max(high, low + 1), 1.0


def _scale(low: float, high: float) -> tuple[float, float, float]:
    """Return ends and a step that are round, of about four steps."""
    rough = max(high - low, 1e-3) / 4
    magnitude = 10.0 ** _exponent(rough)
    step = next(factor * magnitude for factor in (1, 2, 5, 10) if factor * magnitude >= rough)
    below = -step * -(low // step)
    above = step * -(-high // step)
    return below, max(above, below + step), step


def _exponent(number: float) -> int:
    return int(f"{number:e}".partition("e")[2])


def _text(x: float, y: float, words: str, kind: str, *, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{escape(words)}</text>'


if __name__ == "__main__":
    PICTURE.write_text(drawn(json.loads(SERIES.read_text(encoding="utf-8"))), encoding="utf-8")
