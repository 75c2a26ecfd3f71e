"""A real redis-server on a free port of the loopback interface, with its data in a folder of the test."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from tests.support.daemon import GUARDED, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_IS_CI = bool(os.environ.get("CI"))  # where nothing may be missing

PATIENCE = 60.0
"""Seconds that a loaded machine may take to start it."""


class RedisServer:
    """One server, that can be killed, stopped, started again and asked."""

    def __init__(self, folder: Path, *options: str, configured: Path | None = None) -> None:
        binary = shutil.which("redis-server")
        if binary is None:
            message = "redis-server is not installed, and these tests need it; run: apt-get install redis-server"
            if not _IS_CI:
                pytest.skip(message)
            raise RuntimeError(message)
        self.binary: str = binary
        self._folder, self._options = folder, options
        self._command = [binary, *([str(configured)] if configured is not None else [])]
        self._process: subprocess.Popen[bytes] | None = None
        self._pid = 0
        self.port = free_port()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder), *self._options]
        # Whatever ends this process, the server ends as well: see daemon.py.
        self._process = subprocess.Popen(
            ["sh", "-c", GUARDED, "sh", *self._command, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        give_up = time.monotonic() + PATIENCE
        while True:
            with suppress(OSError):
                if told := re.search(rb"process_id:(\d+)", self.ask("INFO", "server")):
                    self._pid = int(told[1])
                    return
            if self._process.poll() is not None or time.monotonic() > give_up:
                message = f"redis-server does not answer on port {self.port}"
                raise RuntimeError(message)
            time.sleep(0.02)

    def kill(self) -> None:
        """End it as a loss of power does."""
        if self._process is None:
            return
        assert self._process.stdin is not None
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            self._pid = 0
        self._process.stdin.close()
        self._process.wait()
        self._process = None

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Let it stand still."""
        os.kill(self._pid, signal.SIGSTOP)
        try:
            yield
        finally:
            if self._pid:
                os.kill(self._pid, signal.SIGCONT)

    def ask(self, *words: str) -> bytes:
        """Send one command, and return the beginning of the answer as it came."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            command = f"*{len(words)}\r\n" + "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
            connection.sendall(command.encode())
            return connection.recv(65_536)


@contextmanager
def running(folder: Path, *options: str) -> Iterator[RedisServer]:
    """Run one until the end of the context."""
    server = RedisServer(folder, *options)
    try:
        server.start()
        yield server
    finally:
        server.kill()
