"""The site: its pages are whole before a builder sees them, and its reference has every public name."""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

import aio_token
from website import names, sources

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """Return a folder with all that the builder reads."""
    sources.assemble(tmp_path)
    return tmp_path


def test_no_link_leaves_the_site(pages: Path) -> None:
    """Pages at the root come along, programs get a page that shows them, and other links become plain words."""
    for page in pages.rglob("*.md"):
        if "source" not in page.parts:
            links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
            assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_page_of_the_index_is_in_the_navigation(pages: Path) -> None:
    """Below the index's text stand its lists once more, as the builder wants them; the reference is the last."""
    index = (pages / "index.md").read_text(encoding="utf-8")
    trees = re.findall(r"```\{toctree\}\n:hidden:\n:caption: ([^\n]+)\n\n(.*?)\n```", index, re.DOTALL)
    listed = [page for _, tree in trees for page in tree.split()]
    assert {page.name for page in sources.DOCS.glob("*.md")} - {"index.md"} <= set(listed)
    assert listed[-1] == "reference/index"
    assert all((pages / page).with_suffix("" if page.endswith(".md") else ".rst").parent.is_dir() for page in listed)


def test_the_reference_has_every_public_name(pages: Path) -> None:
    """Each room has a page, a name of the first day stands at the top, and the index lists them all."""
    index = (pages / "reference" / "index.rst").read_text(encoding="utf-8")
    for room in names.ROOMS:
        page = (pages / "reference" / f"{room}.rst").read_text(encoding="utf-8")
        assert [name.name for name in names.names(room) if f"{name.home}.{name.name}" not in page + index] == []
    assert {"aio_token", "aio_token.events", "aio_token.stores", "aio_token.testing"} <= set(names.ROOMS)


def test_every_public_name_says_what_it_is() -> None:
    """A name without a docstring would be a bare line in the reference; the build refuses it too."""
    assert names.undocumented() == []


def test_a_name_that_says_nothing_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Classes, their methods, functions and data are looked at."""

    class Silent:
        def method(self) -> None: ...

    room = import_module("aio_token.events")
    monkeypatch.setattr(room, "Saved", Silent)
    monkeypatch.setattr(room, "Observer", aio_token.__version__)
    found = names.undocumented()
    assert "aio_token.events.Saved" in found
    assert "aio_token.events.Saved.method" in found
