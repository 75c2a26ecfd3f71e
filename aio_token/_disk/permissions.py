"""Files as they should be (law F4): what is refused, and the command that repairs it."""

from __future__ import annotations

import errno
import os
import shlex
import stat
from pathlib import Path

from aio_token._errors import StoreError
from aio_token._ground import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINK = (errno.ELOOP, getattr(errno, "EMLINK", errno.ELOOP))
"""What O_NOFOLLOW says about a symbolic link: on Linux and macOS, on FreeBSD."""


_MOST_LINKS = 40

_NO_LOCKS = "this disk has no locks: keep it on a disk of this machine"
_GONE = "its file system does not answer: mount it anew"
_OUTLOOK = {
    errno.ENOSPC: "make room on its disk; if there is some, inodes are lacking (df -i)",
    errno.EDQUOT: "your quota of its disk is used up: remove what you can spare (quota -s)",
    errno.EROFS: "keep it in a place that can be written, or mount this one writable",
    errno.EIO: "its disk fails: look at what the system's log says, and move it to another disk",
    errno.EBUSY: "it is mounted as a single file, which cannot be replaced: mount its directory instead",
    errno.ESTALE: "the server of this network disk has lost it: mount the disk anew",
    errno.ENOLCK: _NO_LOCKS,
    errno.EMFILE: "this process has too many files open: raise its limit (ulimit -n)",
    errno.ENFILE: "the system has too many files open: close some",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ENOTDIR: "a part of its path is a file: choose another path, or move that file away",
    errno.EEXIST: "a link on the way to it leads nowhere: choose another path, or remove that link (ls -l shows it)",
    errno.ENOENT: "a directory on its way was removed and is made at the next try, or cannot be: choose another path",
    errno.ENXIO: "there is a socket or a device in its place: choose another path",
    errno.EFBIG: "this process may write no file of that size: raise its limit (ulimit -f)",
    errno.ENOSYS: _NO_LOCKS,
    errno.EOPNOTSUPP: _NO_LOCKS,
    errno.ETIMEDOUT: _GONE,
    errno.ENOTCONN: _GONE,
    errno.EHOSTDOWN: _GONE,
}
"""What to do about what the system says."""

_ELSE = "see to its disk, or choose another path"
"""What to do about the rest."""

_OWN_PLACE = "choose a place of your own (HOME, XDG_STATE_HOME), run this as that user, or pass check_permissions=False"


def refuse_exposed_file(path: Path, found: os.stat_result) -> None:
    """Raise `StoreError` for a credential file of another user, or one that others may read or write."""
    if found.st_uid != os.geteuid():
        message = f"{path} belongs to another user (uid {found.st_uid}), as after sudo; {_way_out(_taking(path))}"
        raise StoreError(message)
    if stat.S_IMODE(found.st_mode) & 0o077:
        message = f"{path} may be read or written by other users; {_way_out(f'chmod 600 {_quoted(path)}')}"
        raise StoreError(message)


def refuse_exposed_way(directory: Path) -> None:
    """Raise `StoreError` if other users may exchange the directory, or any on the way to it from the root."""
    *above, last = _way_to(directory)
    for on_the_way in above:
        owner = on_the_way.stat().st_uid
        if owner not in _trusted():  # it may be another user's home: that is not to be taken over
            message = (
                f"the directory {on_the_way}, on the way to {directory}, belongs to another user (uid {owner}), who "
                f"could exchange what is in it; {_OWN_PLACE}"
            )
            raise StoreError(message)
        refuse_exposed_directory(on_the_way)
    refuse_exposed_directory(last)


def refuse_exposed_directory(directory: Path) -> None:
    """Raise `StoreError` for a directory whose files others may exchange.

    The sticky bit keeps others from that. The user's own private group lets no other user in; where there is one, new
    directories are 0775. Where there is an access control list, the mode's group stands for all whom that names.
    """
    found = directory.stat()
    if found.st_uid not in _trusted():
        message = (
            f"the directory {directory} belongs to another user (uid {found.st_uid}), who could exchange the file in "
            f"it; {_way_out(_taking(directory)) if _is_left_by_sudo(directory) else _OWN_PLACE}"
        )
        raise StoreError(message)
    by_group = found.st_mode & stat.S_IWGRP and (_has_acl(directory) or not _is_private_group(found.st_gid))
    others = found.st_mode & stat.S_IWOTH or by_group
    if others and not found.st_mode & stat.S_ISVTX:
        message = (
            f"other users may write to the directory {directory}, and could exchange the file in it; "
            f"{_way_out(f'chmod go-w {_quoted(directory)}')}"
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
        return StoreError(f"{path} cannot be {done}: permission denied; {_getting_in(path)}")
    return StoreError(f"{path} cannot be {done}: {error.strerror}; {_OUTLOOK.get(error.errno or 0, _ELSE)}")


def unusable_lock(path: Path, error: OSError) -> StoreError:
    """Say the same of a lock's file, where a link is a trap: what it leads to is no lock, and is not moved."""
    if error.errno in _LINK:
        return StoreError(f"{path}, the file of a lock, is a symbolic link; remove it: rm {_quoted(path)}")
    return unusable(path, "locked", error)


def _trusted() -> set[int]:
    """Return who may own directories; who owns the root one may do anything anyway, and in a sandbox that is not 0."""
    return {os.geteuid(), 0, Path("/").stat().st_uid}


def _way_out(command: str) -> str:
    return (
        "where modes are fixed (WSL, CIFS), choose another place (XDG_STATE_HOME, XDG_CONFIG_HOME) or pass "
        f"check_permissions=False; else run: {command}"
    )


def _taking(path: Path) -> str:
    """Return the command that makes it this user's, who cannot give himself what belongs to others."""
    sudo = "" if os.geteuid() == 0 else "sudo "
    return f"{sudo}chown {os.geteuid()} {_quoted(path)}"


def _is_left_by_sudo(directory: Path) -> bool:
    """Whether a directory of another user's stands in one of this user's: any other is not to be taken over."""
    return directory.parent.stat().st_uid == os.geteuid()


def _has_acl(directory: Path) -> bool:
    """Whether an access control list names more users and groups than the mode does, on Linux."""
    try:
        return bool(os.getxattr(directory, "system.posix_acl_access"))
    except (AttributeError, OSError):  # another system, or there is none
        return False


def _owner(path: Path) -> int | None:
    """Return the owner's number, None for what is not there or cannot be seen."""
    try:
        return path.lstat().st_uid
    except OSError:
        return None


def _getting_in(path: Path) -> str:
    """Return the command that opens the way, which is another one where it is barred by what belongs to others."""
    nearest = next((directory for directory in path.parents if _owner(directory) is not None), path.parent)
    for part in (path, nearest):
        owner = _owner(part)
        if owner in (None, os.geteuid()):
            continue
        if part == path or _is_left_by_sudo(part):
            return f"{part} belongs to another user (uid {owner}), as after sudo; run: {_taking(part)}"
        return f"{part} belongs to another user (uid {owner}); {_OWN_PLACE}"
    directory = _quoted(path.parent)
    return f"as this process's user, run: chmod u+rwx {directory} && chmod 600 {_quoted(path)}"


def _way_to(directory: Path) -> Iterator[Path]:
    """Go through the directories from the root on, and through those that links on the way lead through."""
    here, ahead, links = Path(directory.anchor), list(reversed(directory.parts[1:])), 0
    yield here
    while ahead:
        part = ahead.pop()
        if part == "..":
            here = here.parent
            continue
        if not (here / part).is_symlink():
            here /= part
            yield here
            continue
        links += 1
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(directory))
        target = (here / part).readlink()
        if target.is_absolute():
            here = Path(target.anchor)
        ahead += reversed(target.parts[bool(target.anchor) :])


def _odd(path: Path, kind: int) -> StoreError:
    name = _quoted(path)
    if kind == stat.S_IFLNK:
        return StoreError(f'{path} is a symbolic link; put the file itself there: mv "$(readlink -f {name})" {name}')
    if kind == stat.S_IFDIR:
        return StoreError(
            f"{path} is a directory; name a file in it, or move it out of the way: mv {name} {name}.moved"
        )
    if kind == stat.S_IFIFO:
        return StoreError(f"{path} is not a regular file; remove it: rm {name}")
    return StoreError(f"{path} is a device or a socket; choose another path")


def _is_private_group(gid: int) -> bool:
    import grp  # noqa: PLC0415  these two do not exist on Windows, where this is not called
    import pwd  # noqa: PLC0415

    try:
        user, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(gid)
    except KeyError:  # a user or group without a name, as in many containers
        return False
    others = {account.pw_name for account in pwd.getpwall() if account.pw_gid == gid}
    return group.gr_name == user and {*group.gr_mem, *others} <= {user}


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
