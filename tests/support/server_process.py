"""A web server of another project on loopback, which is ready when an address of it is answered."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from tests.support import daemon

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

START_LIMIT = 240.0  # seconds; about 25 on an idle machine of two cores


def running(
    command: Sequence[str], environment: Mapping[str, str], *, log: Path, ready: str
) -> AbstractContextManager[None]:
    """Run a server, from when the address `ready` is answered until the end of the block."""
    return daemon.running(command, lambda: _answers(ready), log, environment=environment, limit=START_LIMIT)


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback, whatever proxy is configured
    try:
        with opener.open(url, timeout=10) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
