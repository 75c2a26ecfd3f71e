"""How many connections the system allows at once."""

from __future__ import annotations

import sys

_OTHERS = 64  # open files of Python, its libraries and the terminal


def connections_for(clients: int) -> int:
    """Raise the limit of open files as far as it goes; return a number of connections that fits, at most `clients`.

    The embedded servers hold the other ends of the connections, in this process. Clients beyond that number take turns.
    """
    if sys.platform == "win32":
        return clients
    import resource  # noqa: PLC0415  there is none on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * clients + _OTHERS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return clients if soft == resource.RLIM_INFINITY else max(min(clients, (soft - _OTHERS) // 2), 1)
