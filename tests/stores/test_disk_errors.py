"""What a disk says, and what to do about it: one sentence for each, wherever it happens."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from aio_token._errors import StoreError
from aio_token.stores.file import FileTokenStore
from tests.support.disk import NEW, OLD, Disk, FailAt, cycle

if TYPE_CHECKING:
    from pathlib import Path

WAYS_OUT = {
    errno.ENOSPC: "No space left on device; make room on its disk; if there is some, inodes are lacking",
    errno.EDQUOT: "Disk quota exceeded; your quota of its disk is used up",
    errno.EROFS: "Read-only file system; keep it in a place that can be written, or mount this one writable",
    errno.EIO: "Input/output error; its disk fails: look at what the system's log says",
    errno.EBUSY: "Device or resource busy; it is mounted as a single file, .*: mount its directory instead",
    errno.ESTALE: "Stale file handle; the server of this network disk has lost it: mount the disk anew",
    errno.ENOLCK: "No locks available; this disk has no locks: keep it on a disk of this machine",
    errno.EMFILE: r"Too many open files; this process has too many files open: raise its limit \(ulimit -n\)",
    errno.ENFILE: "Too many open files in system; the system has too many files open: close some",
    errno.ENAMETOOLONG: "File name too long; choose a shorter name",
    errno.ENXIO: "No such device or address",
}
STEPS = {
    "make_private": "cannot be reached",
    "_attempt": "cannot be locked",
    "open": "cannot be read",
    "_create": "cannot be written",
    "write": "cannot be written",
    "fsync": "cannot be written",
    "replace": "cannot be written",
    "sync_directory": "cannot be written",
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("number", WAYS_OUT, ids=[errno.errorcode[number] for number in WAYS_OUT])
async def test_each_error_of_a_disk_says_what_to_do(
    number: int, step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law F3: full, over quota, read-only, broken, mounted, lost: a `StoreError` with the path and the way out at each
    step, and what was there stays.
    """
    path = tmp_path / "token.json"
    path.write_bytes(OLD.to_json())
    path.chmod(0o600)
    error = OSError(number, os.strerror(number))
    disk = Disk()
    if step == "_attempt":
        monkeypatch.setattr("filelock.FileLock.acquire", FailAt("x", error).fail)
    else:
        disk.before = FailAt(step, error)
    with pytest.raises(StoreError, match=rf"token\.json(\.lock)? {STEPS[step]}: {WAYS_OUT[number]}"):
        await cycle(disk.store(path))
    monkeypatch.undo()
    assert await FileTokenStore(path).load() == (NEW if step == "sync_directory" else OLD)
    assert {file.name for file in tmp_path.iterdir()} <= {"token.json", "token.json.lock"}


@pytest.mark.parametrize("step", ["unlink", "forget", "set_aside"])
async def test_what_cannot_be_removed_or_moved_says_what_to_do(step: str, tmp_path: Path) -> None:
    """Law F3: signing out, and a damaged file, too."""
    path = tmp_path / "token.json"
    path.write_bytes(b"damaged" if step == "set_aside" else OLD.to_json())
    path.chmod(0o600)
    disk = Disk()
    disk.before = FailAt(step, OSError(errno.EROFS, os.strerror(errno.EROFS)))
    with pytest.raises(StoreError, match=r"cannot be (removed|moved aside): Read-only file system; keep it in a place"):
        await removed(disk, path, step)
    assert path.exists()


async def removed(disk: Disk, path: Path, step: str) -> None:
    """Do what takes that step."""
    store = disk.store(path)
    if step == "unlink":
        path.unlink()
        await store.probe()
    async with store.exclusive() as slot:
        await slot.load()
        await slot.delete()
