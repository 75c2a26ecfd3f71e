"""Standard streams that are closed, full, or left by their reader: a sentence, an exit code, and nothing lost."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from aio_token.cli import _streams
from aio_token.cli._streams import StreamLost, guard_streams
from aio_token.testing import AuthorizationServer, ProtectedAPI
from tests.cli.command_line import profile_of, set_up, stored

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from _typeshed import ReadableBuffer

FULL = "aio-token: standard output cannot be written to: No space left on device\n"
CLOSED = "aio-token: standard output cannot be written to: Bad file descriptor\n"
NO_INPUT = "aio-token: standard input cannot be read: Bad file descriptor\n"
PROGRAM = f"{sys.executable} -m aio_token"


async def sh(command: str) -> tuple[int, str, str]:
    """Run a line of a shell; what is run by it as `$A` is the program."""
    done = await asyncio.to_thread(
        subprocess.run,
        ["bash", "-c", command],
        env={**os.environ, "A": PROGRAM},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
async def signed_in(home: Path) -> None:
    """Sign in, at a server that is gone since."""
    async with AuthorizationServer() as server:
        await set_up("default", profile_of(server), server.credential(client_id="app"))


@pytest.mark.parametrize(
    ("line", "code", "err"),
    [
        ("$A status > /dev/full", 1, FULL),
        ("$A --help > /dev/full", 1, FULL),
        ("PYTHONUNBUFFERED=1 $A status --json > /dev/full", 1, FULL),
        ("$A token >&-", 1, CLOSED),
        ("$A profiles >&-", 1, CLOSED),
        ("$A git get <&-", 1, NO_INPUT),
        ("$A token no-such 2> /dev/full", 3, ""),
        ("$A token no-such 2>&-", 3, ""),
        ("$A tea 2>&-", 2, ""),
        ("$A status 2>&- > /dev/null", 0, ""),
    ],
)
async def test_a_stream_that_cannot_be_used(line: str, code: int, err: str, signed_in: None) -> None:
    """Whatever the command: the sentence names the stream, and a stream for sentences changes no exit code."""
    assert await sh(line) == (code, "", err)


@pytest.mark.parametrize("command", ["token", "--help", "completion bash"])
async def test_a_reader_that_has_left(command: str, signed_in: None) -> None:
    """141, as of a command that SIGPIPE ends, and not a word: `head` has what it wanted."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as gone:
        arguments = [sys.executable, "-m", "aio_token", *command.split()]
        done = await asyncio.to_thread(subprocess.run, arguments, stdout=gone, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (141, b"")


async def test_what_is_renewed_is_kept_though_it_cannot_be_printed(home: Path) -> None:
    """The token that a server gave is the stored one; the next command prints it."""
    async with AuthorizationServer() as server:
        profile = profile_of(server)
        await set_up("default", profile, server.credential(client_id="app"))
        before = await stored("default", profile)
        assert await sh("$A token --force > /dev/full") == (1, "", FULL)
        after = await stored("default", profile)
        assert server.refreshes == 1
    assert before is not None
    assert after is not None
    assert after.token != before.token
    assert (await sh("$A token"))[1].strip() == after.token.access_token  # type: ignore[union-attr]


async def test_an_answer_that_cannot_be_written(home: Path) -> None:
    """In the middle of it, while a connection is open: the sentence alone."""
    async with AuthorizationServer() as server, ProtectedAPI(server) as api:
        await set_up("default", profile_of(server, origins=(api.url,)), server.credential(client_id="app"))
        code, out, err = await sh(f"$A request GET {api.url}/x > /dev/full")
    assert (code, out, err) == (1, "", FULL)


@pytest.fixture
def streams() -> Iterator[None]:
    """Put the process's own streams back."""
    before = sys.stdin, sys.stdout, sys.stderr
    yield
    sys.stdin, sys.stdout, sys.stderr = before


@pytest.mark.usefixtures("streams")
def test_streams_that_a_program_has_replaced_are_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards stand before files alone."""
    own = io.StringIO()
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, own)
    guard_streams()
    assert (sys.stdin, sys.stdout, sys.stderr) == (own, own, own)


@pytest.mark.usefixtures("streams")
def test_guards_pass_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is a file stays one, with its descriptor; letters that the input's encoding lacks are replaced."""
    read, write = os.pipe()
    monkeypatch.setattr(sys, "stdin", os.fdopen(read, encoding="utf-8"))
    monkeypatch.setattr(sys, "stdout", os.fdopen(write, "w", encoding="ascii"))
    monkeypatch.setattr(sys, "stderr", None)
    files = sys.stdin, sys.stdout
    guard_streams()
    assert (sys.stdin.fileno(), sys.stdout.fileno(), sys.stdout.isatty()) == (read, write, False)
    sys.stdout.buffer.write(b"a\xff\n")
    sys.stdout.write("\u20ac\n")
    sys.stdout.flush()
    files[1].close()
    assert sys.stdin.read() == "a\ufffd\n\\u20ac\n"
    files[0].close()
    sys.stderr.write("a word for nobody")
    sys.stderr.flush()
    with pytest.raises(OSError, match="Bad file descriptor"):
        sys.stderr.fileno()


@pytest.mark.usefixtures("streams")
def test_what_is_lost_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python writes what is in its buffers once more at its end."""
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    guard_streams()
    sys.stdout.write("a")
    with pytest.raises(StreamLost, match="Bad file descriptor"):
        sys.stdout.flush()
    sys.stdout.flush()
    with pytest.raises(StreamLost, match="standard input cannot be read"):
        sys.stdin.read()
    assert _streams.StreamLost("x", BrokenPipeError(32, "gone")).sentence is None


class _Full(io.FileIO):
    """A file that tells when it takes nothing."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "w")
        self.is_full = threading.Event()

    def write(self, data: ReadableBuffer) -> int:
        """Write, as far as there is room."""
        written: int | None = super().write(data)
        if written is None:
            self.is_full.set()
        return written  # type: ignore[return-value]  # the declaration does not know of it


@pytest.mark.usefixtures("streams")
def test_what_does_not_block_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that shares the stream may have made it so: what it does not take at once comes when there is room."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    raw, taken = _Full(writer), list[bytes]()
    with io.TextIOWrapper(io.BufferedWriter(raw)) as out, os.fdopen(reader, "rb") as pipe:
        monkeypatch.setattr(sys, "stdout", out)
        guard_streams()

        def read_once_it_is_full() -> None:
            raw.is_full.wait(60)
            taken.append(pipe.read(4 * 65_536))

        thread = threading.Thread(target=read_once_it_is_full)
        thread.start()
        sys.stdout.write("x" * 4 * 65_536)
        sys.stdout.flush()
        thread.join()
    assert taken == [b"x" * 4 * 65_536]
