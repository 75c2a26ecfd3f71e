"""What differs between the systems that files live on, as data."""

from __future__ import annotations

import errno
import os
from importlib import import_module

from aio_token._disk.permissions import refuse_exposed_directory, refuse_exposed_file, refuse_exposed_way
from aio_token._ground import TYPE_CHECKING
from aio_token._ground.value import Value, replace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_NO_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EACCES)
"""Some network filesystems cannot sync a directory, and one that may not be listed cannot be opened for it."""


class Platform(Value):
    """How a system opens, guards and replaces files.

    `flags` go with every open. `sync` brings a file's content to the disk. `busy` are the errors that say a file is in
    use for the moment. The guards raise `StoreError` for what others may read or exchange (law F4):
    a directory, all those on the way to it and itself, a file.
    """

    flags: int
    chmod: Callable[[int, int], None]
    sync: Callable[[int], None]
    sync_directory: Callable[[Path], None]
    busy: tuple[type[OSError], ...]
    guard_directory: Callable[[Path], None]
    guard_way: Callable[[Path], None]
    guard_file: Callable[[Path, os.stat_result], None]


def flags(*names: str) -> int:
    """Combine the flags of `os.open` that this system knows."""
    combined = 0
    for name in names:
        combined |= getattr(os, name, 0)
    return combined


def file_sync(controls: object) -> Callable[[int], None]:
    """Return what makes a file's content survive a loss of power, as far as the module fcntl knows of it.

    macOS's fsync hands data to the drive, which may keep it in its cache; F_FULLFSYNC asks the drive, too.
    """
    command, control = getattr(controls, "F_FULLFSYNC", None), getattr(controls, "fcntl", None)
    if command is None or control is None:
        return os.fsync

    def fsync(descriptor: int) -> None:
        try:
            control(descriptor, command)
        except OSError:  # a network volume does not know it
            os.fsync(descriptor)

    return fsync


def sync_directory(directory: Path) -> None:
    """Make a change of names survive a loss of power, where the filesystem lets us ask for it."""
    try:
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise


def nothing(*_: object) -> None:
    """Stand for what a system cannot do or was told not to."""


def unguarded(platform: Platform) -> Platform:
    """Believe what is there, whatever user may have written it, and wherever links lead."""
    followed = platform.flags & ~flags("O_NOFOLLOW")
    return replace(platform, flags=followed, guard_directory=nothing, guard_way=nothing, guard_file=nothing)


# O_NONBLOCK: a pipe in the file's place is refused instead of waited for.
POSIX = Platform(
    flags=flags("O_NOFOLLOW", "O_NONBLOCK"),
    chmod=getattr(os, "fchmod", nothing),
    sync=file_sync(import_module("fcntl") if os.name == "posix" else None),
    sync_directory=sync_directory,
    busy=(),
    guard_directory=refuse_exposed_directory,
    guard_way=refuse_exposed_way,
    guard_file=refuse_exposed_file,
)
# A file that is being read cannot be replaced there, for that moment; modes and owners say nothing, and directories
# cannot be synced.
WINDOWS = Platform(
    flags=flags("O_BINARY"),
    chmod=nothing,
    sync=os.fsync,
    sync_directory=nothing,
    busy=(PermissionError,),
    guard_directory=nothing,
    guard_way=nothing,
    guard_file=nothing,
)
HERE = {"posix": POSIX, "nt": WINDOWS}[os.name]
