"""The durable file by itself: plain functions, for those who have no event loop."""

from __future__ import annotations

import errno
import os
import stat
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import pytest

from aio_token._disk.beside import another_draft_of
from aio_token._disk.durable import MAX_SIZE, DurableFile
from aio_token._disk.platform import HERE, file_sync, unguarded
from aio_token._disk.steps import STRAIGHT, Steps

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

P = ParamSpec("P")
T = TypeVar("T")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file."""
    return tmp_path / "file"


def test_it_is_written_and_read_where_it_is_called(path: Path) -> None:
    """Law F1: no event loop and no thread is needed, and what is read is what was written, however long."""
    file = DurableFile(path, HERE)
    assert file.read() is None
    for content in (b"", b"one", os.urandom(MAX_SIZE)):
        file.write(memoryview(content))
        assert bytes(file.read() or b"") == content
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    file.remove()
    assert file.read() is None
    assert list(path.parent.iterdir()) == []


def test_without_a_lock_writers_use_drafts_of_their_own(path: Path) -> None:
    """Law F2: a draft that is named by its writer is no other writer's, and none is left."""
    first, second = another_draft_of(path), another_draft_of(path)
    assert first != second
    file = DurableFile(path, HERE)
    file.write(memoryview(b"one"), draft=first)
    assert bytes(file.read() or b"") == b"one"
    assert list(path.parent.iterdir()) == [path]


def test_a_draft_whose_mode_cannot_be_set_is_closed_and_removed(path: Path) -> None:
    """Law F1: on a filesystem that knows no modes, a failed write leaves neither a descriptor nor a file."""
    opened: list[int] = []

    def chmod(descriptor: int, mode: int) -> None:
        opened.append(descriptor)
        raise PermissionError(errno.EPERM, "Operation not permitted")

    with pytest.raises(PermissionError):
        DurableFile(path, replace(HERE, chmod=chmod)).write(memoryview(b"one"))
    assert list(path.parent.iterdir()) == []
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(opened[0])


def test_steps_that_go_straight_on_pause_as_long_as_they_are_told() -> None:
    """Without an event loop, a wait for a lock is a sleep."""
    began = time.monotonic()
    STRAIGHT.pause(0.02)
    assert time.monotonic() - began >= 0.02


@pytest.mark.parametrize("known", [True, False], ids=["a disk", "a network volume"])
def test_where_fsync_stops_short_of_the_disk_the_drive_is_asked_too(path: Path, known: bool) -> None:
    """Law F1: on macOS F_FULLFSYNC takes the place of fsync, and a volume that does not know it is synced as ever."""
    asked: list[tuple[int, int]] = []

    def control(descriptor: int, command: int) -> None:
        asked.append((descriptor, command))
        if not known:
            raise OSError(errno.ENOTTY, "Inappropriate ioctl for device")

    sync = file_sync(SimpleNamespace(F_FULLFSYNC=51, fcntl=control))
    DurableFile(path, replace(HERE, sync=sync)).write(memoryview(b"one"))
    assert [command for _, command in asked] == [51]
    assert path.read_bytes() == b"one"
    assert file_sync(None) is os.fsync


def swap(volume: Path, number: int) -> None:
    """Exchange a volume as Kubernetes does: a directory, a link that is renamed, and the old directory removed."""
    before = (volume / "..data").resolve()
    folder = volume / f"..{number}"
    folder.mkdir()
    (folder / "token").write_bytes(b"content")
    (volume / "..data_tmp").symlink_to(folder.name)
    (volume / "..data_tmp").replace(volume / "..data")
    if before.is_dir() and before != volume / "..data":
        (before / "token").unlink()
        before.rmdir()


class Swapping(Steps):
    """Exchanges a volume whenever a file of it is about to be opened, so many times."""

    def __init__(self, volume: Path, times: int) -> None:
        self._volume = volume
        self._times = times

    def step(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Make a step. What is opened is what the link led to before the exchange."""
        if call is not os.open or not self._times:
            return super().step(call, *args, **kwargs)
        self._times -= 1
        path = os.path.realpath(str(args[0]))
        swap(self._volume, self._times)
        return super().step(call, path, *args[1:], **kwargs)  # type: ignore[arg-type]


@pytest.mark.parametrize("times", [1, 2, 5])
def test_a_volume_that_is_exchanged_while_it_is_read_is_no_empty_one(times: int, tmp_path: Path) -> None:
    """Law F4: what a link led to is removed behind the reader's back, which is no missing file: it goes again."""
    swap(tmp_path, 100)
    (tmp_path / "token").symlink_to("..data/token")
    file = DurableFile(tmp_path / "token", unguarded(HERE), Swapping(tmp_path, times))
    content = file.read()
    assert content is not None
    assert bytes(content) == b"content"


@pytest.mark.parametrize("link", ["nowhere", "..data/none"])
def test_a_link_to_nothing_is_nothing(link: str, tmp_path: Path) -> None:
    """Law F4: where the way stays the same, there is no file."""
    swap(tmp_path, 100)
    (tmp_path / "token").symlink_to(link)
    assert DurableFile(tmp_path / "token", unguarded(HERE)).read() is None
