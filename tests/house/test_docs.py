"""The documents are true: their blocks run, their commands and links exist, their picture is the house's."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import pytest

from aio_token import Limits
from benchmarks.__main__ import OTHERS
from benchmarks.workloads import WORKLOADS
from tests.support import floors
from tests.support.certificates import write_certificate
from tests.support.document import API, ID, blocks
from tests.support.document_run import run
from tests.support.odd_servers import HOSTS
from website import navigation

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the file to trust, and the one that the servers show."""
    return write_certificate(
        tmp_path_factory.mktemp("certificates"), ID, API, *HOSTS, "mcp.example", "login.mcp.example"
    )


def unknown_targets(text: str) -> set[str]:
    """Return what a document's commands ask of make that the Makefile does not have."""
    commands = "".join(block for _, _, block in blocks(text, "console"))
    return set(re.findall(r"^\$ make ([\w-]+)", commands, re.MULTILINE)) - TARGETS


def unknown_programs(text: str) -> set[str]:
    """Return what a text tells people to run by `python -m` or `make bench` that cannot be run; NAME is any name."""
    own = re.findall(r"python -m ((?:aio_token|benchmarks|examples|tests)[\w.]*\w)", text)
    measured = {name for names in re.findall(r"bench ARGS=\"?([\w ]+)", text) for name in names.split()}
    return {name for name in own if not (_runs(name) or name.endswith(".NAME"))} | measured - {*WORKLOADS, *OTHERS}


def _runs(module: str) -> bool:
    place = ROOT.joinpath(*module.split("."))
    file = place / "__main__.py" if place.is_dir() else place.with_suffix(".py")
    return file.is_file() and (file.name == "__main__.py" or "__main__" in file.read_text(encoding="utf-8"))


def dead_links(document: Path, text: str) -> set[str]:
    """Return the relative links of a document that lead to no file, or to no heading of it."""
    links = re.findall(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)", text)
    return {name + anchor for name, anchor in links if not _leads(document, name, anchor)}


def _leads(document: Path, name: str, anchor: str) -> bool:
    file = document.parent / name if name else document
    if not file.exists() or not anchor:
        return file.exists()
    headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return anchor[1:] in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_document
def test_every_block_runs(document: Path, certificates: tuple[Path, Path], tmp_path: Path) -> None:
    """A reader who types a document's Python and shell commands in gets no error and no warning."""
    done = run(document, certificates, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr


@pytest.mark.parametrize(
    ("language", "block", "error"),
    [
        ("python", "x = 1\nassert x == 2", "line 5, in <module>\n"),
        ("python", "import socket; socket.getaddrinfo('other.example', 443)", "know no other.example:443"),
        ("sh", "false\ntrue", "wrong.md, line 4 ended with 1"),
        ("sh", "aio-token login --device --issuer https://other.example --client-id app", "cannot be reached"),
    ],
    ids=["a false assertion", "a name beyond ours", "a command that fails", "a name beyond ours, in the shell"],
)
def test_a_block_that_fails_is_noticed(
    language: str, block: str, error: str, certificates: tuple[Path, Path], tmp_path: Path
) -> None:
    """A wrong block fails with the document's own line number, and no name but ours can be reached."""
    document = tmp_path / "wrong.md"
    document.write_text(f"# Wrong\n\n```{language}\n{block}\n```\n", encoding="utf-8")
    done = run(document, certificates, tmp_path)
    assert done.returncode == 1
    assert error in done.stderr


@each_document
def test_every_command_and_link_exists(document: Path) -> None:
    """What the documents tell people to make can be made, and no link is dead."""
    text = document.read_text(encoding="utf-8")
    assert unknown_targets(text) == set()
    assert dead_links(document, text) == set()


def test_every_page_is_in_the_index() -> None:
    """A page that nothing leads to is not read: the site's order is that of docs/index.md."""
    assert navigation.missing(ROOT / "docs") == [], "add a line under a heading of docs/index.md"
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    listed = Counter(page for pages in navigation.sections(index).values() for page in pages)
    assert {page: times for page, times in listed.items() if times > 1} == {}
    assert "](docs/index.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_a_page_that_is_in_no_list_is_noticed(tmp_path: Path) -> None:
    """A page counts as listed where it begins a line of a list; one that is merely mentioned does not."""
    index = "# Title\n\n- [before](before.md)\n\n## One\n\n- [a](a.md), [b](b.md).\n- [c](../c.md#end): it.\n\n## Two\n"
    assert navigation.sections(index) == {"One": ["a.md", "../c.md"]}
    for name, text in (("index.md", index), ("a.md", ""), ("b.md", "")):
        tmp_path.joinpath(name).write_text(text, encoding="utf-8")
    assert navigation.missing(tmp_path) == ["b.md"]


def test_every_program_that_is_named_can_be_run() -> None:
    """What documents, docstrings and messages tell people to run is there."""
    folders = ("aio_token", "benchmarks", "examples", "tests")
    speaking = [*DOCUMENTS, *(path for folder in folders for path in (ROOT / folder).rglob("*.py"))]
    found = {path.relative_to(ROOT).as_posix(): unknown_programs(path.read_text(encoding="utf-8")) for path in speaking}
    del found["tests/house/test_docs.py"]  # names wrong ones below
    assert {name: unknown for name, unknown in found.items() if unknown} == {}


def test_wrong_commands_and_links_are_noticed() -> None:
    """The checks find what is not there."""
    text = 'python -m tests.tea, python -m tests.conftest; python -m tests.keycloak [PORT]; make bench ARGS="herd tea"'
    assert unknown_programs(text) == {"tests.tea", "tests.conftest", "tea"}
    text = "```console\n$ make test\n$ make tea\n```\n[a](tea.md) [b](README.md#tea) [c](README.md#install)"
    assert unknown_targets(text) == {"tea"}
    assert dead_links(ROOT / "README.md", text) == {"tea.md", "README.md#tea"}


def test_the_limits_in_the_documents_are_the_defaults() -> None:
    """The table of limits has each of them, in seconds."""
    page = (ROOT / "docs" / "repository.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| `(\w+)` \| (\d+) \|", page.partition("## Limits")[2].partition("\n## ")[0], re.MULTILINE)
    assert {name: float(seconds) for name, seconds in table} == asdict(Limits())


def test_the_picture_shows_the_floors() -> None:
    """It is drawn from the contract that holds the imports, whole and in its order."""
    settings = floors.SETTINGS.read_text(encoding="utf-8")
    assert [layer for _, rooms in floors.floors(settings) for layer in rooms] == floors.layers(settings)
    page = floors.PAGE.read_text(encoding="utf-8")
    assert floors.drawn(page) == floors.picture(settings), "draw it anew: python -m tests.support.floors"


def test_the_picture_keeps_within_its_walls() -> None:
    """All lines are as long as the house is wide, which fits on a page, and each floor has a name and a room."""
    settings = floors.SETTINGS.read_text(encoding="utf-8")
    (width,) = {len(line) for line in floors.picture(settings).splitlines()}
    assert floors.NARROWEST < width <= 120
    assert all(name and rooms for name, rooms in floors.floors(settings))
