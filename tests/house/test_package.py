"""The package: what is in it, what its extras bring, and what its description and notes say."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from hatch_build import readable
from tests.support.release import CHANGELOG, PACKAGE, faults, notes

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
IMPORTED_AS = {"opentelemetry-api": "opentelemetry"}
WHEEL = {
    *(path.relative_to(ROOT).as_posix() for path in PACKAGE.rglob("*.py")),
    "aio_token/py.typed",
    "aio_token-1.dist-info/METADATA",
    "aio_token-1.dist-info/licenses/LICENSE",
}


@pytest.mark.parametrize(
    ("extra", "requirement"),
    [(extra, one) for extra, all_of_it in PROJECT["optional-dependencies"].items() for one in all_of_it],
)
def test_every_extra_does_something(extra: str, requirement: str) -> None:
    """What an extra installs is imported by the package, and a user is told of the extra by a message or a page."""
    library = re.split(r"[\[><=]", requirement)[0]
    assert re.search(rf"\b(?:import|from) {IMPORTED_AS.get(library, library)}\b", SOURCES)
    told = SOURCES + "\n".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md"))
    assert f"[{extra}]" in told or f"extra `{extra}`" in told


def test_what_is_to_be_installed_can_be_pasted() -> None:
    """Some shells take brackets without quotes for a pattern; the name is the one that the index shows."""
    told = re.findall(r"pip install[^\n]*?(.)(aio.token)\[", SOURCES)
    assert len(told) > 5
    assert set(told) == {("'", "aio-token")}


def test_a_release_installs_every_extra() -> None:
    """An extra that cannot be installed, or not beside the others, is found before anything is published."""
    release = (ROOT / ".ci" / "release").read_text(encoding="utf-8")
    installed = re.search(r"\.whl\)\[([\w,]+)\]", release)
    assert installed is not None
    assert installed[1].split(",") == sorted(PROJECT["optional-dependencies"])


def test_the_classifiers_name_what_is_tested() -> None:
    """Each Python from the lowest on, and no operating system but Linux."""
    classifiers = PROJECT["classifiers"]
    pythons = [one.rpartition(" ")[2] for one in classifiers if re.search(r":: 3\.\d+$", one)]
    assert PROJECT["requires-python"] == f">={pythons[0]}"
    assert pythons == [f"3.{11 + number}" for number in range(len(pythons))]
    assert [one for one in classifiers if one.startswith("Operating System")] == ["Operating System :: POSIX :: Linux"]


def test_a_wheel_is_looked_into() -> None:
    """Nothing is missing and nothing is added; both are noticed."""
    assert faults(WHEEL) == []
    assert faults(WHEEL - {"aio_token/py.typed"}) == ["aio_token/py.typed is missing"]
    assert faults(WHEEL | {"tests/conftest.py"}) == ["tests/conftest.py does not belong there"]
    assert faults(WHEEL - {"aio_token-1.dist-info/licenses/LICENSE"}) == ["the licence is missing"]


def test_the_notes_are_the_changelog_s() -> None:
    """Of the version if it has a heading, else of what is unreleased; one that says nothing stops a release."""
    said = "# Changelog\n\n## [Unreleased]\n\nNew.\n\n## [0.1.0] - 2026-01-01\n\n### Added\n\n- It.\n\n## Older\n"
    assert notes(said, "0.1.0") == "# aio_token 0.1.0\n\n### Added\n\n- It.\n"
    assert notes(said, "0.2.0") == "# aio_token 0.2.0\n\nNew.\n"
    assert notes(CHANGELOG.read_text(encoding="utf-8"), PROJECT["version"])
    with pytest.raises(LookupError, match=r"says nothing of 0\.2\.0"):
        notes("# Changelog\n", "0.2.0")


def test_the_readme_reads_on_an_index_page() -> None:
    """No relative link is left: they lead to the address that pyproject.toml names, or are words."""
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    relative = re.compile(r"\]\((?!https?:|#)")
    assert relative.search(page)
    assert not relative.search(readable(page, ""))
    assert "Getting started: every way to a token" in readable(page, "")
    leading = readable(page, "https://forge.example/aio_token/")
    assert "](https://forge.example/aio_token/docs/getting-started.md)" in leading
    assert not relative.search(leading)


def test_what_runs_before_a_commit_is_what_make_runs() -> None:
    """Each tool of the quick checks is one of the Makefile's, and each file that is named exists."""
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    tools = re.findall(r"\.venv/bin/([\w-]+)", hooks)
    assert {"ruff", "mypy", "lint-imports"} <= set(tools)
    assert [tool for tool in tools if not re.search(rf"\b{tool}\b", makefile)] == []
    assert [name for name in re.findall(r"tests/[\w/]+\.py", hooks) if not (ROOT / name).is_file()] == []


def test_the_forms_lead_to_pages_that_exist() -> None:
    """Who reports something is sent to the page that may help already."""
    forms = [path.read_text(encoding="utf-8") for path in (ROOT / ".github").rglob("*.*")]
    named = {name for text in forms for name in re.findall(r"(?:docs/)?[\w-]+\.md", text)}
    assert {"docs/troubleshooting.md", "SECURITY.md", "docs/what-it-does-not-do.md"} <= named
    assert [name for name in named if not (ROOT / name).is_file()] == []
