"""A store that is a row of a PostgreSQL table, for hosts that share one sign-in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from aio_token._clock import SYSTEM_CLOCK
from aio_token._errors import ConfigurationError
from aio_token._ground.public import public_in
from aio_token.stores import _postgres_statements as statements
from aio_token.stores._arguments import text
from aio_token.stores._leased import LEASE, PATIENCE, LeasedStore
from aio_token.stores._psycopg import Connections
from aio_token.stores._shelf import Kept

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from aio_token._clock import Clock
    from aio_token.stores.codec import Codec

_TABLE = re.compile(r"[a-z_][a-z0-9_]{0,50}(\.[a-z_][a-z0-9_]{0,50})?")


@public_in("stores")
class PostgresTokenStore(LeasedStore):
    """Keeps a credential in the row `name` of a table of a PostgreSQL database, for any number of hosts.

    `database` is an address (`postgresql://...`; needs psycopg, the extra `postgres`), or a function that runs one
    statement in a transaction of its own and returns the first row: `await database(statement, parameters)`, where the
    parameters are `$1`, `$2` and so on, which is how an asyncpg pool takes them. `create_table` makes the table, or an
    administrator runs `schema(table)`. Transactions are short and use no session state, so a pool in transaction mode,
    such as pgbouncer's, may stand between.

    A hold is a lease of `lease` seconds that is kept alive; past it another host may renew. Who takes over from a host
    that was about to spend a refresh token waits until that may be over, `patience` seconds after it began: 0 for
    servers that take a spent one for a while. What is saved over another host's writing raises `Superseded`. `may_lose`
    says whether a confirmed write may be lost, as with asynchronous replicas. Times are kept by the database's clock.
    Raises `ConfigurationError` for arguments of other kinds.
    """

    def __init__(  # noqa: PLR0913  each has its default
        self,
        database: str | Callable[[str, Sequence[object]], Awaitable[Sequence[object] | None]],
        name: str,
        *,
        table: str = "aio_token",
        codec: Codec | None = None,
        lease: float = LEASE,
        patience: float = PATIENCE,
        may_lose: bool = False,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._name = text(name, "the name of a PostgresTokenStore")
        self._table = _table(table)
        super().__init__(f"{self._table}/{name}", codec=codec, lease=lease, patience=patience, clock=clock)
        self._connections = Connections(database) if isinstance(database, str) else None
        self._run = self._connections.run if self._connections is not None else database
        self._may_lose = may_lose

    def __repr__(self) -> str:
        return f"PostgresTokenStore(..., {self._name!r}, table={self._table!r})"

    @property
    def may_lose(self) -> bool:
        """Whether a write that was confirmed may be lost, as it was told."""
        return self._may_lose

    async def create_table(self) -> None:
        """Make the table if it is not there. Raises `StoreError`."""
        await self.asked(self._run(schema(self._table), ()))

    async def aclose(self) -> None:
        """Close the connections that this store has made on the event loop that runs; it can be used again."""
        if self._connections is not None:
            await self._connections.aclose()

    def shelf(self) -> PostgresShelf:
        """Return the row."""
        return PostgresShelf(self._run, self._name, self._table)


def schema(table: str = "aio_token") -> str:
    """Return the statement that makes the table of a `PostgresTokenStore`, as an administrator may run it once."""
    return statements.SCHEMA.format(table=_table(table))


class PostgresShelf:
    """A row, and the statements over it."""

    def __init__(
        self, run: Callable[[str, Sequence[object]], Awaitable[Sequence[object] | None]], name: str, table: str
    ) -> None:
        self._given = run
        self._name = name
        self._table = table

    async def acquire(self, owner: str, seconds: float) -> Kept | None:
        """Take the lease if it is free, has lapsed or is this owner's; None if it is another's."""
        row = await self._run(statements.ACQUIRE, owner, seconds)
        return row and _kept(row)

    async def extend(self, owner: str, seconds: float) -> bool:
        """Have the lease last for so long from now; tell whether it is still this owner's."""
        return await self._run(statements.EXTEND, owner, seconds) is not None

    async def release(self, owner: str) -> None:
        """Give the lease back, if it is this owner's."""
        await self._run(statements.RELEASE, owner)

    async def read(self) -> Kept:
        """Return what is kept."""
        row = await self._run(statements.READ)
        return _kept(row or (None, "", 0.0))

    async def write(self, record: bytes | None, version: str, over: str) -> bool:
        """Keep the record if that version is still there, or nothing is; tell whether that happened."""
        return await self._run(statements.WRITE, record, version, over) is not None

    async def set_aside(self, version: str, over: str) -> None:
        """Move a damaged record to the column `damaged`."""
        await self._run(statements.SET_ASIDE, version, over)

    async def complaint(self) -> str | None:
        """Tell what keeps the database from keeping a record for good, None if nothing does."""
        is_replica, is_careless, is_unlogged, may = await self._given(statements.STATE, (self._table,)) or (0, 0, 0, 0)
        if is_replica:
            return "this is a replica that takes no writes; give it the address of the primary"
        if may is None:
            return f"there is no table {self._table}; make it once, by create_table() or the statement of schema()"
        if not may:
            return f"this role may not read and write {self._table}; GRANT SELECT, INSERT, UPDATE ON it"
        if is_unlogged:
            return f"the table {self._table} is unlogged, and empty after a crash; ALTER TABLE {self._table} SET LOGGED"
        if is_careless:
            return "synchronous_commit is off, so what was saved may be lost; set it on for this role"
        return None

    async def _run(self, statement: str, *parameters: object) -> Sequence[object] | None:
        return await self._given(statement.format(table=self._table), (self._name, *parameters))


def _kept(row: Sequence[object]) -> Kept:
    record, version, now, *taken_over = cast("tuple[bytes | None, str, float]", row)
    return Kept(record=record, version=version, now=now, taken_over=taken_over == [True])


def _table(name: object) -> str:
    """Return the name of a table, which stands in statements as it is. Raises `ConfigurationError`."""
    if isinstance(name, str) and _TABLE.fullmatch(name):
        return name
    message = "table= takes a plain name of small letters, digits and underscores, with a schema's before it and a dot"
    raise ConfigurationError(message)
