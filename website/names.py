"""The public names: where they are, under which heading, and which of them say nothing of themselves."""

from __future__ import annotations

import ast
import inspect
import re
from functools import cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, NamedTuple

import aio_token

if TYPE_CHECKING:
    from collections.abc import Iterator

_PACKAGE = Path(aio_token.__file__).parent
_NOT_IMPORTED = ("cli",)  # people run it
ROOMS = (
    "aio_token",
    *(
        f"aio_token.{room.name}"
        for room in iter_modules(aio_token.__path__)
        if not room.name.startswith("_") and room.name not in _NOT_IMPORTED
    ),
)


class Name(NamedTuple):
    """A public name, the room that it is imported from, and what it leads to."""

    room: str
    name: str
    thing: object

    @property
    def kind(self) -> str:
        """What it is: a class, a function or data."""
        if inspect.isclass(self.thing):
            return "class"
        return "function" if inspect.isroutine(self.thing) else "data"

    @property
    def says(self) -> str | None:
        """Its docstring; that of data stands below its assignment."""
        return inspect.getdoc(self.thing) if self.kind != "data" else _said_below().get(self.name)

    @property
    def home(self) -> str:
        """The room that describes it: a name of the first day is at the top, and in its room too."""
        return "aio_token" if self.name in import_module("aio_token").__all__ else self.room


def names(room: str) -> list[Name]:
    """Return the public names of a room, in its own order."""
    module = import_module(room)
    listed = getattr(module, "__all__", None) or _made_in(room)
    return [Name(room, name, getattr(module, name)) for name in listed]


def headings(room: str) -> dict[str, str]:
    """Return the heading that each name stands under, where the room's file has headings among its names."""
    found: dict[str, str] = {}
    heading = ""
    for line in Path(str(import_module(room).__file__)).read_text(encoding="utf-8").splitlines():
        if comment := re.match(r"    # (.+)$", line):
            heading = comment[1]
        elif (imported := re.match(r"    from \S+ import (\w+) as \1$", line)) and heading:
            found[imported[1]] = heading
    return found


def undocumented() -> list[str]:
    """Return the public names, and the members of public classes, that have no docstring."""
    return sorted({silent for room in ROOMS for name in names(room) for silent in _silent(name)})


def _silent(name: Name) -> Iterator[str]:
    if not name.says:
        yield f"{name.room}.{name.name}"
    if inspect.isclass(name.thing):
        for member, value in vars(name.thing).items():
            thing = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
            if not member.startswith("_") and inspect.isroutine(thing) and not inspect.getdoc(thing):
                yield f"{name.room}.{name.name}.{member}"


def _made_in(room: str) -> list[str]:
    """Return what a module without `__all__` makes itself."""
    tree = ast.parse(Path(str(import_module(room).__file__)).read_text(encoding="utf-8"))
    made = [name for node in tree.body for name in _names_of(node)]
    return [name for name in dict.fromkeys(made) if not name.startswith("_")]


def _names_of(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


@cache
def _said_below() -> dict[str, str]:
    """Return the text below each assignment in the package: data has no docstring that could be asked for."""
    said: dict[str, str] = {}
    for path in _PACKAGE.rglob("*.py"):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        for node, below in pairwise(body):
            text = below.value if isinstance(below, ast.Expr) else None
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                said |= dict.fromkeys(_names_of(node), text.value)
    return said
