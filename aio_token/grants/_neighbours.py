"""Whose a connection within this machine is, as far as the system tells (law G5)."""

from __future__ import annotations

import os
from pathlib import Path

_CONNECTIONS = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))  # Linux; a dual-stack socket stands in the second one
_SEEN = slice(1, 3)  # the columns of both ends
_UID = 7


def is_foreign(client_port: int, server_port: int) -> bool:
    """Whether the other end of a connection of this machine is known to be another user's; root is none."""
    ends = (f":{client_port:04X}", f":{server_port:04X}")
    for table in _CONNECTIONS:
        try:
            rows = [line.split() for line in table.read_text(encoding="ascii").splitlines()]
        except OSError:  # another system
            continue
        for row in rows:
            if (
                all(end in seen for end, seen in zip(ends, row[_SEEN], strict=False))
                and int(row[_UID]) not in _trusted()
            ):
                return True
    return False


def _trusted() -> set[int]:
    return {0, os.geteuid()}
