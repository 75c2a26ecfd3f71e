"""Public names: loaded when they are first used (PEP 562), and called by the path that users write."""

from __future__ import annotations

import sys
from importlib import import_module

from aio_token._ground import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, TypeVar

    _T = TypeVar("_T", bound=type)

_TOP = __name__.partition(".")[0]


def public(cls: _T) -> _T:
    """Let a class say the path that users import it from, so that tracebacks and reprs read `aio_token.Token`.

    That is the top for the names of the first day, else the package that the class's module is in.
    """
    first_day = cls.__name__ in sys.modules[_TOP].__all__
    cls.__module__ = _TOP if first_day else cls.__module__.rpartition(".")[0]
    return cls


def public_in(package: str) -> Callable[[_T], _T]:
    """Let a class of the core say the package that users import it from."""

    def named(cls: _T) -> _T:
        cls.__module__ = f"{_TOP}.{package}"
        return cls

    return named


def lazily(
    package: str, homes: Mapping[str, Iterable[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], tuple[str, ...]]:
    """Return a package's `__getattr__`, `__dir__` and `__all__`, which leaves out `__version__`.

    `homes` lists the names of each module: one of the package's own, or any other by its full path.
    """
    home_of = {
        name: module if module.startswith(_TOP) else f"{package}.{module}"
        for module, names in homes.items()
        for name in names
    }

    def load(name: str) -> object:
        if name not in home_of:
            message = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(message)
        value: object = getattr(import_module(home_of[name]), name)
        vars(sys.modules[package])[name] = value
        return value

    def listed() -> list[str]:
        return sorted({*vars(sys.modules[package]), *home_of})

    return load, listed, tuple(name for name in home_of if not name.startswith("_"))
