"""A server of another project on loopback, which is gone when it is no longer needed, whatever ends the tests."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

_STOP_LIMIT = 20.0  # seconds
_NOT_GIVEN_AWAY = range(20_000, 32_768)  # Linux takes those above, other systems those from 49,152 (RFC 6335)

# The shell holds the other end of our pipe: when this process ends, even by SIGKILL, `cat` does too, and so the server.
GUARDED = (
    'exec 3<&0; "$@" </dev/null & server=$!; '
    "{ cat >/dev/null; kill $server; kill -CONT $server; } <&3 & wait $server"  # it may be stopped
)


class DoesNotStartError(Exception):
    """A server ended before it could be used, or took too long; with the end of its log."""


def free_port() -> int:
    """Return a port that is free now, and is given to none that asks the system for any.

    Until the server listens it is asked again and again whether it does. Another test's server on the same port would
    hear that, and count it.
    """
    while True:
        port = secrets.choice(_NOT_GIVEN_AWAY)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def listens(port: int) -> bool:
    """Whether a server takes connections."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def running(
    command: Sequence[str],
    is_ready: Callable[[], bool],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    user: str | None = None,
    limit: float = 60.0,
) -> Iterator[None]:
    """Run a server from when it is ready, `limit` seconds at most; `user` (root may name one) is whose it is.

    Raises `DoesNotStartError`.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["sh", "-c", GUARDED, "sh", *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            user=user,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + limit
        while not is_ready() or process.poll() is not None:  # another program may be what answers there
            if process.poll() is not None or time.monotonic() > deadline:
                message = f"{command[0]} did not start:\n{log.read_text(errors='replace')[-4000:]}"
                raise DoesNotStartError(message)
            time.sleep(0.05)
        yield
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End every process of the group; Popen knows the shell alone."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + _STOP_LIMIT
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
            while time.monotonic() < deadline:
                process.poll()  # a child that is not waited for stays in the group
                os.killpg(process.pid, 0)
                time.sleep(0.05)
    process.wait()
    if process.stdin is not None:
        process.stdin.close()
