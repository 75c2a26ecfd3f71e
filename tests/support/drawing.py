"""A few marks of SVG: boxes, arrows and words, in colours that follow the reader's light or dark."""

from __future__ import annotations

from html import escape

_STYLE = """<style>
svg { --paper: #ffffff; --ink: #24292f; --soft: #6e7781; --line: #8c959f; --box: #f6f8fa; --accent: #0969da; --good: #1a7f37; --bad: #cf222e }
@media (prefers-color-scheme: dark) {
svg { --paper: #14171c; --ink: #e6edf3; --soft: #9198a1; --line: #656c76; --box: #21262d; --accent: #58a6ff; --good: #3fb950; --bad: #f85149 }
}
text { font: 14px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: var(--ink) }
.small { font-size: 12px } .soft { fill: var(--soft) } .strong { font-weight: 600 } .code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 13px }
.accent { fill: var(--accent) } .good { fill: var(--good) } .bad { fill: var(--bad) }
.paper { fill: var(--paper) } .box { fill: var(--box); stroke: var(--line); stroke-width: 1.2 }
.busy { fill: var(--box); stroke: var(--accent); stroke-width: 1.6 }
.arrow { fill: none; stroke: var(--line); stroke-width: 1.4; marker-end: url(#head) } .dashed { stroke-dasharray: 4 4 }
.lead { stroke: var(--accent) } .rule { stroke: var(--line); stroke-width: 1; fill: none }
#head path { fill: var(--line) }
</style>
<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0 8 4 0 8z"/></marker></defs>"""  # noqa: E501  SVG


class Drawing:
    """A sheet that marks are put on."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self._marks = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">',
            f"<title>{escape(title)}</title>",
            _STYLE,
            f'<rect class="paper" width="{width}" height="{height}" rx="8"/>',
        ]

    def box(self, x: float, y: float, width: float, height: float, kind: str = "box") -> None:
        """Draw a box by its upper left corner."""
        self._marks.append(f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6"/>')

    def words(self, x: float, y: float, *lines: str, kind: str = "", anchor: str = "middle", step: float = 16) -> None:
        """Write lines one below another, the first on the base line y."""
        for number, line in enumerate(lines):
            place = f'x="{x:g}" y="{y + number * step:g}" text-anchor="{anchor}"'
            self._marks.append(f'<text class="{kind}" {place}>{escape(line)}</text>')

    def arrow(self, path: str, kind: str = "") -> None:
        """Draw an arrow along a path."""
        self._marks.append(f'<path class="arrow {kind}" d="{path}"/>')

    def rule(self, path: str) -> None:
        """Draw a line without a head."""
        self._marks.append(f'<path class="rule" d="{path}"/>')

    def text(self) -> str:
        """Return it whole."""
        return "\n".join([*self._marks, "</svg>"]) + "\n"
