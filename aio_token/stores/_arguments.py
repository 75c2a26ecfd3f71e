"""Arguments, judged when a store or a codec is made, and not in the middle of a renewal."""

from __future__ import annotations

import os
from pathlib import Path

from aio_token._errors import ConfigurationError, without_frames
from aio_token._ground import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TypeVar

    _T = TypeVar("_T")

_CO_COROUTINE = 0x80  # inspect's
LONGEST_LEASE = 600
"""Seconds; one that has more left was not given by these stores, or by another clock."""


def text(value: object, name: str) -> str:
    """Return a text. Raises `ConfigurationError`."""
    if isinstance(value, str) and value:
        return value
    message = f"{name} takes a text that is not empty, not {_described(value)}"
    raise ConfigurationError(message)


def lease_of(seconds: float) -> float:
    """Return how long a lease lasts. Raises `ConfigurationError`."""
    if 0 < seconds <= LONGEST_LEASE:
        return seconds
    message = f"lease= is a number of seconds, more than 0 and at most {LONGEST_LEASE}"
    raise ConfigurationError(message)


def file_path(value: object, name: str, kind: str = "file") -> Path:
    """Return the absolute path of a file or so, `~` being the home directory. Raises `ConfigurationError`."""
    if not isinstance(value, str | os.PathLike) or not isinstance(given := os.fspath(value), str):
        message = f"{name} takes the path of a {kind}, as a text or a Path, not {_described(value)}"
        raise ConfigurationError(message)
    try:
        path = Path(given).expanduser().absolute()
    except RuntimeError as error:
        message = f"{name} was given {given!r}, and there is no such home directory; give the whole path"
        raise ConfigurationError(message) from without_frames(error)
    if not given or "\0" in given or not path.name:
        message = f"{name} takes the path of a {kind}, and {given!r} names none"
        raise ConfigurationError(message)
    return path


def having(value: object, methods: tuple[str, ...], message: str) -> None:
    """Check that an object has methods of these names. Raises `ConfigurationError`, which begins with `message`."""
    found = [getattr(value, method, None) for method in methods]
    if isinstance(value, type) or not all(map(callable, found)):
        message = f"{message}, not {_described(value)}"
        raise ConfigurationError(message)
    for method in found:
        not_async(method)


def not_async(function: _T) -> _T:
    """Return a function that is no coroutine function. Raises `ConfigurationError`."""
    if _is_async(function):
        name = getattr(function, "__qualname__", "the function")
        message = f"{name}() must not be async: it is called in a thread, where it may block"
        raise ConfigurationError(message)
    return function


def _is_async(function: object) -> bool:
    """Tell as `inspect` does, which costs 5 ms to import and is not asked about plain functions."""
    code = getattr(function, "__code__", None)
    if code is not None:
        return bool(code.co_flags & _CO_COROUTINE)
    from inspect import iscoroutinefunction  # noqa: PLC0415

    return iscoroutinefunction(function)


def _described(value: object) -> str:
    """Name what was given without showing it: it may be a secret in the wrong place."""
    return f"the class {value.__name__} itself" if isinstance(value, type) else f"a {type(value).__name__}"
