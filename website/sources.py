"""The pages as the builder reads them: those of docs/, with their links to the rest of the tree made whole.

A link to a page at the root leads to a copy of it, one to a program to a page that shows it. One to a test loses its
link and keeps its words: there are a hundred of them, and whoever reads tests has the tree.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from website import navigation, reference

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"

_OUTWARD = re.compile(r"\[([^\]]+)\]\((?:\.\./)([^)#]+)(#[^)]*)?\)")
_INWARD = re.compile(r"(\]\()docs/")
_AT_ROOT = re.compile(r"\[([^\]]+)\]\((?!https?:|#)([\w/-]+\.py|LICENSE)\)")
_SHOWN = ("examples/", "aio_token/")
_MARK = re.compile(r"<!-- .*? -->\n", re.DOTALL)


def assemble(folder: Path) -> None:
    """Write all that the builder reads into an empty folder."""
    shown: set[str] = set()
    for page in DOCS.glob("*.md"):
        text = _MARK.sub("", page.read_text(encoding="utf-8"))
        folder.joinpath(page.name).write_text(_outward(text, shown), encoding="utf-8")
    for page in ROOT.glob("*.md"):
        text = _INWARD.sub(r"\1", _MARK.sub("", page.read_text(encoding="utf-8")))
        text = _outward(_AT_ROOT.sub(r"[\1](../\2)", text), shown)
        folder.joinpath(page.name).write_text(f"---\norphan: true\n---\n{text}", encoding="utf-8")
    for program in sorted(shown):
        _show(program, folder)
    shutil.copytree(DOCS / "pictures", folder / "pictures")
    reference.write(folder / "reference")
    with folder.joinpath("index.md").open("a", encoding="utf-8") as index:
        index.write("".join(_trees()))


def _trees() -> Iterator[str]:
    for heading, pages in navigation.sections((DOCS / "index.md").read_text(encoding="utf-8")).items():
        inside = [page.removeprefix("../") for page in pages]
        yield f"\n```{{toctree}}\n:hidden:\n:caption: {heading}\n\n" + "\n".join(inside) + "\n```\n"
    yield "\n```{toctree}\n:hidden:\n:caption: Reference\n\nreference/index\n```\n"


def _outward(text: str, shown: set[str]) -> str:
    def led(link: re.Match[str]) -> str:
        words, target, anchor = link[1], link[2], link[3] or ""
        if target.startswith(_SHOWN) and (ROOT / target).is_file():
            shown.add(target)
            return f"[{words}](source/{target}.md)"
        if target.endswith(".md") and "/" not in target:
            return f"[{words}]({target}{anchor})"
        return words if words.startswith("`") else f"`{words}`"

    return _OUTWARD.sub(led, text)


def _show(program: str, folder: Path) -> None:
    page = folder / "source" / f"{program}.md"
    page.parent.mkdir(parents=True, exist_ok=True)
    code = (ROOT / program).read_text(encoding="utf-8")
    page.write_text(
        f"---\norphan: true\nnosearch: true\n---\n# {program}\n\n````python\n{code}````\n", encoding="utf-8"
    )
