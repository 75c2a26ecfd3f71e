"""The run as a picture: for each contestant the answers and failures over time, its renewals, and the pause."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from examples.demo.tally import Tally

_STEP = 0.1  # seconds, a bar
_WIDTH, _LEFT, _TOP, _PANEL, _HIGH, _LOW = 960, 60, 44, 230, 110, 50  # pixels
_STYLE = """<style>
svg { --paper: #fff; --ink: #24292f; --soft: #6e7781; --shade: #eaeef2 }
svg { --good: #0969da; --bad: #cf222e; --new: #1a7f37 }
@media (prefers-color-scheme: dark) {
svg { --paper: #14171c; --ink: #e6edf3; --soft: #9198a1; --shade: #262c36 }
svg { --good: #58a6ff; --bad: #f85149; --new: #3fb950 }
}
text { font: 13px system-ui, "DejaVu Sans", sans-serif; fill: var(--ink) } .strong { font-weight: 600; font-size: 15px }
.soft { fill: var(--soft) } .paper { fill: var(--paper) } .shade { fill: var(--shade) } .good { fill: var(--good) }
.bad { fill: var(--bad) } .new { fill: var(--new) } .axis { stroke: var(--soft) }
.renewed { stroke: var(--new); stroke-dasharray: 3 3 }
</style>"""


def picture(tallies: Mapping[str, Tally]) -> str:
    """Draw the crawls one below the other, on one scale."""
    bars = {name: _bars(tally) for name, tally in tallies.items()}
    most = max((number for its in bars.values() for counted in its for number in counted.values()), default=1)
    longest = max(_seconds(tally) for tally in tallies.values())
    height = _TOP + _PANEL * len(tallies)
    marks = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" role="img">',
        "<title>Answers and failures over time, as the token ends again and again</title>",
        _STYLE,
        f'<rect class="paper" width="{_WIDTH}" height="{height}" rx="8"/>',
        _text(_LEFT, 28, f"Answers in each {_STEP:g} s above the line, failures below it; a renewal is dashed", "soft"),
    ]
    for number, (name, tally) in enumerate(tallies.items()):
        scale = (_WIDTH - 2 * _LEFT) / longest
        marks += _panel(name, tally, bars[name], _TOP + number * _PANEL, scale=scale, most=most)
    return "\n".join([*marks, "</svg>"]) + "\n"


def _panel(
    name: str, tally: Tally, bars: tuple[Counter[int], Counter[int]], top: int, *, scale: float, most: int
) -> Iterator[str]:
    began, line = _began(tally), top + 50 + _HIGH
    if tally.pauses is not None:
        start, end = ((moment - began) * scale for moment in tally.pauses)
        yield _rect("shade", _LEFT + start, top + 40, end - start, _HIGH + _LOW + 10)
        yield _text(_LEFT + start + 4, top + 54, "pause", "soft")
    for step, number in sorted(bars[0].items()):
        size = max(number / most * _HIGH, 1)
        yield _rect("good", _LEFT + step * _STEP * scale, line - size, _STEP * scale * 0.85, size)
    for step, number in sorted(bars[1].items()):
        size = min(max(number / most * _HIGH, 1), _LOW)
        yield _rect("bad", _LEFT + step * _STEP * scale, line, _STEP * scale * 0.85, size)
    for moment in tally.tokens.came_at:
        x = _LEFT + (moment - began) * scale
        yield f'<line class="renewed" x1="{x:.1f}" x2="{x:.1f}" y1="{top + 40}" y2="{line + _LOW}"/>'
    yield f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _LEFT}" y1="{line}" y2="{line}"/>'
    yield _text(_LEFT, top + 30, name, "strong")
    said = f"{tally.answered:,} answered, {tally.failed:,} failed, {tally.presented_twice:,} presented twice"
    yield _text(_LEFT + 220, top + 30, said, "bad" if tally.failed else "new")


def _bars(tally: Tally) -> tuple[Counter[int], Counter[int]]:
    began = _began(tally)
    steps = [(int((one.at - began) / _STEP), one.answered) for one in tally.moments]
    return Counter(step for step, good in steps if good), Counter(step for step, good in steps if not good)


def _began(tally: Tally) -> float:
    return min((one.at - one.took for one in tally.moments), default=0.0)


def _seconds(tally: Tally) -> float:
    return max((one.at for one in tally.moments), default=1.0) - _began(tally) + _STEP


def _rect(kind: str, x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


def _text(x: float, y: float, words: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.0f}" y="{y:.0f}">{escape(words)}</text>'
