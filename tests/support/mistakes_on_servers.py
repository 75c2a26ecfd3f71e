"""Mistakes with stores on servers, each made on a real Redis or PostgreSQL."""

from __future__ import annotations

import socket
import sys
import time
from contextlib import aclosing
from unittest.mock import patch

from aio_token import ClientSecretBasic, Limits, RefreshTokenGrant, TokenRepository
from aio_token.stores import PostgresTokenStore, RedisTokenStore
from aio_token.testing._laws import sample
from tests.support.daemon import free_port
from tests.support.mistakes import Deed, Mistake, Place
from tests.support.postgres import BY_PASSWORD, SHUT_OUT, told
from tests.support.redis_server import running

WRONG = "canary-password"
"""A password that no message may show."""

_KEY = "aio_token:{bot}"
_LEASE = 0.5  # seconds


def _on_redis(*commands: tuple[str, ...], options: tuple[str, ...] = (), user: str = "", path: str = "/0") -> Deed:
    """Get a token with a session on a server that was set up so, and see beforehand whether it would be kept."""

    async def deed(place: Place) -> None:
        with running(place.folder, *options) as server:
            for command in commands:
                server.ask(*command)
            store = RedisTokenStore(f"redis://{user}127.0.0.1:{server.port}{path}", "bot")
            await _kept_at(place, store).token()
            await store.probe()

    return deed


def _on_postgres(
    *statements: str, table: str, user: str = "aio_token", database: str = "postgres", makes: bool = False
) -> Deed:
    """Get a token with a session in a table, or make the table, after an administrator has run the statements."""

    async def deed(place: Place) -> object:
        for statement in statements:
            await told(place.database, statement, table)
        address = place.database.replace("aio_token@", f"{user}@").replace("/postgres", f"/{database}")
        async with aclosing(PostgresTokenStore(address, "bot", table=table)) as store:
            return await (store.create_table() if makes else _kept_at(place, store).token())

    return deed


def _kept_at(place: Place, store: RedisTokenStore | PostgresTokenStore) -> TokenRepository:
    return TokenRepository(RefreshTokenGrant(place.endpoint(), first=place.server.sign_in()), store)


async def _no_redis(place: Place) -> object:
    return await _kept_at(place, RedisTokenStore(f"redis://127.0.0.1:{free_port()}/0", "bot")).token()


async def _no_postgres(place: Place) -> object:
    store = PostgresTokenStore(f"postgresql://bot:{WRONG}@127.0.0.1:{free_port()}/app", "bot")
    return await _kept_at(place, store).token()


async def _crowded(place: Place) -> object:
    with running(place.folder) as server, socket.create_connection(("127.0.0.1", server.port)) as only:
        only.sendall(b"PING\r\n")
        assert only.recv(64)
        server.ask("CONFIG", "SET", "maxclients", "1")
        return await _kept_at(place, RedisTokenStore(server.url, "bot")).token()


async def _something_else(place: Place) -> object:
    return await _kept_at(place, RedisTokenStore(place.server.url.replace("http:", "redis:"), "bot")).token()


async def _silent_redis(place: Place) -> object:
    with running(place.folder) as server, server.stopped():
        return await _kept_at(place, RedisTokenStore(server.url, "bot")).token()


async def _no_redis_package(place: Place) -> object:
    with patch.dict(sys.modules, {"redis.asyncio": None}):
        return await _kept_at(place, RedisTokenStore("redis://127.0.0.1/0", "bot")).token()


async def _no_psycopg(_: Place) -> object:
    with patch.dict(sys.modules, {"psycopg": None}):
        return PostgresTokenStore("postgresql://db.example/app", "bot")


async def _locked(place: Place) -> object:
    with running(place.folder) as server:
        store = RedisTokenStore(server.url, "bot")
        async with store.exclusive():
            return await _impatient(place, RedisTokenStore(server.url, "bot")).token()


def _impatient(place: Place, store: RedisTokenStore) -> TokenRepository:
    grant = RefreshTokenGrant(place.endpoint(), first=place.server.sign_in())
    return TokenRepository(grant, store, limits=Limits(lock=0.2))


async def _stands_still(place: Place) -> object:
    known = place.server.client

    def secret() -> str:
        time.sleep(2 * _LEASE)  # as a process does that is stopped: the event loop stands still
        return known.secret or ""

    with running(place.folder) as server:
        endpoint = place.endpoint(client=ClientSecretBasic(known.client_id, secret))
        grant = RefreshTokenGrant(endpoint, first=place.server.sign_in())
        return await TokenRepository(grant, RedisTokenStore(server.url, "bot", lease=_LEASE)).token()


async def _superseded(place: Place) -> None:
    with running(place.folder) as server:
        store, other = (RedisTokenStore(server.url, "bot") for _ in range(2))
        async with store.exclusive() as slot:
            server.ask("DEL", f"{_KEY}:lease")
            async with other.exclusive() as faster:
                await faster.save(sample(1))
            await slot.save(sample(2))


def _user(name: str, *rights: str) -> tuple[str, ...]:
    return ("ACL", "SETUSER", name, "on", f">{WRONG}", *rights)


_FULL = (
    "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
    "'BEGIN RAISE EXCEPTION USING ERRCODE = ''disk_full''; END'"
)
_COLUMNS = "name text, content bytea, version text, owner text, leased_until timestamptz, damaged bytea"
_MADE = PostgresTokenStore("postgresql://", "bot", table="made").schema.replace("made", "{}")

ON_SERVERS = (
    # Redis
    Mistake("no Redis", _no_redis, "cannot be reached", "see whether the server runs"),
    Mistake("a Redis that stands still", _silent_redis, "did not answer in time", "see whether it is overloaded"),
    Mistake(
        "no Redis at all", _something_else, "does not answer as a Redis server does", "whether the address is right"
    ),
    Mistake(
        "no password for Redis",
        _on_redis(("CONFIG", "SET", "requirepass", "right")),
        "wants another user or password",
        "give them in the URL",
    ),
    Mistake(
        "a wrong password for Redis",
        _on_redis(("CONFIG", "SET", "requirepass", "right"), user=f":{WRONG}@"),
        "wants another user or password",
        "give them in the URL",
    ),
    Mistake(
        "a user without rights",
        _on_redis(_user("bot", "~other:*", "+@all"), user=f"bot:{WRONG}@"),
        "lets this user do too little",
        "run: ACL SETUSER",
    ),
    Mistake(
        "a user who may not write",
        _on_redis(_user("bot", "~*", "+@all", "-hset"), user=f"bot:{WRONG}@"),
        "lets this user do too little",
        "run: ACL SETUSER",
    ),
    Mistake("a database that there is not", _on_redis(path="/99"), "has no database of this number", "in the URL"),
    Mistake("a full Redis", _on_redis(options=("--maxmemory", "1")), "is full; raise its maxmemory", "maxmemory"),
    Mistake(
        "a replica",
        _on_redis(("REPLICAOF", "127.0.0.1", "1")),
        "is a replica, which takes no writes",
        "name the primary",
    ),
    Mistake(
        "a replica that lost its primary",
        _on_redis(("CONFIG", "SET", "replica-serve-stale-data", "no"), ("REPLICAOF", "127.0.0.1", "1")),
        "is a replica that has lost its primary",
        "see to the primary",
    ),
    Mistake(
        "a primary without its replicas",
        _on_redis(("CONFIG", "SET", "min-replicas-to-write", "1")),
        "has too few replicas at hand",
        "see to them",
    ),
    Mistake("too many clients", _crowded, "takes no more connections", "maxclients"),
    Mistake("no scripts", _on_redis(options=("--rename-command", "EVAL", "")), "does not know EVAL", "renamed"),
    Mistake(
        "another program's key",
        _on_redis(("SET", _KEY, "theirs")),
        "holds something of another program under the key of this name",
        "give the store another name",
    ),
    Mistake(
        "a Redis that throws away",
        _on_redis(options=("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")),
        "throws away what it keeps when its memory is full",
        "maxmemory-policy to noeviction",
    ),
    Mistake(
        "a Redis without a disk",
        _on_redis(options=("--save", "")),
        "keeps nothing on a disk",
        "set its appendonly to yes",
    ),
    Mistake("no package for Redis", _no_redis_package, "needs the package redis", "pip install 'aio-token[redis]'"),
    # the lease
    Mistake("a lease that another host has", _locked, "has been locked by another process for", "try later"),
    Mistake("a process that stood still", _stands_still, "the hold on the store had lapsed", "try again"),
    Mistake("a lease that was lost", _superseded, "another host has written", "read it again"),
    # PostgreSQL
    Mistake("no PostgreSQL", _no_postgres, "cannot be reached", "see whether the server runs"),
    Mistake("no psycopg", _no_psycopg, "an address of a database needs psycopg", "pip install 'aio-token[postgres]'"),
    Mistake(
        "no password for PostgreSQL",
        _on_postgres(f"CREATE ROLE {BY_PASSWORD} LOGIN PASSWORD 'right'", table="one", user=BY_PASSWORD),
        "the server wants another user or password",
        "give them in the address",
    ),
    Mistake(
        "a wrong password for PostgreSQL",
        _on_postgres(table="one", user=f"{BY_PASSWORD}:{WRONG}"),
        "the server wants another user or password",
        "give them in the address",
    ),
    Mistake(
        "a role that pg_hba.conf refuses",
        _on_postgres(f"CREATE ROLE {SHUT_OUT} LOGIN", table="one", user=SHUT_OUT),
        "the server does not let this role in from here",
        "pg_hba.conf",
    ),
    Mistake(
        "a role that there is not",
        _on_postgres(table="one", user="stranger"),
        "the server does not let this role in from here",
        "see whether it has the role",
    ),
    Mistake(
        "a database that there is not in PostgreSQL",
        _on_postgres(table="one", database="nothing"),
        "there is no such database",
        "check the address",
    ),
    Mistake(
        "TLS that is not there",
        _on_postgres(table="one", database="postgres?sslmode=require"),
        "TLS is wanted, and not spoken there",
        "leave sslmode out",
    ),
    Mistake(
        "too many connections",
        _on_postgres("CREATE ROLE crowd LOGIN CONNECTION LIMIT 0", table="one", user="crowd"),
        "the server takes no more connections",
        "try later",
    ),
    Mistake("no table", _on_postgres(table="none"), "there is no table none", "create_table()"),
    Mistake("no schema", _on_postgres(table="none.none", makes=True), "there is no schema none", "CREATE SCHEMA none"),
    Mistake(
        "a table that may not be made",
        _on_postgres("CREATE ROLE maker LOGIN", table="none", user="maker", makes=True),
        "this role may not make the table none",
        "have an administrator run the statement in `schema`",
    ),
    Mistake(
        "a table that may not be used",
        _on_postgres(_MADE, "CREATE ROLE reader LOGIN", table="others", user="reader"),
        "this role may not use the table",
        "GRANT SELECT, INSERT, UPDATE ON others",
    ),
    Mistake(
        "a table in a schema that may not be used",
        _on_postgres(
            "CREATE SCHEMA hidden",
            _MADE.replace("{}", "hidden.tokens"),
            "CREATE ROLE outsider LOGIN",
            table="hidden.tokens",
            user="outsider",
        ),
        "this role may not use the table",
        "GRANT USAGE ON SCHEMA hidden",
    ),
    Mistake("a reserved word", _on_postgres(table="order"), "order is a word of SQL's own", "give another name"),
    Mistake(
        "an old table, or another program's",
        _on_postgres("CREATE TABLE {} (name text PRIMARY KEY)", table="theirs"),
        "the table theirs lacks a column",
        "give another name as table=",
    ),
    Mistake(
        "a table without its key",
        _on_postgres(f"CREATE TABLE {{}} ({_COLUMNS})", table="keyless"),
        "the table keyless is another program's",
        "give another name as table=",
    ),
    Mistake(
        "a server that takes no writes",
        _on_postgres(_MADE, table="standby", database="postgres?options=-c%20default_transaction_read_only%3Don"),
        "this server takes no writes",
        "give the address of the primary",
    ),
    Mistake(
        "a full disk",
        _on_postgres(
            _MADE, _FULL, "CREATE TRIGGER full_disk BEFORE INSERT ON {} EXECUTE FUNCTION full_disk()", table="brim"
        ),
        "the server's disk is full",
        "make room there",
    ),
)
