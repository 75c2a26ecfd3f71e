"""The terminal: what is written for people, and whether a person sees it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from typing import IO

_NO = {"", "0", "false"}


def say(text: str) -> None:
    """Write to standard error: standard output is data."""
    click.echo(text, err=True)


def shows_text() -> bool:
    """Whether standard error is a terminal that can show blocks and colours."""
    return _is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb"


def in_ci() -> bool:
    """Whether this runs in continuous integration, where no person ever answers; every such service sets `CI`."""
    return os.environ.get("CI", "").lower() not in _NO


def is_interactive() -> bool:
    """Whether a person can read what is said and answer it."""
    return _is_terminal(sys.stdin) and _is_terminal(sys.stderr) and not in_ci()


def has_desktop() -> bool:
    """Whether a browser that is opened here would appear before the person who asked for it."""
    if os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"):
        return False
    return sys.platform in {"darwin", "win32"} or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _is_terminal(stream: IO[str] | None) -> bool:
    return stream is not None and stream.isatty()
