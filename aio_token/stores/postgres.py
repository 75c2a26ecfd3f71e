"""A store that is a row of a PostgreSQL table, for processes on many hosts."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aio_token._clock import SYSTEM_CLOCK
from aio_token._errors import ConfigurationError, StoreError, TokenError
from aio_token._ground.public import public_in
from aio_token.stores import _postgres_statements as statements
from aio_token.stores._arguments import text
from aio_token.stores._leases import LeasedTokenStore, Record
from aio_token.stores._psycopg import Connections

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from aio_token._clock import Clock
    from aio_token._codec import Codec

_TABLE = re.compile(r"[a-z_][a-z0-9_]{0,50}(\.[a-z_][a-z0-9_]{0,50})?")


@public_in("stores")
class PostgresTokenStore(LeasedTokenStore):
    """Keeps a credential in the row `name` of a table of a PostgreSQL database (extra `postgres`).

    `database` is an address (`postgresql://...`), for which psycopg is needed, or a function that runs one statement in
    a transaction of its own and returns the first row, if there is any: `await database(statement, parameters)`. The
    parameters are called `$1`, `$2` and so on, as asyncpg's pools take them. `create_table()` makes the table, or an
    administrator runs the statement `schema`. No session state is used, so that pools in transaction mode may stand
    between, such as pgbouncer.

    Processes on all hosts exclude each other by a lease of so many seconds, which a holder prolongs; one that died
    blocks the others no longer. Times in the record are those of the database's clock. `codec` encrypts, with table and
    name bound to what is written. `may_lose` says whether a write that was confirmed may be lost, as where a replica
    that lags may take over. `clock` is that of the repository. Raises `ConfigurationError` for arguments of other
    kinds.
    """

    def __init__(
        self,
        database: str | Callable[[str, Sequence[object]], Awaitable[Sequence[Any] | None]],
        name: str,
        *,
        table: str = "aio_token",
        codec: Codec | None = None,
        lease: float = 10.0,
        may_lose: bool = False,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        if not _TABLE.fullmatch(text(table, "table")):
            message = "table= takes a plain name in small letters, such as aio_token or auth.aio_token"
            raise ConfigurationError(message)
        super().__init__(f"{table}/{text(name, 'name')}", codec, lease=lease, clock=clock)
        self._name = name
        self._table = table
        self._may_lose = may_lose
        self._connections: Connections | None = None
        if isinstance(database, str):
            self._connections = Connections(database)
            self._run: Callable[[str, Sequence[object]], Awaitable[Sequence[Any] | None]] = self._connections.run
        elif not isinstance(database, type) and callable(database):
            self._run = database
        else:
            message = "PostgresTokenStore() takes an address, or a function that runs one statement"
            raise ConfigurationError(message)

    def __repr__(self) -> str:
        return f"PostgresTokenStore({self._name!r}, table={self._table!r})"

    @property
    def may_lose(self) -> bool:
        """Whether a write that was confirmed may be lost, as the store was told."""
        return self._may_lose

    @property
    def schema(self) -> str:
        """The statement that makes the table, for an administrator to run once."""
        return statements.SCHEMA.format(table=self._table)

    async def create_table(self) -> None:
        """Make the table if it is not there. Raises `StoreError`."""
        await self._ask(self.schema)

    async def probe(self) -> None:
        """Find out whether a session would be kept: a table, rights, and a server that writes for good.

        Raises `StoreError`.
        """
        self._judge(*(await self._ask(statements.STATE, self._table) or ()))
        await super().probe()

    async def aclose(self) -> None:
        """Close the connections that the store has made on the running event loop; it can be used again."""
        if self._connections is not None:
            await self._connections.aclose()

    @asynccontextmanager
    async def _server(self) -> AsyncIterator[_Row]:
        yield _Row(self._ask, self._name, self._table)

    async def _ask(self, statement: str, *parameters: object) -> Sequence[Any] | None:
        try:
            return await self._run(statement, parameters)
        except TokenError:
            raise
        except Exception as error:  # noqa: BLE001  the database's, and a foreign message may hold anything
            failure = self._explained(error)
        raise failure

    def _explained(self, error: Exception) -> StoreError:
        """Say what is wrong, by the code that all clients give (SQLSTATE), with no part of the message."""
        state = getattr(error, "sqlstate", None)
        hint = _HINTS.get(
            state if isinstance(state, str) else "", "see whether the database is there and takes this client"
        )
        told = f"{type(error).__name__} {state}" if state else type(error).__name__
        return StoreError(f"{self!r} cannot be used ({told}); {hint.format(table=self._table)}")

    def _judge(
        self, is_replica: object = None, is_careless: object = None, is_unlogged: object = None, may: object = None
    ) -> None:
        table = self._table
        if is_replica:
            trouble = "this server is a replica, which takes no writes; give the address of the primary"
        elif may is None:
            trouble = _HINTS["42P01"].format(table=table)
        elif not may:
            trouble = _HINTS["42501"].format(table=table)
        elif is_unlogged:
            trouble = f"the table is empty after a crash; run: ALTER TABLE {table} SET LOGGED"
        elif is_careless:
            trouble = "synchronous_commit is off, and the last writes are lost in a crash; set it on for this role"
        else:
            return
        message = f"{self!r}: {trouble}"
        raise StoreError(message)


_HINTS = {
    "42P01": "there is no table {table}; make it once, with create_table() or the statement in `schema`",
    "42501": "this role may not use the table; run: GRANT SELECT, INSERT, UPDATE ON {table} TO the role",
    "25006": "this server takes no writes; give the address of the primary",
    "28P01": "the password is wrong",
    "3D000": "there is no such database; check the address",
}


class _Row:
    """The commands of a leased store, by statements."""

    def __init__(self, ask: Callable[..., Awaitable[Sequence[Any] | None]], name: str, table: str) -> None:
        self._given = ask
        self._name = name
        self._table = table

    async def enter(self, owner: str, seconds: float) -> Record | None:
        row = await self._ask(statements.ENTER, owner, seconds)
        return _record(*row) if row is not None else None

    async def prolong(self, owner: str, seconds: float) -> bool:
        return await self._ask(statements.PROLONG, owner, seconds) is not None

    async def leave(self, owner: str) -> None:
        await self._ask(statements.LEAVE, owner)

    async def read(self) -> Record:
        return _record(*(await self._ask(statements.READ) or ()))

    async def write(self, content: bytes | None, *, over: str, version: str, lasts: float | None) -> bool:  # noqa: ARG002  who reads a tombstone sees that its time has passed
        return await self._ask(statements.WRITE, content, version if content is not None else "", over) is not None

    async def _ask(self, statement: str, *parameters: object) -> Sequence[Any] | None:
        return await self._given(statement.format(table=self._table), self._name, *parameters)


def _record(content: bytes | None, version: str, now: float) -> Record:
    return Record(content=content, version=version, now=now)
