"""The table of laws in docs/architecture.md: every law is there, and every test that it names exists and says so."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
LAWS = {
    f"{letter}{n}" for letter, last in zip("ABCDEFG", (6, 7, 9, 10, 4, 7, 2), strict=True) for n in range(1, last + 1)
}
NOT_BUILT = "Not built yet"

_ROW = re.compile(r"^\| \*\*([A-Z]\d+)\*\* \| (.*) \| (.*) \|$", re.MULTILINE)
_TEST = re.compile(r"`(tests/[\w/]+\.py::[\w:]+)`")
_NAMED = re.compile(r"Laws? ((?:[A-Z]\d+(?:, | and )?)+)")


def laws_of_tests() -> dict[str, set[str]]:
    """Return each test that pytest would collect, with the laws that its docstring begins with."""
    laws = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name, docstring in _tests(ast.parse(path.read_text(encoding="utf-8"))):
            named = _NAMED.match(docstring)
            laws[f"{path.relative_to(ROOT).as_posix()}::{name}"] = set(
                re.findall(r"[A-Z]\d+", named[1] if named else "")
            )
    return laws


def _tests(scope: ast.Module | ast.ClassDef, prefix: str = "") -> Iterator[tuple[str, str]]:
    for node in scope.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield prefix + node.name, " ".join((ast.get_docstring(node) or "").split())
        elif isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            yield from _tests(node, f"{prefix}{node.name}::")


def faults(table: str, tests: dict[str, set[str]]) -> list[str]:
    """Say what is wrong with a table."""
    rows = _ROW.findall(table)
    times = Counter(law for law, _, _ in rows)
    found = [f"{law} is there {times[law]} times" for law in sorted(LAWS | set(times)) if times[law] != (law in LAWS)]
    for law, text, proof in rows:
        named = _TEST.findall(proof)
        if not text.strip():
            found.append(f"{law} says nothing")
        if not named and not proof.startswith(NOT_BUILT):
            found.append(f"{law} has no test")
        if not named and any(law in laws for laws in tests.values()):
            found.append(f"{law} has tests that are not named")
        found += [f"{law}: there is no {test}" for test in named if test not in tests]
        found += [f"{law}: {test} does not name it" for test in named if law not in tests.get(test, {law})]
    return found


def test_every_law_is_proved_by_tests_that_name_it() -> None:
    """The table holds each law once, and each test in it exists and begins its docstring with the law."""
    table = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert faults(table, laws_of_tests()) == []


def test_no_test_names_a_law_that_does_not_exist() -> None:
    """A docstring that begins with a law means one of the table."""
    assert {test: unknown for test, laws in laws_of_tests().items() if (unknown := laws - LAWS)} == {}


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        ("| **A1** | Said. | `tests/test_x.py::test_one` |", []),
        ("| **A3** | Said. | Not built yet. |", []),
        ("| **A1** | Said. | Not built yet. |", ["A1 has tests that are not named"]),
        ("| **A3** | Said. | In time. |", ["A3 has no test"]),
        ("| **A1** |  | `tests/test_x.py::test_one` |", ["A1 says nothing"]),
        ("| **A1** | Said. | `tests/test_x.py::test_two` |", ["A1: tests/test_x.py::test_two does not name it"]),
        ("| **A1** | Said. | `tests/test_x.py::test_none` |", ["A1: there is no tests/test_x.py::test_none"]),
        ("| **A1** | Said. | `tests/test_x.py::test_one` |\n" * 2, ["A1 is there 2 times"]),
        ("| **H1** | Said. | Not built yet. |", ["H1 is there 1 times"]),
    ],
)
def test_a_wrong_row_is_noticed(row: str, wrong: list[str]) -> None:
    """The check of the table finds what is wrong with a made-up row."""
    tests = {"tests/test_x.py::test_one": {"A1"}, "tests/test_x.py::test_two": {"A2"}}
    assert [fault for fault in faults(row, tests) if "0 times" not in fault] == wrong


def test_a_missing_law_is_noticed() -> None:
    """An empty table lacks every law."""
    assert faults("", {}) == [f"{law} is there 0 times" for law in sorted(LAWS)]
