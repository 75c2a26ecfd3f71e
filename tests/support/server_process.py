"""A server on loopback that is gone when it is no longer needed, whatever happens to the process that started it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from tests.support.maven import MissingServerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

START_LIMIT = 240.0  # seconds; about 25 on an idle machine of two cores
STOP_LIMIT = 20.0

# The shell holds the other end of our pipe: when this process ends, even by SIGKILL, `cat` does too, and so the server.
_GUARDED = 'exec 3<&0; "$@" </dev/null & server=$!; { cat >/dev/null; kill $server; } <&3 & wait $server'


@contextlib.contextmanager
def running(command: Sequence[str], environment: Mapping[str, str], *, log: Path, ready: str) -> Iterator[None]:
    """Run a server, from when the address `ready` is answered until the end of the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["sh", "-c", _GUARDED, "sh", *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    try:
        _wait_until_ready(process, ready, log)
        yield
    finally:
        _stop(process)


def free_port() -> int:
    """Return a port of 127.0.0.1 that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait_until_ready(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT
    while not _answers(address):
        if process.poll() is not None or time.monotonic() > deadline:
            message = f"the server did not start:\n{log.read_text(errors='replace')[-4000:]}"
            raise MissingServerError(message)
        time.sleep(0.2)


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback, whatever proxy is configured
    try:
        with opener.open(url, timeout=10) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End every process of the group; Popen knows the shell alone."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + STOP_LIMIT
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
            while time.monotonic() < deadline:
                process.poll()  # a child that is not waited for stays in the group
                os.killpg(process.pid, 0)
                time.sleep(0.1)
    process.wait()
    if process.stdin is not None:
        process.stdin.close()
