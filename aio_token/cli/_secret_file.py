"""What a client proves itself with, in a file or in the environment, read whenever it is needed."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from aio_token._errors import ConfigurationError, without_frames

if TYPE_CHECKING:
    from collections.abc import Callable


def reader_of(source: str, what: str, *, hint: str = "") -> Callable[[], str]:
    """Return what reads `env:NAME` or `file:PATH`; `what` it is, and the `hint` where a variable is missing, are told.

    What is returned raises `ConfigurationError`.
    """
    kind, _, detail = source.partition(":")
    if kind == "env":
        return partial(_of_variable, detail, what, hint)
    return partial(text_of, detail, what)


def text_of(path: str, what: str) -> str:
    """Return what stands in a file. Raises `ConfigurationError` with the path and the system's reason."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        message = f"{what} cannot be read: {path} holds no text; name another file at the sign-in"
        raise ConfigurationError(message) from None  # its own message would show what the file holds
    except OSError as error:
        message = (
            f"{what} cannot be read: {path}: {error.strerror}; mount it there, or name another file at the sign-in"
        )
        raise ConfigurationError(message) from without_frames(error)
    if not text.strip():
        message = f"{what} cannot be read: {path} is empty"
        raise ConfigurationError(message)
    return text


def _of_variable(variable: str, what: str, hint: str) -> str:
    if not os.environ.get(variable):
        message = f"{what} is missing: set the environment variable {variable}{hint}"
        raise ConfigurationError(message)
    return os.environ[variable]
