"""A PostgreSQL on loopback, and a pgbouncer before it, that are gone when they are no longer needed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier

from tests.support.daemon import free_port, listens, running

if TYPE_CHECKING:
    from collections.abc import Iterator

_DATABASE_USER = "aio_token"
_PLAIN = ("-A", "trust", "-E", "UTF8", "--no-sync", "--no-locale")
_READY = "database system is ready to accept connections"  # it listens before that
_APART = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), Path("/usr/sbin")]  # where Debian has them


def _program(name: str) -> str:
    return shutil.which(name, path=os.pathsep.join([os.environ["PATH"], *map(str, _APART)])) or ""


MISSING = [
    package for program, package in (("initdb", "postgresql"), ("pgbouncer", "pgbouncer")) if not _program(program)
]
"""The Debian packages that bring what is not there."""


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server, or what stands before it."""

    port: int

    @property
    def address(self) -> str:
        """What a client connects to."""
        return f"postgresql://{_DATABASE_USER}@127.0.0.1:{self.port}/postgres"


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Run a server with nothing in it; what it writes need not outlive the machine."""
    server = Postgres(free_port())
    with _own_directory() as directory:
        data, log = directory / "data", directory / "log"
        made = [_program("initdb"), "-D", str(data), "-U", _DATABASE_USER, *_PLAIN]
        subprocess.run(made, check=True, capture_output=True, timeout=60, user=_no_root())
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": server.port,
            "unix_socket_directories": "",
            "fsync": "off",
            "max_connections": 100,
        }
        told = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [_program("postgres"), "-D", str(data), *told]
        with running(command, lambda: _READY in log.read_text(errors="replace"), log, user=_no_root()):
            yield server


@contextmanager
def running_pgbouncer(server: Postgres) -> Iterator[Postgres]:
    """Run a pool that lends a connection for one transaction, as pools before a PostgreSQL mostly do."""
    pool = Postgres(free_port())
    with _own_directory() as directory:
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": pool.port,
            "unix_socket_dir": "",
            "auth_type": "any",
            "pool_mode": "transaction",
            "default_pool_size": 4,
            "max_client_conn": 200,
        }
        database = f"postgres = host=127.0.0.1 port={server.port} user={_DATABASE_USER} dbname=postgres"
        lines = [f"{name} = {value}" for name, value in settings.items()]
        configured = directory / "pgbouncer.ini"
        configured.write_text("\n".join(["[databases]", database, "[pgbouncer]", *lines, ""]), encoding="utf-8")
        command = [_program("pgbouncer"), str(configured)]
        with running(command, lambda: listens(pool.port), directory / "log", user=_no_root()):
            yield pool


def _no_root() -> str | None:
    """Return whose the servers are to be: they refuse to be root's."""
    return "postgres" if os.geteuid() == 0 else None


@contextmanager
def _own_directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="aio_token-postgres-") as directory:
        user = _no_root()
        if user is not None:
            shutil.chown(directory, user)
        yield Path(directory)


async def told(address: str, statement: str, table: str) -> None:
    """Run a statement of an administrator's."""
    async with await AsyncConnection.connect(address, autocommit=True) as connection:
        await connection.execute(SQL(statement).format(Identifier(table)))
