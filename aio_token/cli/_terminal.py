"""The terminal: what is written for people, and whether a person sees it.

Sentences hold text of servers, so everything passes here on its way to a terminal: it obeys control characters, and
bidirectional ones make a sentence read as another (law G3).
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from aio_token.cli._wording import spoken

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import IO

_NO = {"", "0", "false"}
_LONGEST = 300  # characters (law D6)
_ELLIPSIS = "..."


def say(text: str) -> None:
    """Write sentences to standard error, where no program looks for data."""
    click.echo(_printable(spoken(text)), err=True)


def show(text: str, *, label: str = "") -> None:
    """Write what was asked for to standard output; a `label` before it may have a style."""
    click.echo(label + _printable(spoken(text)))


def draw(lines: Iterable[str]) -> None:
    """Write a picture of this program's own, styles and all, to standard error."""
    click.echo("\n".join(lines), err=True)


def excerpt(text: str) -> str:
    """Return what fits a sentence of a server's text, on one line: a line of its own could pass for one of ours."""
    cut = text if len(text) <= _LONGEST else text[: _LONGEST - len(_ELLIPSIS)] + _ELLIPSIS
    return _printable(cut).replace("\n", " ")


def shows_text() -> bool:
    """Whether standard error is a terminal that can show blocks and colours."""
    return _is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb"


def in_ci() -> bool:
    """Whether this runs in continuous integration, where no person ever answers; every such service sets `CI`."""
    return os.environ.get("CI", "").lower() not in _NO


def is_interactive() -> bool:
    """Whether a person can read what is said and answer it."""
    return _is_terminal(sys.stdin) and _is_terminal(sys.stderr) and not in_ci()


def has_browser() -> bool:
    """Whether a browser that is opened here would appear before the person who asked for it.

    `BROWSER` says so, with a desktop or without: editors that work on another machine set it, and so does WSL.
    """
    if os.environ.get("BROWSER"):
        return True
    if os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"):
        return False
    return sys.platform in {"darwin", "win32"} or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)


def _is_terminal(stream: IO[str] | None) -> bool:
    return stream is not None and stream.isatty()
