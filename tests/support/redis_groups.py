"""Several redis-servers that belong together: a cluster, and a primary with its replica under a Sentinel."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from tests.support.redis_server import PATIENCE, RedisServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_SLOTS = 16_384
PRIMARY = "primary"
"""What the Sentinel calls it."""


class Guarded:
    """A primary, its replica, and a Sentinel that makes the one the other."""

    def __init__(self, primary: RedisServer, replica: RedisServer, sentinel: RedisServer) -> None:
        self.primary, self.replica, self.sentinel = primary, replica, sentinel

    async def takes_over(self) -> None:
        """Wait until the replica is the primary."""
        await asyncio.to_thread(_until, lambda: b"role:master" in self.replica.ask("INFO", "replication"), "take-over")


def _until(is_so: Callable[[], bool], what: str) -> None:
    give_up = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > give_up:
            message = f"no {what} after {PATIENCE:.0f} s"
            raise TimeoutError(message)
        time.sleep(0.05)


@contextmanager
def _started(server: RedisServer) -> Iterator[RedisServer]:
    try:
        server.start()
        yield server
    finally:
        server.kill()


def _in(folder: Path, name: str) -> Path:
    place = folder / name
    place.mkdir()
    return place


@contextmanager
def cluster(folder: Path, *, nodes: int = 3) -> Iterator[list[RedisServer]]:
    """Run a cluster of so many nodes, each with its part of the slots."""
    with ExitStack() as stack:
        servers = [
            stack.enter_context(
                _started(RedisServer(_in(folder, str(number)), "--cluster-enabled", "yes", "--appendonly", "yes"))
            )
            for number in range(nodes)
        ]
        for number, server in enumerate(servers):
            first, last = (_SLOTS * place // nodes for place in (number, number + 1))
            server.ask("CLUSTER", "ADDSLOTSRANGE", str(first), str(last - 1))
            servers[0].ask("CLUSTER", "MEET", "127.0.0.1", str(server.port))
        for server in servers:
            _until(lambda server=server: b"cluster_state:ok" in server.ask("CLUSTER", "INFO"), "cluster")  # type: ignore[misc]
        yield servers


@contextmanager
def guarded(folder: Path) -> Iterator[Guarded]:
    """Run a primary with a replica, under a Sentinel that takes the other after a second."""
    with ExitStack() as stack:
        kept = ("--appendonly", "yes", "--repl-diskless-sync-delay", "0")
        primary = stack.enter_context(_started(RedisServer(_in(folder, "primary"), *kept)))
        follows = ("--replicaof", f"127.0.0.1 {primary.port}")
        replica = stack.enter_context(_started(RedisServer(_in(folder, "replica"), *kept, *follows)))
        _until(lambda: b"master_link_status:up" in replica.ask("INFO", "replication"), "replica")
        place = _in(folder, "sentinel")
        lines = [
            f"sentinel monitor {PRIMARY} 127.0.0.1 {primary.port} 1",
            f"sentinel down-after-milliseconds {PRIMARY} 1000",
            f"sentinel failover-timeout {PRIMARY} 5000",
        ]
        (place / "sentinel.conf").write_text("\n".join([*lines, ""]), encoding="utf-8")
        sentinel = RedisServer(place, "--sentinel", configured=place / "sentinel.conf")
        stack.enter_context(_started(sentinel))
        _until(lambda: _replicas(sentinel.ask("SENTINEL", "MASTER", PRIMARY)) == 1, "Sentinel that knows the replica")
        yield Guarded(primary, replica, sentinel)


def _replicas(told: bytes) -> int:
    words = told.split(b"\r\n")
    return int(words[words.index(b"num-slaves") + 2])
