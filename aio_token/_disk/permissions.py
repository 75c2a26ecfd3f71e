"""Files as they should be (law F4): what is refused, and the command that repairs it."""

from __future__ import annotations

import errno
import os
import shlex
import stat
from typing import TYPE_CHECKING

from aio_token._errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

_LINK = (errno.ELOOP, getattr(errno, "EMLINK", errno.ELOOP))
"""What O_NOFOLLOW says about a symbolic link: on Linux and macOS, on FreeBSD."""


def refuse_exposed_file(path: Path, found: os.stat_result) -> None:
    """Raise `StoreError` for a credential file of another user, or one that others may read or write."""
    if found.st_uid != os.geteuid():
        message = f"{path} belongs to another user (uid {found.st_uid}); run: chown {os.geteuid()} {_quoted(path)}"
        raise StoreError(message)
    if stat.S_IMODE(found.st_mode) & 0o077:
        message = f"{path} may be read or written by other users; run: chmod 600 {_quoted(path)}"
        raise StoreError(message)


def refuse_exposed_directory(directory: Path) -> None:
    """Raise `StoreError` for a directory whose files others may exchange.

    The sticky bit keeps others from that. The user's own private group lets no other user in; where there is one, new
    directories are 0775.
    """
    found = directory.stat()
    if found.st_uid not in (os.geteuid(), 0):
        message = (
            f"the directory {directory} belongs to another user (uid {found.st_uid}), who could exchange the file in "
            f"it; run: chown {os.geteuid()} {_quoted(directory)}"
        )
        raise StoreError(message)
    others = found.st_mode & stat.S_IWOTH or (found.st_mode & stat.S_IWGRP and not _is_private_group(found.st_gid))
    if others and not found.st_mode & stat.S_ISVTX:
        message = (
            f"other users may write to the directory {directory}, and could exchange the file in it; "
            f"run: chmod go-w {_quoted(directory)}"
        )
        raise StoreError(message)


def refuse_odd(path: Path, found: os.stat_result) -> None:
    """Raise `StoreError` for anything but a regular file."""
    kind = stat.S_IFMT(found.st_mode)
    if kind != stat.S_IFREG:
        raise _odd(path, kind)


def unusable(path: Path, done: str, error: OSError) -> StoreError:
    """Say what the system's error means for `path`, and the command that repairs it where there is one."""
    if error.errno in _LINK:
        return _odd(path, stat.S_IFLNK)
    if error.errno == errno.EISDIR:
        return _odd(path, stat.S_IFDIR)
    if error.errno in (errno.EACCES, errno.EPERM):
        directory = _quoted(path.parent)
        return StoreError(
            f"{path} cannot be {done}: permission denied; as this process's user, run: "
            f"chmod u+rwx {directory} && chmod 600 {_quoted(path)}"
        )
    return StoreError(f"{path} cannot be {done}: {error.strerror}")


def _odd(path: Path, kind: int) -> StoreError:
    name = _quoted(path)
    if kind == stat.S_IFLNK:
        return StoreError(f'{path} is a symbolic link; put the file itself there: mv "$(readlink -f {name})" {name}')
    if kind == stat.S_IFDIR:
        return StoreError(f"{path} is a directory; move it out of the way: mv {name} {name}.moved")
    return StoreError(f"{path} is not a regular file; remove it: rm {name}")


def _is_private_group(gid: int) -> bool:
    import grp  # noqa: PLC0415  these two do not exist on Windows, where this is not called
    import pwd  # noqa: PLC0415

    try:
        user, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(gid)
    except KeyError:  # a user or group without a name, as in many containers
        return False
    return group.gr_name == user and set(group.gr_mem) <= {user}


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
