"""A file that is read whole and replaced whole: old or new at any moment, kills included (laws F1, F2)."""

from __future__ import annotations

import io
import os

from aio_token._disk import beside
from aio_token._disk.damage import Damaged
from aio_token._disk.permissions import refuse_odd
from aio_token._disk.steps import STRAIGHT, Steps
from aio_token._errors import StoreError
from aio_token._ground import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import ParamSpec, TypeVar

    from aio_token._disk.platform import Platform

    _P = ParamSpec("_P")
    _T = TypeVar("_T")

MAX_SIZE = 1_048_576
_PATIENCE = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)


class DurableFile:
    """One file, by plain functions that block; every system call that may hang or fail is one of `steps`.

    Contents go in and out as memoryviews, whose repr does not show them.
    """

    def __init__(self, path: Path, platform: Platform, steps: Steps = STRAIGHT) -> None:
        self._path = path
        self._platform = platform
        self._steps = steps

    def read(self) -> memoryview | None:
        """Return what the file holds, None if there is no file.

        Raises OSError, `StoreError` if the file is not as it should be, `Damaged` if it is larger than any credential.
        """
        descriptor = self._open()
        if descriptor is None:
            return None
        try:
            size = self._steps.step(self._inspect, descriptor)
            return self._steps.step(_content, descriptor, size)
        finally:
            os.close(descriptor)

    def write(self, content: memoryview, draft: Path | None = None) -> None:
        """Replace the file; what was there stays until all of `content` is. Raises OSError, `StoreError`.

        The caller holds the file's lock; if there is none, `draft` is a name that no other writer uses.
        """
        if len(content) > MAX_SIZE:
            message = f"{self._path} is not written: the credential is larger than {MAX_SIZE} bytes"
            raise StoreError(message)
        self._steps.step(self._look)
        draft = draft or self._steps.step(beside.cleared, self._path)
        try:
            self._fill(draft, content)
            self._patiently(os.replace, draft, self._path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        self._steps.step(self._platform.sync_directory, self._path.parent)

    def set_aside(self) -> Path:
        """Move the file out of the way; return where it is now. Raises OSError."""
        return self._steps.step(beside.set_aside, self._path)

    def remove(self) -> None:
        """Remove the file and whatever was left beside it. Raises OSError."""
        self._steps.step(beside.forget, self._path)
        self._steps.step(self._platform.sync_directory, self._path.parent)

    def remove_the_rest(self) -> None:
        """Remove whatever was left beside the file. Raises OSError."""
        self._steps.step(beside.forget, self._path, but_itself=True)
        self._steps.step(self._platform.sync_directory, self._path.parent)

    def _open(self) -> int | None:
        """Open the file for reading, in one step: where links are followed, the system alone follows them.

        A volume of Kubernetes is exchanged by a link, and what the link led to is removed: who was on the way there
        finds nothing, and goes again for as long as the way changes.
        """
        way = str(self._path)
        while True:
            try:
                return self._patiently(os.open, self._path, os.O_RDONLY | self._platform.flags)
            except FileNotFoundError:
                now = self._steps.step(os.path.realpath, self._path)
                if now in {way, str(self._path)}:
                    return None
                way = now

    def _fill(self, draft: Path, content: memoryview) -> None:
        descriptor = self._steps.step(self._create, draft)
        try:
            while content:
                content = content[self._steps.step(os.write, descriptor, content) :]
            self._steps.step(self._platform.sync, descriptor)
        finally:
            os.close(descriptor)

    def _look(self) -> None:
        """Refuse to replace what is not a file of this user (law F4)."""
        try:
            found = self._path.lstat()
        except FileNotFoundError:
            return
        refuse_odd(self._path, found)
        self._platform.guard_file(self._path, found)

    def _inspect(self, descriptor: int) -> int:
        found = os.fstat(descriptor)
        refuse_odd(self._path, found)
        self._platform.guard_way(self._path.parent)
        self._platform.guard_file(self._path, found)
        if found.st_size > MAX_SIZE:
            message = f"it is larger than {MAX_SIZE} bytes"
            raise Damaged(message)
        return found.st_size

    def _create(self, draft: Path) -> int:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | self._platform.flags, 0o600)
        try:
            self._platform.chmod(descriptor, 0o600)  # the umask may have taken the owner's rights away
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _patiently(self, call: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        for delay in _PATIENCE:
            try:
                return self._steps.step(call, *args, **kwargs)
            except self._platform.busy:
                self._steps.pause(delay)
        return self._steps.step(call, *args, **kwargs)


def _content(descriptor: int, size: int) -> memoryview:
    content = memoryview(bytearray(size))
    with io.FileIO(descriptor, closefd=False) as file:
        read = 0
        while read < size and (more := file.readinto(content[read:])):
            read += more
    return content[:read]
