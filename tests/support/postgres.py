"""A PostgreSQL on loopback, and a pgbouncer before it, that are gone when they are no longer needed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from psycopg import AsyncConnection, Connection, OperationalError
from psycopg.sql import SQL, Identifier

from tests.support.daemon import free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator

_DATABASE_USER = "aio_token"
BY_PASSWORD, SHUT_OUT = "by_password", "shut_out"
"""Roles that a server takes by a password alone, or not at all; it has neither until one is made."""

_LET_IN = f"host all {BY_PASSWORD} all scram-sha-256\nhost all {SHUT_OUT} all reject\n"
_PLAIN = ("-A", "trust", "-E", "UTF8", "--no-sync", "--no-locale")
_READY = "database system is ready to accept connections"  # it listens before that
_APART = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), Path("/usr/sbin")]  # where Debian has them


def _program(name: str) -> str:
    return shutil.which(name, path=os.pathsep.join([os.environ["PATH"], *map(str, _APART)])) or ""


_MISSING = [
    package for program, package in (("initdb", "postgresql"), ("pgbouncer", "pgbouncer")) if not _program(program)
]
"""The Debian packages that bring what is not there."""

_IS_CI = bool(os.environ.get("CI"))  # where nothing may be missing


def skip_without_postgres() -> None:
    """Skip a test where there is no PostgreSQL."""
    if _MISSING and not _IS_CI:
        pytest.skip(f"needs {' and '.join(_MISSING)}: apt-get install {' '.join(_MISSING)}")


class Postgres:
    """A running server, or what stands before it."""

    def __init__(self) -> None:
        self.port = free_port()

    @property
    def address(self) -> str:
        """What a client connects to."""
        return address(self.port)


class PostgresServer(Postgres):
    """A server of its own, that can be killed, started again and stopped."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._data, self._log = directory / "data", directory / "log"
        self._running = ExitStack()
        made = [_program("initdb"), "-D", str(self._data), "-U", _DATABASE_USER, *_PLAIN]
        subprocess.run(made, check=True, capture_output=True, timeout=60, user=_no_root())
        rules = self._data / "pg_hba.conf"
        rules.write_text(_LET_IN + rules.read_text(encoding="utf-8"), encoding="utf-8")

    def start(self) -> None:
        """Start it, and wait until it takes commands."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",
            "max_connections": 300,
        }
        told = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [_program("postgres"), "-D", str(self._data), *told]
        is_ready = lambda: _READY in self._log.read_text(errors="replace")  # noqa: E731
        self._running.enter_context(running(command, is_ready, self._log, user=_no_root()))

    def end(self) -> None:
        """End it as an administrator does."""
        self._running.close()

    def kill(self) -> None:
        """End it as a crash does."""
        for process in (*self._children(), self._parent()):
            os.kill(process, signal.SIGKILL)
        self._running.close()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Let it stand still."""
        children = self._children()
        for child in children:
            os.kill(child, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in (*children, self._parent()):
                os.kill(process, signal.SIGCONT)

    def _children(self) -> list[int]:
        """Stop the server, which makes no more processes then, and return those that it has made."""
        parent = self._parent()
        os.kill(parent, signal.SIGSTOP)
        return list(map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="utf-8").split()))

    def _parent(self) -> int:
        return int((self._data / "postmaster.pid").read_text(encoding="utf-8").split()[0])


def address(port: int) -> str:
    """Return what a client connects to that goes to this port."""
    return f"postgresql://{_DATABASE_USER}@127.0.0.1:{port}/postgres"


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Run a server with nothing in it; what it writes need not outlive the machine."""
    with _own_directory() as directory:
        server = PostgresServer(directory)
        try:
            server.start()
            yield server
        finally:
            server.end()


@contextmanager
def running_pgbouncer(server: Postgres) -> Iterator[Postgres]:
    """Run a pool that lends a connection for one transaction, as pools before a PostgreSQL mostly do."""
    pool = Postgres()
    with _own_directory() as directory:
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": pool.port,
            "unix_socket_dir": "",
            "auth_type": "any",
            "pool_mode": "transaction",
            "default_pool_size": 4,
            "max_client_conn": 200,
            "server_login_retry": 1,  # seconds after which a server that did not answer is tried again; 15 by default
        }
        database = f"postgres = host=127.0.0.1 port={server.port} user={_DATABASE_USER} dbname=postgres"
        lines = [f"{name} = {value}" for name, value in settings.items()]
        configured = directory / "pgbouncer.ini"
        configured.write_text("\n".join(["[databases]", database, "[pgbouncer]", *lines, ""]), encoding="utf-8")
        command = [_program("pgbouncer"), str(configured)]
        with running(command, lambda: _answers(pool.address), directory / "log", user=_no_root()):
            yield pool


def _answers(address: str) -> bool:
    """Whether a statement comes through: a pool listens before the server has let it in."""
    try:
        with Connection.connect(address, connect_timeout=5) as connection:
            connection.execute("SELECT 1")
    except OperationalError:
        return False
    return True


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
