"""A table of a PostgreSQL database, as stores use it: its rows, and what is wrong in plain words."""

from __future__ import annotations

import asyncio
import random
import re
from typing import TYPE_CHECKING, Any

from aio_token._errors import ConfigurationError, StoreError, TokenError
from aio_token.stores import _postgres_statements as statements
from aio_token.stores._arguments import text
from aio_token.stores._leases import Record
from aio_token.stores._postgres_trouble import explained, hint
from aio_token.stores._psycopg import Connections

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

_ROLLED_BACK = "40"
"""What a SQLSTATE begins with where others were faster, as under REPEATABLE READ: the statement is to be run again."""

_PAUSES = (0.01, 0.05, 0.2)

_TABLE = re.compile(r"[a-z_][a-z0-9_]{0,50}(\.[a-z_][a-z0-9_]{0,50})?")


class Table:
    """A table, and the way to it; `kind` is the store's, and `shown` what errors call it."""

    def __init__(
        self,
        database: str | Callable[[str, Sequence[object]], Awaitable[Sequence[Any] | None]],
        name: str,
        *,
        kind: str,
        shown: str,
    ) -> None:
        if not _TABLE.fullmatch(text(name, "table")):
            message = "table= takes a plain name in small letters, such as aio_token or auth.aio_token"
            raise ConfigurationError(message)
        self.name: str = name
        self._shown = shown
        self._connections: Connections | None = None
        if isinstance(database, str):
            self._connections = Connections(database)
            self._run: Callable[[str, Sequence[object]], Awaitable[Sequence[Any] | None]] = self._connections.run
        elif not isinstance(database, type) and callable(database):
            self._run = database
        else:
            message = f"{kind}() takes an address, or a function that runs one statement"
            raise ConfigurationError(message)

    def __repr__(self) -> str:
        return self._shown

    @property
    def schema(self) -> str:
        """The statement that makes the table."""
        return statements.SCHEMA.format(table=self.name)

    async def aclose(self) -> None:
        """Close the connections that were made on the running event loop."""
        if self._connections is not None:
            await self._connections.aclose()

    async def make(self) -> None:
        """Make the table unless it is there, in which case no right to make one is needed. Raises `StoreError`."""
        state = await self.ask(statements.STATE, self.name) or ()
        if state[-1] is None:
            await self.ask(self.schema)

    async def judge(self) -> None:
        """Raise `StoreError` for a table or a server that would not keep a record for good."""
        self._judge(*(await self.ask(statements.STATE, self.name) or ()))

    async def ask(self, statement: str, *parameters: object) -> Sequence[Any] | None:
        """Run a statement and return its first row, if any. Raises `StoreError`."""
        pauses = iter(_PAUSES)
        while True:
            try:
                return await self._run(statement, parameters)
            except TokenError:
                raise
            except Exception as error:  # noqa: BLE001  the database's, and a foreign message may hold anything
                place = None if self._connections is None else self._connections.place
                failure = explained(self, error, table=self.name, place=place, makes=statement == self.schema)
                was_rolled_back = str(getattr(error, "sqlstate", "")).startswith(_ROLLED_BACK)
            pause = next(pauses, None) if was_rolled_back else None
            if pause is None:
                raise failure
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  it spreads hosts, it hides nothing

    def _judge(
        self, is_replica: object = None, is_careless: object = None, is_unlogged: object = None, may: object = None
    ) -> None:
        table = self.name
        if is_replica:
            trouble = "this server is a replica, which takes no writes; give the address of the primary"
        elif may is None:
            trouble = hint("42P01", table)
        elif not may:
            trouble = hint("42501", table)
        elif is_unlogged:
            trouble = f"the table is empty after a crash; run: ALTER TABLE {table} SET LOGGED"
        elif is_careless:
            trouble = "synchronous_commit is off, and the last writes are lost in a crash; set it on for this role"
        else:
            return
        message = f"{self!r}: {trouble}"
        raise StoreError(message)


class InTable:
    """What stores offer whose records are rows of a table."""

    _table: Table

    @property
    def schema(self) -> str:
        """The statement that makes the table, for an administrator to run once."""
        return self._table.schema

    async def create_table(self) -> None:
        """Make the table if it is not there. Raises `StoreError`."""
        await self._table.make()

    async def aclose(self) -> None:
        """Close the connections that were made on the running event loop; what they were made for can be used again."""
        await self._table.aclose()


class Row:
    """The commands of a leased store, by statements."""

    def __init__(self, table: Table, name: str) -> None:
        self._table = table
        self._name = name

    async def enter(self, owner: str, seconds: float) -> Record | None:
        row = await self._ask(statements.ENTER, owner, seconds)
        return _record(*row) if row is not None else None

    async def prolong(self, owner: str, seconds: float) -> bool:
        return await self._ask(statements.PROLONG, owner, seconds) is not None

    async def leave(self, owner: str) -> None:
        await self._ask(statements.LEAVE, owner)

    async def read(self) -> Record:
        return _record(*(await self._ask(statements.READ) or ()))

    async def set_aside(self, content: bytes) -> None:
        await self._ask(statements.SET_ASIDE, content)

    async def write(self, content: bytes | None, *, over: str, version: str, lasts: float | None) -> bool:
        """Keep it without an end: who reads a tombstone sees that its time has passed."""
        stays = content is not None and lasts is None
        row = await self._ask(statements.WRITE, content, version if content is not None else "", over, stays)
        return row is not None

    async def _ask(self, statement: str, *parameters: object) -> Sequence[Any] | None:
        return await self._table.ask(statement.format(table=self._table.name), self._name, *parameters)


def _record(content: bytes | None, version: str, now: float) -> Record:
    return Record(content=content, version=version, now=now)
