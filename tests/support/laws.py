"""The laws and their proofs: `python -m tests.support.laws` writes what the tests prove into docs/laws.md.

A test proves a law if its docstring begins with it: "Law C4: ..." or "Laws B2 and D9: ...".
"""

from __future__ import annotations

import ast
import re
import textwrap
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "laws.md"
PROOFS = "<details><summary>Proved by "

_LAWS = r"[Ll]aws? ((?:[A-Z]\d+(?:, and |, | and )?)+)"
_SECTION = re.compile(r"^### ([A-Z]\d+)\. [^\n]*\n\n(.*?)(?=^#|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Proof:
    """A test that proves a law, and what it says of it."""

    path: str
    test: str
    says: str


def laws_in(text: str) -> set[str]:
    """Return the laws that a text names."""
    return {law for named in re.findall(_LAWS, text) for law in re.findall(r"[A-Z]\d+", named)}


def proofs(path: str, source: str) -> Iterator[tuple[str, Proof]]:
    """Return each law that a test of a module proves, with the test."""
    for test, docstring in _tests(ast.parse(source)):
        sentence = " ".join(docstring.partition("\n\n")[0].split())
        if begins := re.match(_LAWS, sentence):
            says = re.sub(rf"^{_LAWS}(?: and RFC [^:]*)?: ", "", sentence)
            yield from ((law, Proof(path, test, says)) for law in laws_in(begins[0]))


def proofs_of_tests() -> dict[str, list[Proof]]:
    """Return what the tests prove, by law."""
    found: dict[str, list[Proof]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for law, proof in proofs(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")):
            found.setdefault(law, []).append(proof)
    return found


def sections(page: str) -> dict[str, str]:
    """Return each law of a page with all that stands below its heading."""
    return {section[1]: section[2] for section in _SECTION.finditer(page)}


def text_of(section: str) -> str:
    """Return what the law says, without its proofs."""
    return section.partition(PROOFS)[0].strip()


def filled(page: str, found: dict[str, list[Proof]]) -> str:
    """Return the page with these proofs."""

    def fill(section: re.Match[str]) -> str:
        heading, _, rest = section[0].partition("\n\n")
        return "\n\n".join([heading, text_of(rest), *_listed(found.get(section[1], []))]) + "\n\n"

    return _SECTION.sub(fill, page).rstrip() + "\n"


def _listed(found: list[Proof]) -> Iterator[str]:
    if found:
        yield f"{PROOFS}{len(found)} test{'s' * (len(found) > 1)}</summary>"
        yield "\n".join(_lines(found))
        yield "</details>"


def _lines(found: list[Proof]) -> Iterator[str]:
    for path, tests in groupby(found, lambda proof: proof.path):
        yield f"- [{path.removeprefix('tests/')}](../{path})"
        yield from (_item(proof) for proof in tests)


def _item(proof: Proof) -> str:
    item = f"  - `{proof.test}`: {proof.says}"
    wrapped = textwrap.fill(item, 120, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
    return re.sub(r"\n    ([-+*#]|\d+[.)])", r"\n    \\\1", wrapped)  # what wraps to a line's beginning makes no list


def _tests(scope: ast.Module | ast.ClassDef, prefix: str = "") -> Iterator[tuple[str, str]]:
    for node in scope.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield prefix + node.name, ast.get_docstring(node) or ""
        elif isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            yield from _tests(node, f"{prefix}{node.name}::")


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), proofs_of_tests()), encoding="utf-8")
