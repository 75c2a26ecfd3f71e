"""The store on a Redis server, run over a real one."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import InvalidResponse, ResponseError

from aio_token import (
    ConfigurationError,
    Credential,
    PublicClient,
    RefreshTokenGrant,
    StoreError,
    Token,
    TokenEndpoint,
    TokenRepository,
)
from aio_token.stores import Encrypted, Key, KeyUnavailable, RedisTokenStore
from aio_token.stores._leases import LeasedTokenStore, Record
from aio_token.stores._redis_commands import Commands
from aio_token.stores.codec import NOTHING
from aio_token.testing import AuthorizationServer
from aio_token.testing.store_laws import StoreLaws
from tests.support.redis_server import RedisServer, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aio_token._interfaces import Slot, TokenStore


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Run a server that keeps what it is given."""
    with running(tmp_path_factory.mktemp("redis"), "--appendonly", "yes") as server:
        yield server


class TestRedisTokenStore(StoreLaws):
    """The store keeps the laws of stores."""

    token_size = 65_536

    @pytest.fixture(autouse=True)
    def _storage(self, server: RedisServer) -> None:
        self._server, self._name = server, uuid.uuid4().hex

    def make(self) -> TokenStore:
        """Open the test's record."""
        return RedisTokenStore(self._server.url, self._name)

    async def lapse(self, slot: Slot) -> None:
        """Let the lease pass."""
        self._server.ask("DEL", f"aio_token:{{{self._name}}}:lease")


class TestEncryptedRedisTokenStore(TestRedisTokenStore):
    """What is encrypted keeps them, too."""

    def make(self) -> TokenStore:
        """Open the test's record."""
        return RedisTokenStore(self._server.url, self._name, codec=Encrypted(Fixed()))


class Fixed:
    """A source of one key."""

    def key(self, salt: bytes) -> Key:
        """Return it."""
        return Key(bytes(range(32)))


class Ahead:
    """The clock of a host that is ahead of others."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def time(self) -> float:
        """Return POSIX seconds."""
        return time.time() + self.seconds

    def monotonic(self) -> float:
        """Return seconds."""
        return time.monotonic()


KEPT = Credential(
    token=Token(access_token="canary-access", expires_at=1_800_000_000.25),
    obtained_at=1_799_999_000.5,
    refresh_token="canary-refresh",
    refresh_expires_at=1_900_000_000.0,
    spending_since=1_799_999_500.125,
    generation=7,
)


@pytest.fixture
def name() -> str:
    """Return a name that no other test has."""
    return uuid.uuid4().hex


def record(name: str) -> str:
    """Return the key of a record."""
    return f"aio_token:{{{name}}}"


async def save(store: RedisTokenStore, credential: Credential = KEPT) -> None:
    """Save under the lease."""
    async with store.exclusive() as slot:
        await slot.save(credential)


async def test_times_are_those_of_the_server(server: RedisServer, name: str) -> None:
    """Law J5: what a host writes whose clock is two minutes ahead, another one reads by its own clock."""
    ahead, behind = (RedisTokenStore(server.url, name, clock=Ahead(seconds)) for seconds in (120.0, -120.0))
    await save(ahead)
    assert await ahead.load() is KEPT
    there = await behind.load()
    assert there is not None
    assert there.token is not None
    assert there.token.expires_at == pytest.approx(1_800_000_000.25 - 240, abs=0.5)
    assert there.spending_since == pytest.approx(1_799_999_500.125 - 240, abs=0.5)
    assert await behind.load() is there
    back = await RedisTokenStore(server.url, name, clock=Ahead(120.0)).load()
    assert back is not None
    assert back.token is not None
    assert back.token.expires_at == pytest.approx(1_800_000_000.25, abs=0.5)


async def test_clocks_that_agree_leave_times_as_they_are(server: RedisServer, name: str) -> None:
    """Law J5: what the way to the server and back explains is no difference."""
    await save(RedisTokenStore(server.url, name))
    assert await RedisTokenStore(server.url, name).load() == KEPT


async def test_hosts_whose_clocks_differ_renew_as_often_as_one(server: RedisServer, name: str) -> None:
    """Laws J5 and J6: four hosts at 0, 0, +120 and -120 s share each token."""
    async with AuthorizationServer(lifetime=600) as issuer:
        await save(RedisTokenStore(server.url, name), replace(issuer.credential(client_id="app"), token=None))
        hosts = []
        for seconds in (0.0, 0.0, 120.0, -120.0):
            clock = Ahead(seconds)
            grant = RefreshTokenGrant(TokenEndpoint(issuer.token_url, PublicClient("app"), clock=clock))
            store = RedisTokenStore(server.url, name, clock=clock)
            hosts.append(TokenRepository(grant, store, clock=clock, observer=None))
        tokens = {(await host.token()).access_token for host in hosts for _ in range(3)}
        assert len(tokens) == 1
        assert (issuer.refreshes, issuer.reused) == (1, 0)


async def test_a_record_of_another_name_is_refused(server: RedisServer, name: str) -> None:
    """Law F7: who can write to the server, but has no key, cannot exchange two records."""
    store, other = (RedisTokenStore(server.url, each, codec=Encrypted(Fixed())) for each in (name, f"{name}-other"))
    await save(store)
    assert "canary" not in repr(server.ask("HGETALL", record(name)))
    server.ask("COPY", record(name), record(f"{name}-other"))
    with pytest.raises(StoreError, match="encrypted for another store"):
        await other.load()
    with pytest.raises(KeyUnavailable):
        await RedisTokenStore(server.url, name).load()


async def test_what_is_damaged_is_nothing_with_a_warning(
    server: RedisServer, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Law F3: the next save replaces it."""
    store = RedisTokenStore(server.url, name)
    for damage in ("canary {", "x" * 1_048_577):
        server.ask("HSET", record(name), "record", damage, "version", "v")
        assert await store.load() is None
    assert caplog.text.count("is damaged") == 2
    assert "canary" not in caplog.text
    server.ask("HSET", record(name), "record", "damage {", "version", "v")
    for _ in range(2):
        await store.probe()
        assert server.ask("HGET", record(name), "damaged") == b"$8\r\ndamage {\r\n"
    await save(store)
    assert await store.load() == KEPT
    assert server.ask("HGET", record(name), "damaged") == b"$8\r\ndamage {\r\n"
    async with store.exclusive() as slot:
        await slot.delete()  # which leaves a tombstone, and no secret
    assert server.ask("HKEYS", record(name)).count(b"$") == 2


async def test_what_is_too_large_is_not_written(server: RedisServer, name: str) -> None:
    """Law F3: it could not be read again."""
    store = RedisTokenStore(server.url, name)
    with pytest.raises(StoreError, match="larger than 1048576 bytes"):
        await save(store, Credential(refresh_token="x" * 1_048_576))
    assert await store.load() is None


async def test_a_tombstone_ends_on_the_server(server: RedisServer, name: str) -> None:
    """Law F9: until the refresh token would have ended it is there, and what is saved over it stays."""
    store = RedisTokenStore(server.url, name)
    async with store.exclusive() as slot:
        await slot.delete()
        assert await slot.load() is None
        ends = time.time() + 0.2
        await slot.save(Credential(spent=("f1f1f1f1",), removed_until=ends))
        assert int(server.ask("PTTL", record(name))[1:]) > 0
        await asyncio.sleep(max(0.0, ends - time.time()) + 0.01)
        assert await slot.load() is None
        await slot.save(KEPT)
    assert int(server.ask("PTTL", record(name))[1:]) == -1


async def test_a_lease_is_prolonged_while_its_holder_lives(server: RedisServer, name: str) -> None:
    """Law J1: a holder keeps the store for longer than one lease, and another waits."""
    store, other = (RedisTokenStore(server.url, name, lease=1.0) for _ in range(2))
    async with store.exclusive() as slot:
        assert 0.0 < (slot.lasts or 0.0) <= 1.0
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.5), other.exclusive():
                raise AssertionError
        assert (slot.lasts or 0.0) > 0.0
    async with asyncio.timeout(30), other.exclusive():
        pass


async def test_a_lease_that_was_lost_is_known_to_be(server: RedisServer, name: str) -> None:
    """Law J2: the heartbeat finds it with another owner; what is left is no second."""
    store = RedisTokenStore(server.url, name, lease=0.6)
    async with store.exclusive() as slot:
        server.ask("SET", f"{record(name)}:lease", "another")
        async with asyncio.timeout(30):
            while slot.lasts:  # noqa: ASYNC110  it tells of no event
                await asyncio.sleep(0.02)
        await slot.save(KEPT)  # which compares
    assert b"another" in server.ask("GET", f"{record(name)}:lease")


async def test_a_lease_lasts_as_granted_while_the_server_is_away(tmp_path: Path) -> None:
    """Laws J2 and F10: no heartbeat arrives; the hold ends by its own clock, and its end hangs nobody."""
    with running(tmp_path) as server:
        store = RedisTokenStore(server.url, "bot", lease=1.0)
        began = time.monotonic()
        async with store.exclusive() as slot:
            with server.stopped():
                async with asyncio.timeout(30):
                    while slot.lasts:  # noqa: ASYNC110  it tells of no event
                        await asyncio.sleep(0.02)
                with pytest.raises(StoreError, match="did not answer in time"):
                    await slot.save(KEPT)
                began = time.monotonic()
                server.kill()
        assert time.monotonic() - began < 30


async def test_an_answer_that_was_lost_may_be_asked_for_again(server: RedisServer, name: str) -> None:
    """Law J1: a client repeats a command whose answer did not come; what was written is not taken for another's."""
    async with Redis.from_url(server.url) as client:
        commands = Commands(RedisTokenStore(server.url, name), record(name), client)
        assert await commands.enter("me", 5.0) is not None
        assert await commands.enter("me", 5.0) is not None
        assert await commands.enter("you", 5.0) is None
        for _ in range(2):
            assert await commands.write(b"one", over="", version="v1", lasts=None)
        assert not await commands.write(b"two", over="", version="v2", lasts=None)
        assert not await commands.write(b"two", over="v0", version="v2", lasts=None)
        server.ask("DEL", record(name))
        assert await commands.write(b"two", over="v1", version="v2", lasts=None)


async def test_a_client_of_ones_own(server: RedisServer, name: str) -> None:
    """Law J6: a client serves its loop, a function or a URL serves any; one that decodes is refused."""
    async with Redis.from_url(server.url) as client:
        mine = RedisTokenStore(client, name)
        await save(mine)
        assert await mine.load() is KEPT

        def elsewhere() -> None:
            with pytest.raises(ConfigurationError, match="another event loop"):
                asyncio.run(mine.load())
            made = RedisTokenStore(lambda: Redis.from_url(server.url), name)
            assert asyncio.run(made.load()) == KEPT

        await asyncio.to_thread(elsewhere)
        assert repr(mine) == f"RedisTokenStore({name!r})"
    async with Redis.from_url(server.url, decode_responses=True) as client:
        with pytest.raises(ConfigurationError, match="decode_responses"):
            await RedisTokenStore(client, name).load()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((5, "bot"), "takes a URL"),
        ((Redis, "bot"), "takes a URL"),
        (("localhost", "bot"), "begins with redis://"),
        (("redis://localhost", ""), "name takes a text"),
    ],
)
def test_what_cannot_work_is_said_at_once(arguments: tuple[Any, Any], says: str) -> None:
    """Arguments are judged when the store is made."""
    with pytest.raises(ConfigurationError, match=says):
        RedisTokenStore(*arguments)


def test_a_lease_is_a_number_of_seconds_and_a_codec_is_one() -> None:
    """Arguments are judged when the store is made."""
    with pytest.raises(ConfigurationError, match="lease= is a number of seconds"):
        RedisTokenStore("redis://localhost", "bot", lease=0.0)
    with pytest.raises(ConfigurationError, match="at most 600"):
        RedisTokenStore("redis://localhost", "bot", lease=601)
    with pytest.raises(ConfigurationError, match="codec= takes a codec"):
        RedisTokenStore("redis://localhost", "bot", codec=object())  # type: ignore[arg-type]


def test_its_repr_shows_no_password() -> None:
    """Law G1: errors name a store by its repr."""
    store = RedisTokenStore("rediss://user:canary@cache.example:6380/2?password=canary", "bot")
    assert repr(store) == "RedisTokenStore('rediss://cache.example:6380/2', 'bot')"
    assert store.may_lose


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://can:ary@host:1/2?db=3", "redis://host:1/2"),
        ("redis://can@ary@host", "redis://host"),
        ("redis://[::1]:1/2", "redis://[::1]:1/2"),
        ("redis://my_redis", "redis://my_redis"),
        ("unix://can:ary@/run/redis.sock?db=1", "unix:///run/redis.sock"),
        ("redis://can?ary@host/0", "redis://..."),
        ("redis://host/0?password=can@ary", "redis://..."),
        ("unix:///run/redis.sock?password=can@ary", "unix://..."),
    ],
)
def test_its_repr_shows_no_part_of_a_password(url: str, shown: str) -> None:
    """Law G1: also of one whose signs are not encoded; where it may end is not guessed."""
    assert repr(RedisTokenStore(url, "bot")) == f"RedisTokenStore({shown!r}, 'bot')"


@pytest.mark.parametrize(
    "url", ["redis://:can/ary@host/0", "redis://:can#ary", "redis://[canary", "unix://can/ary@/run"]
)
def test_a_url_that_cannot_be_read_is_not_shown(url: str) -> None:
    """Law G1: the error says what it is like, and has no other one behind it."""
    with pytest.raises(ConfigurationError, match="percent-encoded") as told:
        RedisTokenStore(url, "bot")
    assert "ary" not in str(told.value)
    assert told.value.__cause__ is told.value.__context__ is None


async def test_a_probe_leaves_things_as_they_are(server: RedisServer, name: str) -> None:
    """Law F12: it saves what is there, or nothing."""
    store = RedisTokenStore(server.url, name)
    await store.probe()
    assert await store.load() is None
    assert server.ask("EXISTS", record(name)) == b":0\r\n"
    await save(store)
    await store.probe()
    assert await RedisTokenStore(server.url, name).load() == KEPT


async def test_what_was_encrypted_with_a_key_that_is_lost_can_be_deleted(server: RedisServer, name: str) -> None:
    """Law F7: a probe tells of a missing key, where something is kept and where nothing is; deleting needs none."""

    class Missing:
        def key(self, salt: bytes) -> Key:
            message = "the key is away"
            raise KeyUnavailable(message)

    store = RedisTokenStore(server.url, name, codec=Encrypted(Missing()))
    with pytest.raises(KeyUnavailable, match="the key is away"):
        await store.probe()
    await save(RedisTokenStore(server.url, name, codec=Encrypted(Fixed())))
    with pytest.raises(KeyUnavailable, match="the key is away"):
        await store.probe()
    async with store.exclusive() as slot:
        await slot.delete()
    assert await store.load() is None


async def test_a_store_says_how_its_server_is_reached() -> None:
    """Whoever derives one names the server; what that holds shows nothing."""
    with pytest.raises(NotImplementedError):
        await LeasedTokenStore("bare", None, shown="bare", lease=1.0).load()
    assert repr(Record(content=b"canary", version="v", now=0.0)) == "<Record 'v'>"


async def test_a_token_without_an_end_is_shifted(server: RedisServer, name: str) -> None:
    """Law J5: its other times are."""
    endless = Credential(token=Token(access_token="a"), obtained_at=1_799_999_000.0)
    await save(RedisTokenStore(server.url, name, clock=Ahead(120.0)), endless)
    kept = await RedisTokenStore(server.url, name).load()
    assert kept is not None
    assert kept.token == endless.token
    assert kept.obtained_at == pytest.approx(1_799_999_000.0 - 120, abs=0.5)


async def test_a_probe_that_was_killed_left_nothing(server: RedisServer, name: str) -> None:
    """Law F12: what it writes says that nothing is there."""
    server.ask("HSET", record(name), "record", bytes(NOTHING).decode(), "version", "v")
    assert await RedisTokenStore(server.url, name).load() is None


async def test_a_probe_tells_of_a_server_that_forgets(tmp_path: Path) -> None:
    """Law F12: one that throws away what it keeps, or keeps nothing on a disk; unless one knows."""
    with running(tmp_path, "--save", "") as server:
        store = RedisTokenStore(server.url, "bot")
        with pytest.raises(StoreError, match=r"keeps nothing on a disk.* set its appendonly to yes"):
            await store.probe()
        server.ask("CONFIG", "SET", "save", "60 1")
        server.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        await store.probe()  # it never runs full
        server.ask("CONFIG", "SET", "maxmemory", "100mb")
        with pytest.raises(StoreError, match=r"throws away .* \(allkeys-lru\)"):
            await store.probe()
        await RedisTokenStore(server.url, "bot", check_server=False).probe()


async def test_a_server_that_does_not_tell_is_believed(tmp_path: Path) -> None:
    """Law F12: services that are rented refuse CONFIG; and one may hide behind a proxy that tells nothing."""
    with running(tmp_path, "--save", "") as server:
        server.ask("ACL", "SETUSER", "bot", "on", ">secret", "~aio_token:*", "+@all", "-config")
        url = server.url.replace("//", "//bot:secret@")
        await RedisTokenStore(url, "bot").probe()

        await RedisTokenStore(lambda: Mute(Redis.from_url(server.url)), "bot").probe()


class Mute:
    """A client that tells nothing of its server."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Answer commands of data."""
        return b"" if args[0] == "INFO" else await self._client.execute_command(*args, **options)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


async def test_what_is_wrong_is_said_in_plain_words(tmp_path: Path) -> None:
    """Law F12 and G3: rights, password, room, a replica, a server that is away; nothing that the server said."""
    with running(tmp_path, "--appendonly", "yes") as server:
        store = RedisTokenStore(server.url, "bot")

        async def said(store: RedisTokenStore) -> str:
            with pytest.raises(StoreError) as caught:
                await store.probe()
            return str(caught.value)

        server.ask("ACL", "SETUSER", "bot", "on", ">secret", "~other:*", "+@all")
        assert "lets this user do too little; run: ACL SETUSER" in await said(
            RedisTokenStore(server.url.replace("//", "//bot:secret@"), "bot")
        )
        wrong = await said(RedisTokenStore(server.url.replace("//", "//bot:canary@"), "bot"))
        assert "wants another user or password" in wrong
        assert "canary" not in wrong
        server.ask("CONFIG", "SET", "maxmemory", "1")
        assert "is full" in await said(store)
        server.ask("CONFIG", "SET", "maxmemory", "0")
        server.ask("REPLICAOF", "127.0.0.1", "1")
        assert "is a replica" in await said(store)
        server.kill()
        assert "cannot be reached" in await said(store)
    with pytest.raises(StoreError, match="cannot be reached"):
        await store.load()


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ModuleNotFoundError("No module named 'redis'"), "needs the package redis; run: pip install 'aio-token"),
        (ConnectionResetError("canary"), "cannot be reached"),
        (KeyError("canary"), r"failed \(KeyError\); see its log, and whether the address is that of a Redis server"),
        (ResponseError("MISCONF canary"), "cannot write its snapshots"),
        (ResponseError("BUSY canary"), "end it with SCRIPT KILL"),
        (ResponseError("DB index is out of range canary"), "has no database of this number"),
        (
            NoConnection("max number of clients reached canary"),
            "takes no more connections; try later, or raise its maxclients",
        ),
        (InvalidResponse("canary"), "does not answer as a Redis server does"),
    ],
)
async def test_whatever_a_client_fails_with_is_explained(error: Exception, says: str) -> None:
    """Law G3: by its kind and one known word; the text of a server may hold anything."""

    def make() -> Redis:
        raise error

    with pytest.raises(StoreError, match=says) as caught:
        await RedisTokenStore(make, "bot").load()
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("key", ["{}", "{}:lease"])
async def test_another_s_key_is_left_alone(server: RedisServer, name: str, key: str) -> None:
    """Law F3: what stands under this name is no session, and is not written over; the error says what to do."""
    key = key.format(record(name))
    server.ask("LPUSH", key, "another program's")
    store = RedisTokenStore(server.url, name)
    with pytest.raises(StoreError, match="holds something of another program under the key of this name"):
        await save(store)
    assert server.ask("LRANGE", key, "0", "-1").endswith(b"another program's\r\n")


@pytest.mark.parametrize("ends", [None, "3600000"])
async def test_a_lease_that_no_one_can_have_is_none(server: RedisServer, name: str, ends: str | None) -> None:
    """Law J1: keys were copied from elsewhere without their ends, or the server's clock was set back; no host is
    blocked for ever. One that was given is respected.
    """
    store = RedisTokenStore(server.url, name)
    await save(store)
    server.ask("SET", f"{record(name)}:lease", "gone", *(["PX", ends] if ends else []))
    async with asyncio.timeout(30), store.exclusive() as slot:
        assert await slot.load() == KEPT
        other = RedisTokenStore(server.url, name)
        async with other._server() as commands:
            assert not await other._slot(commands, "other").enter()


@pytest.mark.parametrize(("member", "value"), [("version", "left"), ("record", "left")])
async def test_half_a_record_is_none_and_is_written_over(
    server: RedisServer, name: str, member: str, value: str
) -> None:
    """Law F3: a person has removed a field by hand; the next sign-in is kept."""
    server.ask("HSET", record(name), member, value)
    store = RedisTokenStore(server.url, name)
    assert await store.load() is None
    await store.probe()
    await save(store)
    assert await store.load() == KEPT
