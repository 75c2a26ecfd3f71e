"""The credentials of many accounts in the rows of a PostgreSQL table (laws I1, I4, J1)."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aio_token._clock import SYSTEM_CLOCK
from aio_token._ground.public import public_in
from aio_token.stores import _postgres_statements as statements
from aio_token.stores._leases import LeasedTokenStore
from aio_token.stores._postgres_table import InTable, Row, Table
from aio_token.stores.many.listed import ListedOnServer, Page
from aio_token.stores.many.names import account_key
from aio_token.stores.many.record import NamedRecord

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from aio_token._clock import Clock
    from aio_token._ground.codec import Codec
    from aio_token._interfaces import TokenStore

_AT_A_TIME = 100
"""Records that one statement reads: 0.2 MB."""


@public_in("stores")
class PostgresTokenStores(InTable, ListedOnServer):
    """Keeps the credentials of many accounts in a table of a PostgreSQL database, as a `PostgresTokenStore` does.

    An account's row is called by the first 32 hex digits of the SHA-256 of its name; the name stands in the record,
    encrypted if `codec` encrypts. The table is for accounts alone, and `create_table()` or the statement `schema` makes
    it. Listing reads all rows, a hundred with each statement.

    `database`, `codec`, `lease` (seconds), `may_lose` and `clock` are those of `PostgresTokenStore`. All accounts share
    the connections of one store, eight for each event loop at most. Raises `ConfigurationError` for arguments of other
    kinds.
    """

    def __init__(
        self,
        database: str | Callable[[str, Sequence[object]], Awaitable[Sequence[Any] | None]],
        *,
        table: str = "aio_token_accounts",
        codec: Codec | None = None,
        lease: float = 10.0,
        may_lose: bool = False,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        super().__init__(codec, lease=lease, clock=clock)
        shown = f"PostgresTokenStores(table={table!r})"
        self._table = Table(database, table, kind="PostgresTokenStores", shown=shown)
        self._may_lose = may_lose

    def __repr__(self) -> str:
        return repr(self._table)

    def of(self, name: str) -> TokenStore:
        """Return the store of one account. Raises `ConfigurationError` for what is no name."""
        key = account_key(name)
        return _Account(
            self._table,
            key,
            self._identity(key),
            NamedRecord(self._codec, key, name),
            shown=f"{self!r}.of({name!r})",
            lease=self._lease,
            may_lose=self._may_lose,
            clock=self._clock,
        )

    def _identity(self, key: str) -> str:
        return f"{self._table.name}/{key}"

    async def _pages(self) -> AsyncIterator[Page]:
        last = ""
        while True:
            asked_at = self._clock.time()
            row = await self._table.ask(statements.LIST.format(table=self._table.name), last, _AT_A_TIME)
            keys, contents, now = row or ((), (), 0.0)
            if not keys:
                return
            yield Page(contents=list(zip(keys, contents, strict=True)), now=now, asked_at=asked_at)
            last = keys[-1]


class _Account(LeasedTokenStore):
    """The store of one account."""

    def __init__(
        self,
        table: Table,
        key: str,
        identity: str,
        codec: NamedRecord,
        *,
        shown: str,
        lease: float,
        may_lose: bool,
        clock: Clock,
    ) -> None:
        super().__init__(identity, codec, shown=shown, lease=lease, may_lose=may_lose, clock=clock)
        self._table = table
        self._key = key

    async def probe(self) -> None:
        await self._table.judge()
        await super().probe()

    @asynccontextmanager
    async def _server(self) -> AsyncIterator[Row]:
        yield Row(self._table, self._key)
