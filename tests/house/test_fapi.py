"""The table of docs/fapi.md: each row of the profile names tests that there are."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_NAMED = re.compile(r"`(\w+/test_\w+\.py)::(test_\w+)`")


def rows() -> list[list[str]]:
    """Return the cells of each row."""
    table = (ROOT / "docs" / "fapi.md").read_text(encoding="utf-8").partition("<!-- rows -->")[2].partition("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[1])
def test_a_row_names_tests_that_there_are(row: list[str]) -> None:
    """FAPI 2.0: what is said to be kept is shown by a test, under this very name."""
    section, asked, here, shown_by = row
    assert re.fullmatch(r"5\.\d(\.\d){1,2}", section)
    assert asked
    assert here
    named = _NAMED.findall(shown_by)
    assert named
    assert _NAMED.sub("", shown_by).strip() == ""
    for path, test in named:
        tree = ast.parse((ROOT / "tests" / path).read_text(encoding="utf-8"))
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert test in functions, f"{path} has no {test}"


def test_the_table_has_the_sections_that_concern_clients() -> None:
    """FAPI 2.0: both parts of section 5.3.3, the network and cryptography."""
    assert {row[0] for row in rows()} >= {"5.2.1", "5.3.3.1", "5.3.3.2", "5.4.1"}
    assert len(rows()) >= 20
