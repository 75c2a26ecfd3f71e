"""What public classes of grants and of what they are made of take and give has a public name."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

import aio_token
from aio_token import stores

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = [import_module(f"aio_token.{name}") for name in ("oauth", "grants")]
PUBLIC = {name for package in (aio_token, stores, *PACKAGES) for name in package.__all__}
CLASSES = [
    thing for package in PACKAGES for name in package.__all__ if isinstance(thing := getattr(package, name), type)
]
# From elsewhere: the language, typing and aiohttp; `cls` and `self` are of the class itself.
FOREIGN = set(
    re.findall(
        r"\w+",
        "URL str bytes int float bool object type tuple list dict set None Any Callable Awaitable Mapping Sequence T "
        "TypeVar Protocol Literal Self SSLContext aiohttp BaseConnector Fingerprint ClassVar Unpack Generic Path",
    )
)


def named(annotation: str) -> set[str]:
    """Return the names of an annotation, without the texts in it."""
    return set(re.findall(r"[A-Za-z_]\w*", re.sub(r"'[^']*'|\"[^\"]*\"", "", annotation)))


def written(cls: type) -> Iterator[tuple[str, str]]:
    """Return the annotations of a class's public attributes, methods and constructor, as they are written."""
    for owner in inspect.getmro(cls):
        if not owner.__module__.startswith("aio_token"):
            continue
        for name, text in vars(owner).get("__annotations__", {}).items():
            if not name.startswith("_"):
                yield name, getattr(text, "__forward_arg__", text)
        for name, member in vars(owner).items():
            if name.startswith("_") and name != "__init__":
                continue
            inner = getattr(member, "fget", None) or getattr(member, "__func__", member)
            for text in getattr(inner, "__annotations__", {}).values():
                yield name, str(getattr(text, "__name__", text))


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_type_in_a_signature_is_public(cls: type) -> None:
    """A grant or a client authentication of another author imports nothing from a private module."""
    hidden = {(name, one) for name, text in written(cls) for one in named(text) - PUBLIC - FOREIGN}
    assert hidden == set()


def test_a_hidden_type_is_noticed() -> None:
    """The check finds a name that cannot be imported."""

    class Odd:
        __module__ = "aio_token.oauth"

        def take(self, _link: Hidden) -> None:  # type: ignore[name-defined]  # noqa: F821
            """Take what no one can name."""

    assert {one for _, text in written(Odd) for one in named(text)} - PUBLIC - FOREIGN == {"Hidden"}
