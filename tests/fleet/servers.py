"""What hosts keep their session on, under torture: a Redis server, a PostgreSQL, and one with a pgbouncer before it."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from psycopg import AsyncConnection

from aio_token.stores import PostgresTokenStore
from tests.support.postgres import PostgresServer, address, running_pgbouncer, running_postgres
from tests.support.redis_server import RedisServer, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager


class StoreServer(Protocol):
    """A server that keeps sessions, and what may befall it."""

    kind: str
    """By which hosts make their store."""

    port: int

    def address(self, port: int) -> str:
        """Return what a host connects to that goes there by this port."""
        ...

    async def prepare(self) -> None:
        """Make what stores need."""
        ...

    def kill(self) -> None:
        """End it as a crash does."""
        ...

    def start(self) -> None:
        """Start it again, and wait until it takes commands."""
        ...

    def stopped(self) -> AbstractContextManager[None]:
        """Let it stand still."""
        ...

    async def owner(self, name: str) -> str | None:
        """Return who has a session's lease."""
        ...

    async def forget(self, name: str) -> None:
        """Lose a session, lease and all."""
        ...

    async def take_snapshot(self, name: str) -> None:
        """Keep what is there of a session."""
        ...

    async def roll_back(self, name: str) -> None:
        """Be again what the snapshot was."""
        ...


class Redis:
    """A Redis server that writes its log at each write."""

    kind = "redis"

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self.port = server.port
        self.kill, self.start, self.stopped = server.kill, server.start, server.stopped

    def address(self, port: int) -> str:
        """Name the server."""
        return f"redis://127.0.0.1:{port}/0"

    async def prepare(self) -> None:
        """There is nothing to make."""

    async def owner(self, name: str) -> str | None:
        """Look at the lease."""
        answer = self._server.ask("GET", f"{_key(name)}:lease")
        return None if answer == b"$-1\r\n" else answer.decode()

    async def forget(self, name: str) -> None:
        """Remove what there is of it."""
        self._server.ask("DEL", _key(name), f"{_key(name)}:lease")

    async def take_snapshot(self, name: str) -> None:
        """Copy the record."""
        self._server.ask("COPY", _key(name), f"{_key(name)}:snapshot")

    async def roll_back(self, name: str) -> None:
        """Copy it back."""
        self._server.ask("COPY", f"{_key(name)}:snapshot", _key(name), "REPLACE")


class Postgres:
    """A PostgreSQL; hosts go to it, or to what stands before it."""

    kind = "postgres"

    def __init__(self, server: PostgresServer, port: int) -> None:
        self._server = server
        self.port = port
        self.kill, self.start, self.stopped = server.kill, server.start, server.stopped

    def address(self, port: int) -> str:
        """Name the server."""
        return address(port)

    async def prepare(self) -> None:
        """Make the tables."""
        store = PostgresTokenStore(self._server.address, "any")
        await store.create_table()
        await store.aclose()
        await self._run("CREATE TABLE snapshot (name text PRIMARY KEY, content bytea, version text)")

    async def owner(self, name: str) -> str | None:
        """Look at the lease."""
        rows = await self._run("SELECT owner FROM aio_token WHERE name = %s AND leased_until > clock_timestamp()", name)
        return rows[0][0] if rows else None

    async def forget(self, name: str) -> None:
        """Remove what there is of it."""
        await self._run("DELETE FROM aio_token WHERE name = %s", name)

    async def take_snapshot(self, name: str) -> None:
        """Copy the record."""
        await self._run("INSERT INTO snapshot SELECT name, content, version FROM aio_token WHERE name = %s", name)

    async def roll_back(self, name: str) -> None:
        """Copy it back."""
        await self._run(
            "UPDATE aio_token AS kept SET content = was.content, version = was.version "
            "FROM snapshot AS was WHERE kept.name = was.name AND was.name = %s",
            name,
        )

    async def _run(self, statement: str, *parameters: str) -> list[Any]:
        async with await AsyncConnection.connect(self._server.address, autocommit=True) as connection:
            cursor = await connection.execute(statement, parameters)
            return await cursor.fetchall() if cursor.description is not None else []


def _key(name: str) -> str:
    return f"aio_token:{{{name}}}"


@contextmanager
def redis() -> Iterator[StoreServer]:
    """Run a Redis server."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), "--appendonly", "yes", "--appendfsync", "always") as server,
    ):
        yield Redis(server)


@contextmanager
def postgres() -> Iterator[StoreServer]:
    """Run a PostgreSQL."""
    with running_postgres() as server:
        yield Postgres(server, server.port)


@contextmanager
def pgbouncer() -> Iterator[StoreServer]:
    """Run a PostgreSQL, and a pool in transaction mode before it."""
    with running_postgres() as server, running_pgbouncer(server) as pool:
        yield Postgres(server, pool.port)


KINDS = {"Redis": redis, "PostgreSQL": postgres, "pgbouncer": pgbouncer}
