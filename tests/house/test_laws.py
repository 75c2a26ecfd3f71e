"""The laws in docs/laws.md: each is proved by tests that name it, and no other law is named anywhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.laws import PAGE, ROOT, Proof, filled, laws_in, proofs, proofs_of_tests, sections, text_of

LAWS = sections(PAGE.read_text(encoding="utf-8"))
PROVED = proofs_of_tests()
PAGE_OF_TWO = "# Laws\n\n### A1. One\n\nSaid.\n\n### A2. Two\n\nSaid twice.\n"


def test_the_page_says_what_the_tests_prove() -> None:
    """Below each law stand the tests whose docstrings begin with it, and what they say."""
    page = PAGE.read_text(encoding="utf-8")
    assert filled(page, PROVED) == page, "write it anew: python -m tests.support.laws"


@pytest.mark.parametrize("law", LAWS)
def test_a_law_says_something_and_has_a_test(law: str) -> None:
    """A promise that no test keeps is none."""
    assert text_of(LAWS[law])
    assert law in PROVED


def test_each_law_stands_once_and_in_its_place() -> None:
    """A law is found by its letter and number."""
    headings = re.findall(r"^### ([A-Z])(\d+)\. \S", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [f"{letter}{number}" for letter, number in headings] == list(LAWS)
    assert sorted(headings, key=lambda law: (law[0], int(law[1]))) == headings


@pytest.mark.parametrize("folder", ["aio_token", "benchmarks", "docs", "examples", "tests"])
def test_no_law_is_named_that_does_not_exist(folder: str) -> None:
    """A comment or docstring that names a law leads to it; this file makes some up."""
    paths = {path for ending in ("*.py", "*.md") for path in (ROOT / folder).rglob(ending)} - {Path(__file__)}
    unknown = {str(path): laws_in(path.read_text(encoding="utf-8")) - set(LAWS) for path in paths}
    assert {path: laws for path, laws in unknown.items() if laws} == {}


@pytest.mark.parametrize(
    ("docstring", "laws", "says"),
    [
        ("Law A1: it holds.", {"A1"}, "it holds."),
        ("Laws A1 and\n    B12: both hold.\n\n    Details.", {"A1", "B12"}, "both hold."),
        ("Law A1, B2, and C3: all hold.", {"A1", "B2", "C3"}, "all hold."),
        ("Law A2 and RFC 8414 section 2: it holds.", {"A2"}, "it holds."),
        ("Law A1 holds for sign-ins.", {"A1"}, "Law A1 holds for sign-ins."),
        ("It is so by law A1.", set(), ""),
    ],
)
def test_a_docstring_is_read(docstring: str, laws: set[str], says: str) -> None:
    """A test proves the laws that its docstring begins with; what comes after the first paragraph is left out."""
    source = f'class TestX:\n  def test_y(self):\n    """{docstring}"""\n  def test_z(self): ...\n'
    proved = list(proofs("tests/x/test_x.py", source))
    assert {law for law, _ in proved} == laws
    assert {proof for _, proof in proved} == {Proof("tests/x/test_x.py", "TestX::test_y", says) for _ in proved}


def test_every_way_to_name_laws_is_found() -> None:
    """Comments name them in brackets or in a sentence, one or several."""
    assert laws_in("(law A1), laws B2, B3 and C4; Law D5.") == {"A1", "B2", "B3", "C4", "D5"}


def test_what_is_proved_no_longer_goes_from_the_page() -> None:
    """Proofs are replaced, added and taken away, and writing them again changes nothing."""
    one, other = (Proof("tests/x/test_x.py", f"test_{name}", f"it is {name}.") for name in ("one", "other"))
    page = filled(PAGE_OF_TWO, {"A1": [one, other]})
    assert "Proved by 2 tests" in page
    assert "- [x/test_x.py](../tests/x/test_x.py)\n  - `test_one`: it is one.\n  - `test_other`: it is other.\n" in page
    assert filled(page, {"A1": [one, other]}) == page
    assert filled(page, {}) == PAGE_OF_TWO
    assert {law: text_of(section) for law, section in sections(page).items()} == {"A1": "Said.", "A2": "Said twice."}


def test_a_proof_that_is_wrapped_makes_no_list() -> None:
    """A line that would begin with a number or a dash is escaped."""
    proof = Proof("tests/x/test_x.py", "test_" + "x" * 90, "a sentence of - 40. 41. 42. - 43. words.")
    assert not re.search(r"^    (?:-|\d+\.)", filled(PAGE_OF_TWO, {"A1": [proof]}), re.MULTILINE)
