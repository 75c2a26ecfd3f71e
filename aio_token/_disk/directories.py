"""Directories that are made for a credential: no other user enters them (law F4)."""

from __future__ import annotations

import errno
import os

from aio_token._ground import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def make_private(directory: Path, sync: Callable[[Path], None]) -> None:
    """Make the directory and those above it that are missing, 0700 each whatever the umask; leave the others alone."""
    missing = []
    while not directory.exists():
        missing.append(directory)
        directory = directory.parent
    if not directory.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(directory))
    for component in reversed(missing):
        try:
            component.mkdir(0o700)
        except FileExistsError:
            if component.is_dir():  # another process was first; what it has made is not this one's to open or close
                continue
            raise
        component.chmod(0o700)
        sync(component.parent)
