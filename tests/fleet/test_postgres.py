"""`PostgresTokenStore` on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import asyncpg
import pytest
from psycopg import AsyncConnection, OperationalError
from psycopg.sql import SQL, Identifier
from sqlalchemy.ext.asyncio import create_async_engine

from aio_token import ConfigurationError, PublicClient, RefreshTokenGrant, StoreError, TokenEndpoint, TokenRepository
from aio_token.stores import PostgresTokenStore, _psycopg
from aio_token.testing import AuthorizationServer
from aio_token.testing._laws import sample, save
from aio_token.testing.store_laws import StoreLaws
from tests.support.postgres import told

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

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
        await told(self._address, "UPDATE {} SET leased_until = clock_timestamp() - interval '1 second'", self._table)


class TestThroughAPool(TestPostgresTokenStore):
    """The store keeps the laws behind pgbouncer in transaction mode."""

    @pytest.fixture
    def server(self, pgbouncer: Postgres) -> Postgres:
        """Go to the pool."""
        return pgbouncer


@asynccontextmanager
async def opened(database: Any, table: str, **options: Any) -> AsyncIterator[PostgresTokenStore]:
    """Open a store whose table is there."""
    store = PostgresTokenStore(database, "bot", table=table, **options)
    await store.create_table()
    yield store
    await store.aclose()


async def test_a_pool_of_asyncpg_is_enough(postgres: Postgres, table: str) -> None:
    """A service has a pool of its own; one function of one line leads there."""
    async with asyncpg.create_pool(postgres.address, min_size=1, max_size=4, statement_cache_size=0) as pool:

        async def run(statement: str, parameters: Sequence[object]) -> Sequence[Any] | None:
            row: Sequence[Any] | None = await pool.fetchrow(statement, *parameters)
            return row

        async with opened(run, table) as store:
            await store.probe()
            await save(store, sample(100))
            assert await store.load() == sample(100)


async def test_an_engine_of_sqlalchemy_is_enough(postgres: Postgres, table: str) -> None:
    """The same for an engine."""
    engine = create_async_engine(postgres.address.replace("postgresql:", "postgresql+asyncpg:"))

    async def run(statement: str, parameters: Sequence[object]) -> Sequence[Any] | None:
        async with engine.begin() as connection:
            result = await connection.exec_driver_sql(statement, tuple(parameters))
            return result.fetchone() if result.returns_rows else None

    async with opened(run, table) as store:
        await save(store, sample(100))
        assert await store.load() == sample(100)
        await told(postgres.address, "DROP TABLE {}", table)
        with pytest.raises(StoreError, match="there is no table"):
            await store.load()
    await engine.dispose()


async def test_a_renewal_is_kept_and_shared(postgres: Postgres, table: str) -> None:
    """Law J6: two repositories with stores of their own share what one of them has renewed."""
    async with (
        AuthorizationServer() as server,
        opened(postgres.address, table) as one,
        opened(postgres.address, table) as two,
    ):
        endpoint = TokenEndpoint(server.token_url, PublicClient("app"))
        first = server.sign_in(client_id="app")
        tokens = [TokenRepository(RefreshTokenGrant(endpoint, first=first), store) for store in (one, two)]
        got = await asyncio.gather(*(each.token() for each in tokens))
        assert got[0] == got[1]
        assert server.requests == {"refresh_token": 1}


async def test_a_hold_is_kept_alive(postgres: Postgres, table: str) -> None:
    """Law J1: a holder that lives prolongs its lease, and another one does not get in."""
    async with opened(postgres.address, table, lease=1.5) as store, store.exclusive() as slot:
        least = slot.lasts
        assert least is not None
        async with asyncio.timeout(30):
            while (left := slot.lasts or 0.0) <= least:
                least = left
                await asyncio.sleep(0.01)
        other = PostgresTokenStore(postgres.address, "bot", table=table)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2), other.exclusive():
                pass
        await other.aclose()


async def test_a_server_that_comes_back_is_used_again(postgres: Postgres, table: str) -> None:
    """A connection that was cut while it was idle is replaced, and the caller hears nothing of it."""
    async with opened(postgres.address, table) as store:
        await save(store, sample(100))
        await told(
            postgres.address,
            "SELECT pg_terminate_backend(pid), {} FROM pg_stat_activity, (VALUES (1)) AS one({}) "
            "WHERE application_name = 'aio_token'".replace("{}", "{0}"),
            "one",
        )
        assert await store.load() == sample(100)


async def test_a_server_that_stands_still_hangs_no_one(
    postgres: Postgres, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A statement is given up in time, and its connection with it; another one is made once the server goes on."""
    monkeypatch.setattr(_psycopg, "_PATIENCE", 0.5)
    async with opened(postgres.address, table) as store:
        await save(store, sample(100))
        async with await AsyncConnection.connect(postgres.address, autocommit=True) as other:
            cursor = await other.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'aio_token'")
            stopped = [pid for (pid,) in await cursor.fetchall()]
            for pid in stopped:
                os.kill(pid, signal.SIGSTOP)
            began = time.monotonic()
            try:
                with pytest.raises(StoreError, match="TimeoutError"):
                    await store.load()
                assert time.monotonic() - began < 20
                assert await store.load() == sample(100)
            finally:
                for pid in stopped:
                    os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("DROP TABLE {}", "there is no table"),
        ("ALTER TABLE {} SET UNLOGGED", "SET LOGGED"),
        ("SELECT 1 AS {}", None),
    ],
)
async def test_a_probe_says_what_is_wrong(postgres: Postgres, table: str, statement: str, sentence: str | None) -> None:
    """Law F12: with the remedy; nothing where nothing is wrong."""
    async with opened(postgres.address, table) as store:
        await told(postgres.address, statement, table)
        if sentence is None:
            await store.probe()
            return
        with pytest.raises(StoreError, match=sentence):
            await store.probe()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("-c default_transaction_read_only=on", "takes no writes"),
        ("-c role=pg_monitor", "GRANT SELECT, INSERT, UPDATE"),
        ("-c synchronous_commit=off", "synchronous_commit is off"),
    ],
)
async def test_a_role_that_cannot_keep_is_told(postgres: Postgres, table: str, options: str, sentence: str) -> None:
    """Law F12: what this role, or this connection, may not do."""
    async with opened(postgres.address, table):
        pass
    store = PostgresTokenStore(f"{postgres.address}?options={quote(options)}", "bot", table=table)
    with pytest.raises(StoreError, match=sentence):
        await store.probe()
    await store.aclose()


async def test_a_replica_is_refused(table: str) -> None:
    """Law F12: it takes no writes; the answer of one stands for it here, since one server is no pair."""

    async def replica(statement: str, parameters: Sequence[object]) -> Sequence[Any]:
        return (True, False, False, True)

    with pytest.raises(StoreError, match="address of the primary"):
        await PostgresTokenStore(replica, "bot", table=table).probe()


async def test_what_is_wrong_shows_no_password(postgres: Postgres, table: str) -> None:
    """Law G1: an error of the client's may show the address."""
    address = postgres.address.replace("@", ":canary-password@").replace(str(postgres.port), "1")
    store = PostgresTokenStore(address, "bot", table=table)
    with pytest.raises(StoreError) as caught:
        await store.load()
    assert "canary" not in f"{caught.value!r} {store!r} {caught.value.__cause__!r}"


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("postgresql://bot:canary@127.0.0.1:1/app", " at 127.0.0.1:1;"),
        ("postgresql://bot:ca/nary@127.0.0.1:1/app", "cannot be reached;"),
        ("postgresql://bot:1/canary@127.0.0.1/app", "cannot be reached;"),
        ("postgresql://bot:p@canary@127.0.0.1:1/app", "cannot be reached;"),
    ],
)
async def test_a_place_is_shown_without_any_part_of_a_password(address: str, place: str) -> None:
    """Law G1: signs that should have been percent-encoded move parts of it into the host, the port or the database."""
    store = PostgresTokenStore(address, "bot")
    with pytest.raises(StoreError, match=place) as caught:
        await store.load()
    assert "nary" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ConnectionRefusedError("canary"), "cannot be reached; see whether the server runs"),
        (OperationalError("failed: server closed the connection canary"), "cannot be reached; see"),
        (OperationalError("failed: ВАЖНО:  canary"), "see whether the database is there and takes this client"),
        (KeyError("canary"), r"cannot be used \(KeyError\); see whether the database is there"),
    ],
)
async def test_whatever_a_client_fails_with_is_explained(error: Exception, says: str) -> None:
    """Law G3: by its code, its kind and known words; the text of a server may hold anything, in any language."""

    async def run(statement: str, parameters: Sequence[object]) -> None:
        raise error

    with pytest.raises(StoreError, match=says) as caught:
        await PostgresTokenStore(run, "bot").load()
    assert "canary" not in str(caught.value)


async def test_a_table_that_is_there_is_not_made_again(postgres: Postgres, table: str) -> None:
    """A role that may make none can call `create_table()` at each start."""
    async with opened(postgres.address, table):
        pass
    store = PostgresTokenStore(f"{postgres.address}?options={quote('-c role=pg_monitor')}", "bot", table=table)
    await store.create_table()
    await told(postgres.address, "DROP TABLE {}", table)
    with pytest.raises(StoreError, match=f"may not make the table {table}"):
        await store.create_table()
    await store.aclose()


async def test_an_error_of_the_store_s_own_passes(table: str) -> None:
    """A function may say itself what is wrong."""

    async def run(statement: str, parameters: Sequence[object]) -> None:
        message = "the pool is closed"
        raise StoreError(message)

    with pytest.raises(StoreError, match="the pool is closed"):
        await PostgresTokenStore(run, "bot", table=table).load()


@pytest.mark.parametrize(
    ("database", "options", "sentence"),
    [
        (5, {}, "takes an address, or a function"),
        (int, {}, "takes an address, or a function"),
        ("no address", {}, "no address of a PostgreSQL database"),
        ("postgresql://host/name", {"table": "A; DROP"}, "a plain name"),
        ("postgresql://host/name", {"table": 5}, "a text that is not empty"),
        ("postgresql://host/name", {"name": ""}, "a text that is not empty"),
    ],
)
def test_what_cannot_be_is_refused_at_once(database: Any, options: dict[str, Any], sentence: str) -> None:
    """Raises `ConfigurationError`, with what to pass."""
    with pytest.raises(ConfigurationError, match=sentence):
        PostgresTokenStore(database, **{"name": "bot", **options})


def test_without_psycopg_an_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the extra."""
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(ConfigurationError, match=r"aio-token\[postgres\]"):
        PostgresTokenStore("postgresql://host/name", "bot")


async def test_it_may_lose_where_it_is_told(postgres: Postgres) -> None:
    """Law F9: a database by itself loses nothing; a pair that lags may."""
    kept, lagging = (PostgresTokenStore(postgres.address, "bot", may_lose=may) for may in (False, True))
    assert (kept.may_lose, lagging.may_lose) == (False, True)


async def test_a_statement_that_lost_a_race_is_run_again(postgres: Postgres, table: str) -> None:
    """Law J1: under REPEATABLE READ, a role's or a database's default, the heartbeat of a lease and a save of the same
    holder meet on one row, and PostgreSQL rolls one of them back.
    """
    settings = {"default_transaction_isolation": "repeatable read", "application_name": table}
    async with asyncpg.create_pool(
        postgres.address, min_size=1, max_size=4, statement_cache_size=0, server_settings=settings
    ) as pool:

        async def run(statement: str, parameters: Sequence[object]) -> Sequence[Any] | None:
            row: Sequence[Any] | None = await pool.fetchrow(statement, *parameters)
            return row

        async with (
            opened(run, table) as store,
            store.exclusive() as slot,
            await AsyncConnection.connect(postgres.address) as other,
        ):
            await slot.save(sample(1))
            await other.execute(SQL("UPDATE {} SET leased_until = leased_until").format(Identifier(table)))
            saving = asyncio.create_task(slot.save(sample(2)))
            waits = SQL("SELECT 1 FROM pg_stat_activity WHERE application_name = {} AND wait_event_type = 'Lock'")
            async with (
                await AsyncConnection.connect(postgres.address, autocommit=True) as onlooker,
                asyncio.timeout(30),
            ):
                while not await (await onlooker.execute(waits.format(table))).fetchone():  # noqa: ASYNC110  no one is told
                    await asyncio.sleep(0.01)
            await other.commit()
            await saving
            assert await store.load() == sample(2)


async def test_a_race_that_is_lost_for_ever_is_an_error(table: str) -> None:
    """Law J1: after a few tries, with what to do; another error is not tried again."""
    asked = []

    class Lost(Exception):
        sqlstate = "40001"

    async def lose(statement: str, parameters: Sequence[object]) -> None:
        asked.append(statement)
        raise Lost

    with pytest.raises(StoreError, match=r"\(Lost 40001\); others write too much at once; try later"):
        await PostgresTokenStore(lose, "bot", table=table).load()
    assert len(asked) == 4
    Lost.sqlstate = "55P03"
    with pytest.raises(StoreError, match="another transaction has locked the table"):
        await PostgresTokenStore(lose, "bot", table=table).load()
    assert len(asked) == 5


@pytest.mark.parametrize(
    "copied",
    [
        "UPDATE {} SET owner = 'gone', leased_until = NULL",
        "UPDATE {} SET owner = 'gone', leased_until = clock_timestamp() + interval '1 hour'",
    ],
)
async def test_a_lease_that_no_one_can_have_is_none(postgres: Postgres, table: str, copied: str) -> None:
    """Law J1: rows were copied from elsewhere, or the server's clock was set back; no host is blocked for an hour."""
    async with opened(postgres.address, table) as store:
        await save(store, sample(1))
        await told(postgres.address, copied, table)
        async with asyncio.timeout(30), store.exclusive() as slot:
            assert await slot.load() == sample(1)
