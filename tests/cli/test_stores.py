"""The stores of programs on servers, as a person looks at them: Redis, its Sentinels, PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import uuid
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from aio_token.cli._encryption_key import KEY_VARIABLE
from aio_token.cli._sentinels import primary_of
from aio_token.cli._store_address import Where
from aio_token.cli._store_check import findings_of
from aio_token.stores import (
    Encrypted,
    EnvironmentKey,
    PostgresTokenStore,
    PostgresTokenStores,
    RedisTokenStore,
    RedisTokenStores,
)
from aio_token.testing import AuthorizationServer
from tests.cli.command_line import profile_of, set_up
from tests.support.daemon import free_port, listens
from tests.support.daemon import running as daemon
from tests.support.redis_server import RedisServer, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from aio_token import Credential, TokenStore
    from aio_token.stores import TokenStores
    from tests.cli.command_line import CommandLine
    from tests.support.postgres import Postgres

KEY = ("--key", f"env:{KEY_VARIABLE}")
PASSWORD = "canary/of?a#password"
UNTIL = 4_000_000_000.0


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Run a server that keeps what it is given."""
    with running(tmp_path_factory.mktemp("redis"), "--appendonly", "yes") as server:
        yield server


@pytest.fixture
def name() -> str:
    """Name what is this test's alone."""
    return uuid.uuid4().hex


@pytest.fixture
def table(name: str) -> str:
    """Name a table of this test alone."""
    return f"test_{name}"


@pytest.fixture
async def server() -> AsyncIterator[AuthorizationServer]:
    """Run the server that the users have signed in to."""
    async with AuthorizationServer(lifetime=600) as server:
        yield server


def good(server: AuthorizationServer) -> Credential:
    """Return what a sign-in left, with a token that lasts."""
    kept = server.credential(client_id="app", scope="read")
    assert kept.token is not None
    return replace(kept, token=replace(kept.token, expires_at=UNTIL))


def codec() -> Encrypted:
    """Encrypt with the key of the person's environment."""
    return Encrypted(EnvironmentKey(KEY_VARIABLE))


async def keep(store: TokenStore, credential: Credential) -> None:
    """Keep it."""
    async with store.exclusive() as slot:
        await slot.save(credential)


@asynccontextmanager
async def in_postgres(address: str, table: str) -> AsyncIterator[PostgresTokenStores]:
    """Open the accounts of a program, whose table is there."""
    stores = PostgresTokenStores(address, table=table, codec=codec())
    await stores.create_table()
    yield stores
    await stores.aclose()


async def two_are_told(aio_token: CommandLine, stores: TokenStores, kept: Credential, *where: str) -> None:
    """Keep two users, and look: both, one, and one who is not there; without the key, none."""
    assert kept.token is not None
    for user in ("ada", "grace"):
        await keep(stores.of(user), kept)
    done = await aio_token("accounts", *where, *KEY)
    assert (done.code, done.err) == (0, "")
    assert sorted(done.out.splitlines()) == [
        f"{user}: valid until 2096-10-02 07:06:40 UTC" for user in ("ada", "grace")
    ]
    done = await aio_token("accounts", *where[:1], "ada", *where[1:], "--json", *KEY)
    (told,) = json.loads(done.out)["accounts"]
    assert (told["account"], told["usable"], told["fingerprint"]) == ("ada", True, kept.token.fingerprint)
    done = await aio_token("accounts", *where[:1], "mallory", *where[1:], *KEY)
    assert (done.code, done.out) == (3, "mallory: not signed in\n")
    done = await aio_token("accounts", *where)
    assert done.code == 5
    assert "--key env:VARIABLE" in done.err


async def test_users_on_redis_are_told_and_signed_out(
    aio_token: CommandLine, redis: RedisServer, name: str, server: AuthorizationServer
) -> None:
    """Law I5: as those in a directory, also while the program runs; its client signs one out at the server."""
    stores = RedisTokenStores(redis.url, prefix=name, codec=codec())
    kept = good(server)
    await two_are_told(aio_token, stores, kept, redis.url, "--prefix", name)
    await set_up("bot", profile_of(server, revocation_endpoint=server.revocation_url))
    signing_out = ("--prefix", name, "--sign-out", *KEY)
    assert (await aio_token("accounts", redis.url, "ada", *signing_out, "--profile", "bot")).code == 0
    assert kept.token is not None
    assert not server.accepts(kept.token.access_token)
    assert [one async for one in stores.names()] == ["grace"]
    assert (await aio_token("accounts", redis.url, "--all", *signing_out, "--local")).code == 0
    assert [one async for one in stores.names()] == []


async def test_users_in_postgresql_are_told(
    aio_token: CommandLine, postgres: Postgres, table: str, server: AuthorizationServer
) -> None:
    """Law I5: in the program's table; a table that is not there is a sentence, and exit code 5."""
    async with in_postgres(postgres.address, table) as stores:
        await two_are_told(aio_token, stores, good(server), postgres.address, "--table", table)
    done = await aio_token("accounts", postgres.address, "--table", "no_such_table")
    assert done.code == 5
    assert re.search(r"the store on PostgreSQL \(table no_such_table\) .* there is no table no_such_table", done.err)


@pytest.mark.parametrize("kind", ["redis", "postgres"])
async def test_a_session_on_a_server_is_told(
    kind: str, aio_token: CommandLine, redis: RedisServer, name: str, request: pytest.FixtureRequest
) -> None:
    """`status STORE SESSION` and its JSON; `--check` says what is to be done, with the exit codes of the table."""
    more: tuple[str, ...] = ()
    async with AuthorizationServer(lifetime=600) as server:
        kept = good(server)
    store: Any = RedisTokenStore(redis.url, name, codec=codec())
    address = redis.url
    if kind == "postgres":
        address, table = request.getfixturevalue("postgres").address, request.getfixturevalue("table")
        store, more = PostgresTokenStore(address, name, table=table, codec=codec()), ("--table", table)
        await store.create_table()

    async def checked() -> tuple[int, str]:
        done = await aio_token("status", address, name, "--check", *KEY, *more)
        assert done.err == ""
        return done.code, done.out.removeprefix(f"{name}: ").rstrip()

    assert await checked() == (3, "not signed in")
    await keep(store, kept)
    assert await checked() == (0, "valid until 2096-10-02 07:06:40 UTC")
    assert kept.token is not None
    ended = replace(kept, token=replace(kept.token, expires_at=1.0))
    await keep(store, ended)
    assert await checked() == (0, "the next use obtains a token")
    await keep(store, replace(ended, token=None, failure="ServerUnavailable", sentence="it answered 503"))
    assert await checked() == (4, "it answered 503")
    await keep(store, kept)
    done = await aio_token("status", address, name, "--json", *KEY, *more)
    (told,) = json.loads(done.out)["sessions"]
    assert (told["session"], told["state"], told["expires_at"]) == (name, "fresh", UNTIL)
    done = await aio_token("status", address, name, "--check", *more)
    assert done.code == 5
    assert done.out.endswith(
        "it is encrypted, and its key was not named; say --key env:VARIABLE, file:PATH or keyring\n"
    )
    if kind == "postgres":
        await store.aclose()


async def test_an_address_with_a_password_comes_from_the_environment(
    aio_token: CommandLine, redis: RedisServer, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Laws G1 and G5: an argument would stand in the list of processes; and no message shows it."""
    user = f"user{name}"
    redis.ask("ACL", "SETUSER", user, "on", f">{PASSWORD}", "~*", "+@all")
    quoted = PASSWORD.replace("/", "%2F").replace("?", "%3F").replace("#", "%23")
    monkeypatch.setenv("BOT_STORE", redis.url.replace("//", f"//{user}:{quoted}@"))
    done = await aio_token("accounts", "env:BOT_STORE", "--prefix", name)
    assert (done.code, done.err) == (0, "No one is signed in there.\n")
    monkeypatch.setenv("BOT_STORE", redis.url.replace("//", f"//{user}:wrong-canary@"))
    done = await aio_token("accounts", "env:BOT_STORE")
    assert done.code == 5
    assert re.search(
        r"the store on Redis \(redis://127.0.0.1:\d+/0, prefix aio_token:accounts\) wants another", done.err
    )
    assert "canary" not in done.err


@pytest.mark.parametrize(
    "address",
    [
        "redis://:canary@localhost",
        "redis://localhost/0?password=canary",
        "redis://can/ary@localhost",
        "redis://[canary",
        "rediss+sentinel://u:canary@localhost/main",
        "postgresql://u:canary@localhost/db",
        "postgresql://localhost/db?sslpassword=canary",
    ],
)
async def test_a_password_among_the_arguments_is_refused(aio_token: CommandLine, address: str) -> None:
    """Law G5: before anything is asked; with what to do instead."""
    for command in (("accounts", address), ("status", address, "bot"), ("doctor", address)):
        done = await aio_token(*command)
        assert done.code == 2
        assert "say env:VARIABLE" in done.err
        assert "canary" not in done.err


@pytest.mark.parametrize(
    ("held", "says"),
    [
        ("redis://:can/ary@localhost/0", "the signs of a password percent-encoded"),
        ("redis://[canary", "cannot be read"),
        ("redis+sentinel://u:canary@local host/main", "it is like redis+sentinel://"),
        ("redis+sentinel://u:canary@localhost", "it is like redis+sentinel://"),
        ("postgresql://u:canary@localhost:x y/db?canary", "no address of a PostgreSQL database"),
        ("mysql://u:canary@localhost/db", "the address of a store begins with redis://"),
        ("", "BOT_STORE is not set"),
    ],
)
async def test_an_address_that_cannot_be_read_is_not_shown(
    held: str, says: str, aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law G1: whatever is wrong with it."""
    monkeypatch.setenv("BOT_STORE", held)
    done = await aio_token("status", "env:BOT_STORE", "bot")
    assert done.code in {1, 2}
    assert says in done.err
    assert "canary" not in done.err
    assert "ary@" not in done.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("status", "redis://localhost"), "say which SESSION"),
        (("status", "default", "bot"), "default is no store"),
        (("doctor", "default", "bot"), "default is no store"),
        (("status", "--key", "keyring"), "what opens a store was given, but no store"),
        (("doctor", "redis://localhost", "bot", "--prefix", "p"), "--prefix is for the users"),
        (("status", "redis://localhost", "bot", "--table", "t"), "--table is for a store on PostgreSQL"),
        (("accounts", "somewhere", "--prefix", "p"), "--prefix is for a store on Redis"),
        (("status", "env:PLACE", "bot"), "a directory keeps the users of a program"),
    ],
)
async def test_what_does_not_fit_is_usage(
    arguments: tuple[str, ...], says: str, aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 2, and no store is asked."""
    monkeypatch.setenv("PLACE", "somewhere")
    done = await aio_token(*arguments)
    assert done.code == 2
    assert says in re.sub(r"\s+", " ", done.err)


@pytest.mark.parametrize(
    ("address", "module", "extra"),
    [("redis://localhost", "redis", "redis"), ("postgresql://u@h/d", "psycopg", "postgres")],
)
async def test_a_missing_package_is_named(
    address: str, module: str, extra: str, aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One command installs it."""
    monkeypatch.setitem(sys.modules, module, None)
    for command in (("accounts", address), ("status", address, "bot")):
        done = await aio_token(*command)
        assert done.code == 1
        assert f"pip install 'aio-token[cli,{extra}]'" in done.err


async def test_a_server_that_is_away_is_exit_code_5(aio_token: CommandLine, tmp_path: Path) -> None:
    """For one user as for all: what is not known is not told as `not signed in`."""
    address = f"unix://{tmp_path}/no-such-socket"
    for arguments in ((), ("ada",)):
        done = await aio_token("accounts", address, *arguments)
        assert done.code == 5
        assert re.search(r"the store on Redis \(unix://.*\) cannot be reached", done.out + done.err)
    (told,) = json.loads((await aio_token("accounts", address, "ada", "--json")).out)["accounts"]
    assert told["state"] == "unknown"
    assert told["problem"].startswith("the store on Redis (unix://")


async def test_the_doctor_tries_a_store(
    aio_token: CommandLine, redis: RedisServer, name: str, server: AuthorizationServer
) -> None:
    """Law F12: the store of a session, and that of many accounts; nothing is left behind."""
    done = await aio_token("doctor", redis.url, name)
    assert done.code == 0
    assert re.search(rf"ok   *store  *the store on Redis \(.*, {name}\) keeps sessions, in clear\n", done.out)
    await keep(RedisTokenStore(redis.url, name, codec=codec()), good(server))
    done = await aio_token("doctor", redis.url, name, *KEY)
    assert done.out.endswith("ok    token     valid until 2096-10-02 07:06:40 UTC\n")
    done = await aio_token("doctor", redis.url, name)
    assert done.code == 5
    assert "fail  key" in done.out
    before = redis.ask("DBSIZE")
    done = await aio_token("doctor", redis.url, "--prefix", name)
    assert (done.code, done.err) == (0, "")
    assert redis.ask("DBSIZE") == before


async def test_the_doctor_says_what_would_cost_a_session(aio_token: CommandLine, tmp_path: Path, name: str) -> None:
    """A server that keeps nothing on a disk, and a lease that another host does not give back."""
    with running(tmp_path, "--save", "") as forgetful:
        done = await aio_token("doctor", forgetful.url)
        assert done.code == 5
        assert "its next start ends all sessions; set its appendonly to yes\n" in done.out
        async with RedisTokenStore(forgetful.url, name).exclusive():
            where = Where(forgetful.url, key=None, prefix=None, table=None)
            tried = [finding async for finding in findings_of(where, name, patience=0.2)]
    assert (tried[0].subject, tried[0].exit) == ("lease", 5)


@contextmanager
def sentinel(folder: Path, primary: RedisServer) -> Iterator[int]:
    """Run a Sentinel that watches the primary as `main`; give its port."""
    port = free_port()
    configured = folder / "sentinel.conf"
    configured.write_text(f"port {port}\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 {primary.port} 1\n")
    with daemon([primary.binary, str(configured), "--sentinel"], lambda: listens(port), folder / "sentinel.log"):
        yield port


async def test_the_primary_of_sentinels_is_found(aio_token: CommandLine, tmp_path: Path, name: str) -> None:
    """An address that names two Sentinels, one of which is away; the connections to both are closed as well."""
    (tmp_path / "watched").mkdir()
    with (
        running(tmp_path / "watched", "--appendonly", "yes") as primary,
        sentinel(tmp_path, primary) as port,
    ):
        address = f"redis+sentinel://127.0.0.1:{free_port()},127.0.0.1:{port}/main/0"
        done = await aio_token("doctor", address, name)
        assert (done.code, done.err) == (0, ""), done.out
        done = await aio_token("status", address.replace("main", "other"), name, "--check")
        assert done.code == 5
        assert "has no primary that its Sentinels know" in done.out


def test_an_address_of_sentinels_is_read() -> None:
    """User, password and TLS are the server's; a port that is not said is the Sentinels' own."""
    client = primary_of("rediss+sentinel://bot:can%2Fary@[::1],b.example:1/main/3")()
    options = client._client.connection_pool.connection_kwargs
    assert (options["username"], options["password"], options["db"]) == ("bot", "can/ary", 3)
    places = [one.connection_pool.connection_kwargs for one in client._sentinel.sentinels]
    assert [(place["host"], place["port"]) for place in places] == [("::1", 26_379), ("b.example", 1)]
    asyncio.run(client.aclose())
