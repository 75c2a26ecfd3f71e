"""The pages of the reference: one for each room, made of what its public names say of themselves."""

from __future__ import annotations

import inspect
from importlib import import_module
from itertools import groupby
from typing import TYPE_CHECKING

from website.names import ROOMS, headings, names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from website.names import Name


_MEMBERS = ("   :members:", "   :inherited-members: BaseException, dict, Value, Protocol, object, tuple", "")


def write(folder: Path) -> None:
    """Write a page for each room, and the list of all that is public."""
    folder.mkdir()
    for room in ROOMS:
        folder.joinpath(f"{room}.rst").write_text("\n".join(_page(room)), encoding="utf-8")
    folder.joinpath("index.rst").write_text("\n".join(_index()), encoding="utf-8")


def _index() -> Iterator[str]:
    yield from _title("Reference", "=")
    yield "What is listed here is public: the names, their arguments and their attributes. Names that begin with an"
    yield "underscore, and modules that do, are not, nor is what is not listed.\n"
    yield ".. toctree::\n   :maxdepth: 1\n"
    yield from (f"   {room}" for room in ROOMS)
    for room in ROOMS:
        yield ""
        yield from _title(room, "-")
        yield "\n".join(f"- {_link(name)}" for name in names(room)) + "\n"


def _page(room: str) -> Iterator[str]:
    yield from _title(room, "=")
    yield inspect.getdoc(import_module(room)) or ""
    yield ""
    yield f".. py:module:: {room}\n"
    under = headings(room)
    own = [name for name in names(room) if name.home == room]
    for heading, group in groupby(own, lambda name: under.get(name.name, "")):
        if heading:
            yield from _title(heading, "-")
        for name in group:
            yield from _entry(name)
    if elsewhere := [name for name in names(room) if name.home != room]:
        yield from _title("Also at the top", "-")
        yield "\n".join(f"- {_link(name)}" for name in elsewhere) + "\n"


def _entry(name: Name) -> Iterator[str]:
    if name.kind == "data":
        yield f".. py:data:: {name.name}\n   :module: {name.room}\n"
        yield f"   {name.says}\n"
        return
    yield f".. auto{name.kind}:: {name.room}.{name.name}"
    yield from _MEMBERS if name.kind == "class" else ("",)


def _link(name: Name) -> str:
    role = {"class": "class", "function": "func", "data": "data"}[name.kind]
    return f":py:{role}:`~{name.home}.{name.name}`"


def _title(text: str, line: str) -> Iterator[str]:
    yield from (text, line * len(text), "")
