"""The order of the pages: the headings of docs/index.md, and the links in the lists below each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_HEADING = re.compile(r"^## (.+)$")
_ENTRY = re.compile(r"^- \[[^\]]+\]\(([^)#]+)[^)]*\)")


def sections(index: str) -> dict[str, list[str]]:
    """Return the headings of the index, each with the pages that its list names first in a line."""
    found: dict[str, list[str]] = {}
    pages: list[str] = []
    for line in index.splitlines():
        if heading := _HEADING.match(line):
            pages = found.setdefault(heading[1], [])
        elif entry := _ENTRY.match(line):
            pages.append(entry[1])
    return {heading: pages for heading, pages in found.items() if pages}


def missing(folder: Path) -> list[str]:
    """Return the pages of docs/ that no list of its index names: nothing leads to them."""
    named = {page for pages in sections((folder / "index.md").read_text(encoding="utf-8")).values() for page in pages}
    return sorted({page.name for page in folder.glob("*.md")} - named - {"index.md"})
