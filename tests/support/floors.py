"""The picture of the floors: `python -m tests.support.floors` draws it from the contract that holds the imports.

A comment among the layers of pyproject.toml begins a floor: "# floor 1: values".
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"
SETTINGS = ROOT / "pyproject.toml"
NARROWEST = 80

_LAYERS = re.compile(r"^layers = \[\n(.*?)^\]", re.MULTILINE | re.DOTALL)
_PICTURE = re.compile(r"(?<=<!-- floors -->\n```text\n).*?(?=```)", re.DOTALL)


def floors(settings: str) -> list[tuple[str, list[str]]]:
    """Return each floor's name and its layers, from the roof down."""
    found: list[tuple[str, list[str]]] = []
    for line in _match(_LAYERS, settings)[1].splitlines():
        comment, layer = re.match(r"\s*# (.*)", line), re.match(r'\s*"(.*)"', line)
        if comment:
            found.append((comment[1], []))
        elif layer:
            found[-1][1].append(layer[1])
    return found


def layers(settings: str) -> list[str]:
    """Return the layers as the contract has them."""
    contracts = tomllib.loads(settings)["tool"]["importlinter"]["contracts"]
    (contract,) = (one for one in contracts if one["type"] == "layers")
    return list(contract["layers"])


def picture(settings: str) -> str:
    """Draw the house."""
    lines = []
    for name, rooms in floors(settings):
        lines.append((f"├ {name} ", "─", "┤"))
        lines += [(f"│   {' · '.join(room.split(' | '))}   ", " ", "│") for room in rooms]
    lines = [("┌" + lines[0][0][1:], "─", "┐"), *lines[1:], ("└", "─", "┘")]
    width = max(NARROWEST, *(len(text) for text, _, _ in lines))
    return "".join(f"{text.ljust(width, filling)}{wall}\n" for text, filling, wall in lines)


def drawn(page: str) -> str:
    """Return the picture of a page."""
    return _match(_PICTURE, page)[0]


def _match(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    found = pattern.search(text)
    assert found
    return found


if __name__ == "__main__":
    page = PAGE.read_text(encoding="utf-8")
    new = picture(SETTINGS.read_text(encoding="utf-8"))
    PAGE.write_text(page.replace(drawn(page), new), encoding="utf-8")
