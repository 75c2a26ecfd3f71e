"""`PostgresTokenStore` on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from aio_token.stores.postgres import PostgresTokenStore
from aio_token.testing.store_laws import StoreLaws

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_token._interfaces import Slot, TokenStore
    from tests.support.postgres import Postgres


class TestPostgresTokenStore(StoreLaws):
    """The store keeps the laws of stores."""

    @pytest.fixture
    def server(self, postgres: Postgres) -> Postgres:
        """Go to the server itself."""
        return postgres

    @pytest.fixture(autouse=True)
    def _storage(self, server: Postgres, table: str) -> None:
        self._address, self._table = server.address, table

        async def make() -> None:
            store = self.make()
            await store.create_table()
            await store.aclose()

        asyncio.run(make())

    def make(self) -> PostgresTokenStore:
        """Open the row of this test."""
        return PostgresTokenStore(self._address, "bot", table=self._table)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[TokenStore]:
        """Close what the handle has opened."""
        store = self.make()
        yield store
        await store.aclose()

    async def lapse(self, slot: Slot) -> None:
        """Have another host find the lease lapsed."""
        slot._lease.lapse()
        await slot._shelf._given(f"UPDATE {self._table} SET lease_until = clock_timestamp() - interval '1 s'", ())


class TestThroughAPool(TestPostgresTokenStore):
    """The store keeps the laws behind pgbouncer in transaction mode."""

    @pytest.fixture
    def server(self, pgbouncer: Postgres) -> Postgres:
        """Go to the pool."""
        return pgbouncer
