"""`PostgresTokenStores` on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier

from aio_token import ConfigurationError, Credential, StoreError
from aio_token.stores import Encrypted, EnvironmentKey, KeyUnavailable, PostgresTokenStores, account_key, new_key
from aio_token.stores._leases import LeasedTokenStore
from aio_token.testing._laws import sample, save
from aio_token.testing.store_laws import StoreLaws
from aio_token.testing.stores_laws import StoresLaws, listed
from tests.support.postgres import told

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from aio_token._interfaces import Slot, TokenStore
    from tests.support.postgres import Postgres

KEPT = Credential(refresh_token="canary")


@asynccontextmanager
async def opened(database: Any, table: str, **options: Any) -> AsyncIterator[PostgresTokenStores]:
    """Open the stores of a test, whose table is there."""
    stores = PostgresTokenStores(database, table=table, **options)
    await stores.create_table()
    yield stores
    await stores.aclose()


@pytest.fixture
def codec(monkeypatch: pytest.MonkeyPatch) -> Encrypted:
    """Encrypt with a key of this test."""
    monkeypatch.setenv("TOKEN_KEY", new_key())
    return Encrypted(EnvironmentKey("TOKEN_KEY"))


class TestPostgresTokenStores(StoresLaws):
    """A table keeps the laws of stores for many accounts."""

    @pytest.fixture
    def server(self, postgres: Postgres) -> Postgres:
        """Go to the server itself."""
        return postgres

    @pytest.fixture(autouse=True)
    def _storage(self, server: Postgres, table: str) -> None:
        self._address, self._table = server.address, table

    @asynccontextmanager
    async def open(self) -> AsyncIterator[PostgresTokenStores]:
        """Open another handle."""
        async with opened(self._address, self._table) as stores:
            yield stores


class TestThroughAPool(TestPostgresTokenStores):
    """And behind pgbouncer in transaction mode."""

    @pytest.fixture
    def server(self, pgbouncer: Postgres) -> Postgres:
        """Go to the pool."""
        return pgbouncer


class TestOneOfPostgresTokenStores(StoreLaws):
    """The store of one account keeps the laws of stores."""

    @pytest.fixture(autouse=True)
    def _storage(self, postgres: Postgres, table: str, codec: Encrypted) -> None:
        self._address, self._table, self._codec = postgres.address, table, codec

        async def make() -> None:
            async with opened(self._address, self._table):
                pass

        asyncio.run(make())

    def make(self) -> TokenStore:
        """Open the account's store, encrypted."""
        return PostgresTokenStores(self._address, table=self._table, codec=self._codec).of("alice")

    @asynccontextmanager
    async def open(self) -> AsyncIterator[TokenStore]:
        """Close what the handle has opened."""
        async with opened(self._address, self._table, codec=self._codec) as stores:
            yield stores.of("alice")

    async def lapse(self, slot: Slot) -> None:
        """Have another host find the lease lapsed."""
        await told(self._address, "UPDATE {} SET leased_until = clock_timestamp() - interval '1 second'", self._table)


async def test_a_pool_of_asyncpg_lists_accounts(postgres: Postgres, table: str) -> None:
    """A service has a pool of its own; more accounts than one statement reads."""
    async with asyncpg.create_pool(postgres.address, min_size=1, max_size=4, statement_cache_size=0) as pool:

        async def run(statement: str, parameters: Sequence[object]) -> Sequence[Any] | None:
            row: Sequence[Any] | None = await pool.fetchrow(statement, *parameters)
            return row

        async with opened(run, table) as stores:
            names = sorted(f"user {number}" for number in range(201))
            await asyncio.gather(*(save(stores.of(name), sample(100)) for name in names))
            assert await listed(stores.names()) == names
            assert await stores.of("user 7").load() == sample(100)


async def test_accounts_share_connections(postgres: Postgres, table: str) -> None:
    """Law I1: two hundred accounts at once take eight connections."""
    async with opened(postgres.address, table) as stores:
        await asyncio.gather(*(save(stores.of(f"user {number}"), sample(100)) for number in range(200)))
        async with await AsyncConnection.connect(postgres.address) as connection:
            counted = await connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'aio_token' AND query LIKE %s",
                (f"%{table} %",),
            )
            row = await counted.fetchone()
        assert row is not None
        assert 1 <= row[0] <= 8


async def test_a_record_in_another_account_s_row_is_refused(
    postgres: Postgres, table: str, codec: Encrypted, caplog: pytest.LogCaptureFixture
) -> None:
    """Law I2: it is left out of the list; a key that is missing is told, and what is damaged is named by its key."""
    async with opened(postgres.address, table, codec=codec) as stores:
        for name in ("alice", "bob", "carol"):
            await save(stores.of(name), KEPT)
        async with await AsyncConnection.connect(postgres.address, autocommit=True) as connection:
            moved = "UPDATE {0} SET content = (SELECT content FROM {0} WHERE name = %s) WHERE name = %s"
            named = SQL(moved).format(Identifier(table))
            await connection.execute(named, (account_key("alice"), account_key("bob")))
            damaged = SQL("UPDATE {} SET content = 'canary' WHERE name = %s").format(Identifier(table))
            await connection.execute(damaged, (account_key("carol"),))
        with pytest.raises(StoreError, match="encrypted for another store"):
            await stores.of("bob").load()
        assert await listed(stores.names()) == ["alice"]
    for name in ("bob", "carol"):
        assert f"{table}/{account_key(name)} is left out of the accounts" in caplog.text
    assert "canary" not in caplog.text
    async with opened(postgres.address, table) as keyless:
        with pytest.raises(KeyUnavailable, match="it is encrypted"):
            await listed(keyless.names())


async def test_what_is_damaged_is_kept_aside(postgres: Postgres, table: str, caplog: pytest.LogCaptureFixture) -> None:
    """Law F3: until the account is removed; a table without a place for it is told."""
    async with (
        opened(postgres.address, table) as stores,
        await AsyncConnection.connect(postgres.address, autocommit=True) as connection,
    ):

        async def aside() -> object:
            found = await connection.execute(SQL("SELECT damaged FROM {}").format(Identifier(table)))
            row = await found.fetchone()
            return row and row[0]

        await save(stores.of("alice"), KEPT)
        await told(postgres.address, "UPDATE {} SET content = 'damage {{'", table)
        await save(stores.of("alice"), KEPT)
        assert await aside() is None  # whoever does not read writes over it
        await told(postgres.address, "UPDATE {} SET content = 'damage {{'", table)
        for _ in range(2):
            async with stores.of("alice").exclusive() as slot:
                await slot.load()
                await slot.save(KEPT)
            assert await aside() == b"damage {"
        assert await stores.of("alice").load() == KEPT
        async with stores.of("alice").exclusive() as slot:
            await slot.delete()
        assert await aside() is None
        assert "damage {" not in caplog.text
        await told(postgres.address, "ALTER TABLE {} DROP COLUMN damaged", table)
        with pytest.raises(StoreError, match=f"ALTER TABLE {table} ADD COLUMN damaged"):
            await save(stores.of("alice"), KEPT)


async def test_a_missing_table_is_said(postgres: Postgres, table: str) -> None:
    """Law F12: by a probe before a person signs in, and by a list."""
    stores = PostgresTokenStores(postgres.address, table=table, may_lose=True)
    one = stores.of("alice")
    assert isinstance(one, LeasedTokenStore)
    assert one.may_lose
    assert not PostgresTokenStores(postgres.address, table=table).of("alice").may_lose
    for failing in (one.probe(), listed(stores.names())):
        with pytest.raises(StoreError, match=f"there is no table {table}"):
            await failing
    assert "CREATE TABLE" in stores.schema
    await stores.create_table()
    await one.probe()
    assert await listed(stores.names()) == []
    assert repr(one) == f"PostgresTokenStores(table='{table}').of('alice')"
    await stores.aclose()


async def test_a_function_that_gives_no_row_lists_none() -> None:
    """Whoever answers for the database may have nothing to say."""

    async def run(statement: str, parameters: Sequence[object]) -> None:
        assert statement
        assert parameters

    assert await listed(PostgresTokenStores(run).names()) == []


@pytest.mark.parametrize(
    ("arguments", "options", "says"),
    [
        ((5,), {}, r"PostgresTokenStores\(\) takes an address"),
        (("postgresql://localhost/x",), {"table": "A; --"}, "table= takes a plain name"),
        (("postgresql://localhost/x",), {"codec": object()}, "codec= takes a codec"),
        (("postgresql://localhost/x",), {"lease": 0.0}, "lease= is a number of seconds"),
    ],
)
def test_what_cannot_work_is_said_at_once(arguments: tuple[Any], options: Any, says: str) -> None:
    """Arguments are judged when the stores are made."""
    with pytest.raises(ConfigurationError, match=says):
        PostgresTokenStores(*arguments, **options)
