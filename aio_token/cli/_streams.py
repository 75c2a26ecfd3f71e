"""Standard streams as other programs leave them: closed, full, or with no one at their other end.

What fails there is the stream's trouble, not this program's: a sentence says which stream and why. A reader that has
left, as `head` does, is told nothing. Standard error never fails, since what it was for would be lost with it.
"""

from __future__ import annotations

import errno
import io
import os
import sys

from aio_token._ground import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol, TextIO

    from _typeshed import ReadableBuffer, WriteableBuffer

    class _Raw(Protocol):
        def fileno(self) -> int: ...
        def isatty(self) -> bool: ...
        def readinto(self, buffer: WriteableBuffer, /) -> int | None: ...
        def write(self, data: ReadableBuffer, /) -> int | None: ...


READER_LEFT = 141
"""The exit code of a command that SIGPIPE ends, which Python has ignored."""
_OTHER = 1
UNWRITABLE = "standard output cannot be written to"


class StreamLost(Exception):
    """A standard stream cannot be used; `code` is the exit code."""

    def __init__(self, what: str, error: OSError) -> None:
        super().__init__(f"{what}: {error.strerror}")
        self.code = READER_LEFT if error.errno == errno.EPIPE else _OTHER

    @property
    def sentence(self) -> str | None:
        """What a person is told; None where the reader has left of its own."""
        return None if self.code == READER_LEFT else f"aio-token: {self}"


class _Guarded(io.RawIOBase):
    """Passes on to a stream, None for one that was closed, and says by `lose` what fails; later writes go nowhere."""

    def __init__(self, raw: _Raw | None, lose: Callable[[OSError], None], *, reads: bool = False) -> None:
        self._raw, self._lose, self._reads, self._is_lost = raw, lose, reads, False

    def readable(self) -> bool:
        return self._reads

    def writable(self) -> bool:
        return not self._reads

    def fileno(self) -> int:
        return self._there().fileno()

    def isatty(self) -> bool:
        return self._raw is not None and self._raw.isatty()

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        try:
            return self._there().readinto(buffer)
        except OSError as error:
            what = "standard input cannot be read"
            raise StreamLost(what, error) from None

    def write(self, data: ReadableBuffer) -> int:
        if not self._is_lost:
            try:
                return _patiently(self._there(), data)
            except OSError as error:
                self._is_lost = True  # what is in a buffer is written once more at the end
                self._lose(error)
        return memoryview(data).nbytes

    def _there(self) -> _Raw:
        if self._raw is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return self._raw


def guard_streams() -> None:
    """Put guards on the standard streams, but for those that a program which embeds this one has replaced.

    No sentence fails for its letters either: what the terminal's encoding lacks is written by its number.
    """
    sys.stdout = _written(sys.stdout, _say)
    sys.stderr = _written(sys.stderr, _say_nothing)
    if sys.stdin is None or (type(sys.stdin) is io.TextIOWrapper and not sys.stdin.isatty()):
        raw = _Guarded(_raw_of(sys.stdin), _say_nothing, reads=True)
        sys.stdin = io.TextIOWrapper(io.BufferedReader(raw), _encoding_of(sys.stdin), errors="replace")


def _written(stream: TextIO | None, lose: Callable[[OSError], None]) -> TextIO:
    if stream is not None and type(stream) is not io.TextIOWrapper:
        return stream
    raw = _Guarded(_raw_of(stream), lose)
    return io.TextIOWrapper(
        io.BufferedWriter(raw), _encoding_of(stream), errors="backslashreplace", line_buffering=raw.isatty()
    )


def _raw_of(stream: TextIO | None) -> _Raw | None:
    if stream is None:
        return None
    buffer: Any = stream.buffer
    raw: _Raw = getattr(buffer, "raw", buffer)  # without buffers (python -u) it is raw itself
    return raw


def _encoding_of(stream: TextIO | None) -> str:
    return "utf-8" if stream is None else stream.encoding


def _patiently(raw: _Raw, data: ReadableBuffer) -> int:
    """Write, and wait where another program has made the stream one that does not block, which it is for us as well."""
    while (written := raw.write(data)) is None:
        import select

        select.select([], [raw.fileno()], [])
    return written


def _say(error: OSError) -> None:
    raise StreamLost(UNWRITABLE, error) from None


def _say_nothing(error: OSError) -> None:
    """There is no other place to say it in."""
