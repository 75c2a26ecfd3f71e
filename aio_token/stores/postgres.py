"""A store that is a row of a PostgreSQL table, for processes on many hosts."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aio_token._clock import SYSTEM_CLOCK
from aio_token._ground.public import public_in
from aio_token.stores._arguments import text
from aio_token.stores._leases import LeasedTokenStore
from aio_token.stores._postgres_table import InTable, Row, Table

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from aio_token._clock import Clock
    from aio_token._ground.codec import Codec


@public_in("stores")
class PostgresTokenStore(InTable, LeasedTokenStore):
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
        identity, shown = f"{table}/{text(name, 'name')}", f"PostgresTokenStore({name!r}, table={table!r})"
        super().__init__(identity, codec, shown=shown, lease=lease, may_lose=may_lose, clock=clock)
        self._name = name
        self._table = Table(database, table, kind="PostgresTokenStore", shown=shown)

    async def probe(self) -> None:
        """Find out whether a session would be kept: a table, rights, and a server that writes for good.

        Raises `StoreError`.
        """
        await self._table.judge()
        await super().probe()

    @asynccontextmanager
    async def _server(self) -> AsyncIterator[Row]:
        yield Row(self._table, self._name)
