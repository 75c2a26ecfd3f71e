"""The store of many accounts on a Redis server, run over a real one."""

from __future__ import annotations

import asyncio
import gc
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from redis.asyncio import Redis

from aio_token import (
    Accounts,
    ConfigurationError,
    Credential,
    PublicClient,
    RefreshTokenGrant,
    StoreError,
    TokenEndpoint,
)
from aio_token._clock import SYSTEM_CLOCK
from aio_token.stores import Encrypted, EnvironmentKey, KeyUnavailable, RedisTokenStores, account_key, new_key
from aio_token.stores._leases import LeasedTokenStore
from aio_token.stores._redis_trouble import RIGHTS
from aio_token.stores.many.listed import Listed, ListedOnServer, Page
from aio_token.testing import AuthorizationServer
from aio_token.testing._laws import sample, save
from aio_token.testing.store_laws import StoreLaws
from aio_token.testing.stores_laws import StoresLaws, listed
from tests.support.redis_server import RedisServer, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aio_token._interfaces import Slot, TokenStore
    from aio_token.stores import TokenStores

KEPT = Credential(refresh_token="canary")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Run a server that keeps what it is given."""
    with running(tmp_path_factory.mktemp("redis"), "--appendonly", "yes") as server:
        yield server


@pytest.fixture(autouse=True)
def _time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a command more than its 3 seconds: a machine that is busy is not what is tried here."""
    for module in ("_redis_clients", "_redis_commands"):
        monkeypatch.setattr(f"aio_token.stores.{module}.TIMEOUT", 60.0)


@pytest.fixture
def prefix() -> str:
    """Name what is this test's alone."""
    return f"aio_token:{uuid.uuid4().hex}"


@pytest.fixture
def codec(monkeypatch: pytest.MonkeyPatch) -> Encrypted:
    """Encrypt with a key of this test."""
    monkeypatch.setenv("TOKEN_KEY", new_key())
    return Encrypted(EnvironmentKey("TOKEN_KEY"))


def record(prefix: str, name: str) -> str:
    """Return the key of an account's record."""
    key = account_key(name)
    return f"{prefix}:{{{key[:2]}}}:{key}"


class TestRedisTokenStores(StoresLaws):
    """A Redis server keeps the laws of stores for many accounts."""

    @pytest.fixture(autouse=True)
    def _storage(self, server: RedisServer, prefix: str) -> None:
        self._server, self._prefix = server, prefix

    def make(self) -> TokenStores:
        """Open another handle."""
        return RedisTokenStores(self._server.url, prefix=self._prefix)


class TestOneOfRedisTokenStores(StoreLaws):
    """The store of one account keeps the laws of stores."""

    token_size = 65_536

    @pytest.fixture(autouse=True)
    def _storage(self, server: RedisServer, prefix: str, codec: Encrypted) -> None:
        self._server, self._prefix, self._codec = server, prefix, codec

    def make(self) -> TokenStore:
        """Open the account's store, encrypted."""
        return RedisTokenStores(self._server.url, prefix=self._prefix, codec=self._codec).of("alice")

    async def lapse(self, slot: Slot) -> None:
        """Let the lease pass."""
        self._server.ask("DEL", f"{record(self._prefix, 'alice')}:lease")


async def test_a_record_in_another_account_s_place_is_refused(
    server: RedisServer, prefix: str, codec: Encrypted, caplog: pytest.LogCaptureFixture
) -> None:
    """Law I2: encrypted or not, and it is left out of the list."""
    for kind, says in ((None, "the record of another account"), (codec, "encrypted for another store")):
        stores = RedisTokenStores(server.url, prefix=prefix, codec=kind)
        await save(stores.of("alice"), KEPT)
        await save(stores.of("bob"), KEPT)
        server.ask("COPY", record(prefix, "alice"), record(prefix, "bob"), "REPLACE")
        with pytest.raises(StoreError, match=says):
            await stores.of("bob").load()
        assert await listed(stores.names()) == ["alice"]
        server.ask("DEL", record(prefix, "alice"))
        server.ask("DEL", record(prefix, "bob"))
    assert caplog.text.count("is left out of the accounts") == 2
    assert "canary" not in caplog.text


async def test_a_list_tells_of_a_missing_key_and_leaves_out_what_is_damaged(
    server: RedisServer, prefix: str, codec: Encrypted, caplog: pytest.LogCaptureFixture
) -> None:
    """Laws F3 and F7: what cannot be read is named by its key; what is gone is no account."""
    stores = RedisTokenStores(server.url, prefix=prefix, codec=codec)
    for name in ("alice", "bob", "carol", "dave"):
        await save(stores.of(name), KEPT)
    server.ask("HSET", record(prefix, "bob"), "record", "canary {")
    server.ask("HSET", record(prefix, "carol"), "record", "x" * 1_048_577)
    server.ask("DEL", record(prefix, "dave"))
    assert await listed(stores.names()) == ["alice"]
    with pytest.raises(KeyUnavailable, match="it is encrypted"):
        await listed(RedisTokenStores(server.url, prefix=prefix).names())
    assert record(prefix, "bob") in caplog.text
    assert "larger than 1048576 bytes" in caplog.text
    assert "canary" not in caplog.text
    assert "alice" not in repr(server.ask("HGETALL", record(prefix, "alice")))


async def test_what_is_due_is_told_by_the_clock_of_this_host(server: RedisServer, prefix: str) -> None:
    """Law J5: a host whose clock is ahead finds its own times again."""

    class Ahead:
        def time(self) -> float:
            return time.time() + 120.0

        def monotonic(self) -> float:
            return time.monotonic()

    ahead = RedisTokenStores(server.url, prefix=prefix, clock=Ahead())
    stores = RedisTokenStores(server.url, prefix=prefix)
    ends = time.time() + 1_000.0
    await save(ahead.of("alice"), Credential(refresh_token="r", refresh_expires_at=ends + 120.0))
    assert await listed(stores.due(ends + 10.0)) == ["alice"]
    assert await listed(stores.due(ends - 10.0)) == []
    assert await listed(ahead.due(ends + 130.0)) == ["alice"]
    assert await listed(ahead.due(ends + 110.0)) == []


async def test_a_listing_that_is_left_early_closes_its_client(server: RedisServer, prefix: str) -> None:
    """Law I5: what reads the pages is closed by the event loop then, which is there: nothing is left behind."""
    await save(RedisTokenStores(server.url, prefix=prefix).of("alice"), KEPT)
    client: Any = Redis.from_url(server.url)
    closed = asyncio.Event()

    class Noticed:
        """A client that tells when it is closed."""

        async def execute_command(self, *args: Any, **options: Any) -> Any:
            return await client.execute_command(*args, **options)

        async def aclose(self) -> None:
            await client.aclose()
            closed.set()

    names = RedisTokenStores(lambda: Noticed(), prefix=prefix).names()  # noqa: PLW0108  no class is taken for one
    assert await anext(aiter(names)) == "alice"
    del names
    gc.collect()
    async with asyncio.timeout(30):
        await closed.wait()


async def test_accounts_share_a_client(server: RedisServer, prefix: str) -> None:
    """Law I1: three hundred accounts at once make one client, of 16 connections, and it is closed with the last."""
    made: list[Redis] = []

    def make() -> Redis:
        made.append(Redis.from_url(server.url))
        return made[-1]

    stores = RedisTokenStores(make, prefix=prefix)
    async with stores.of("holder").exclusive():
        await asyncio.gather(*(save(stores.of(f"user {number}"), sample(100)) for number in range(300)))
        assert len(await listed(stores.names())) == 300
        connections = server.ask("CLIENT", "LIST", "TYPE", "normal").count(b"id=") - 1
        assert 1 <= connections <= 16
    assert len(made) == 1
    assert not any(each.is_connected for each in made[0].connection_pool._available_connections)
    await stores.of("user 1").load()
    assert len(made) == 2


async def test_a_client_of_ones_own_stays_open(server: RedisServer, prefix: str) -> None:
    """Law J6: who gives a client closes it; one that decodes is refused."""
    async with Redis.from_url(server.url) as client:
        stores = RedisTokenStores(client, prefix=prefix)
        assert repr(stores) == f"RedisTokenStores(prefix={prefix!r})"
        await save(stores.of("alice"), KEPT)
        assert await listed(stores.names()) == ["alice"]
        assert await client.ping()
    async with Redis.from_url(server.url, decode_responses=True) as client:
        with pytest.raises(ConfigurationError, match="decode_responses"):
            await listed(RedisTokenStores(client, prefix=prefix).names())


async def test_a_probe_asks_about_the_server(tmp_path: Path, prefix: str) -> None:
    """Law F12: before a person signs in; unless one knows."""
    with running(tmp_path, "--save", "") as server:
        strict = RedisTokenStores(server.url, prefix=prefix).of("alice")
        careless = RedisTokenStores(server.url, prefix=prefix, check_server=False).of("alice")
        assert isinstance(strict, LeasedTokenStore)
        assert isinstance(careless, LeasedTokenStore)
        with pytest.raises(StoreError, match=r"of\('alice'\) keeps nothing on a disk"):
            await strict.probe()
        await careless.probe()
        server.ask("ACL", "SETUSER", "bot", "on", ">secret", "~aio_token:*", "+@all", "-smembers")
        stores = RedisTokenStores(server.url.replace("//", "//bot:secret@"), prefix=prefix)
        with pytest.raises(StoreError, match=r"lets this user do too little; run: ACL SETUSER .*\+smembers") as caught:
            await listed(stores.names())
        assert "secret" not in str(caught.value) + repr(stores)


async def test_the_rights_that_are_named_are_enough(server: RedisServer, prefix: str) -> None:
    """Law F12: who runs what the error says can save, list, probe and sign out."""
    server.ask("ACL", "SETUSER", "bot", "on", ">secret", *RIGHTS.split())
    stores = RedisTokenStores(server.url.replace("//", "//bot:secret@"), prefix=prefix, lease=0.3)
    one = stores.of("alice")
    assert isinstance(one, LeasedTokenStore)
    await one.probe()
    await save(one, KEPT)
    async with one.exclusive() as slot:
        await asyncio.sleep(0.2)  # which prolongs
        assert await listed(stores.names()) == ["alice"]
        await slot.delete()
    assert await listed(stores.names()) == []


@pytest.mark.parametrize(
    ("arguments", "options", "says"),
    [
        ((5,), {}, r"RedisTokenStores\(\) takes a URL"),
        (("localhost",), {}, "the URL of a RedisTokenStores begins with redis://"),
        (("redis://localhost",), {"prefix": "a{b"}, "without braces"),
        (("redis://localhost",), {"prefix": "a}b"}, "without braces"),
        (("redis://localhost",), {"prefix": ""}, "prefix takes a text"),
        (("redis://localhost",), {"codec": object()}, "codec= takes a codec"),
        (("redis://localhost",), {"lease": 0.0}, "lease= is a number of seconds"),
    ],
)
def test_what_cannot_work_is_said_at_once(arguments: tuple[Any], options: Any, says: str) -> None:
    """Arguments are judged when the stores are made."""
    with pytest.raises(ConfigurationError, match=says):
        RedisTokenStores(*arguments, **options)


async def test_stores_on_a_server_say_how_records_are_read() -> None:
    """Whoever derives some names their pages; what a page holds shows nothing."""
    with pytest.raises(NotImplementedError):
        await listed(Listed().names())
    bare = ListedOnServer(None, lease=1.0, clock=SYSTEM_CLOCK)
    with pytest.raises(NotImplementedError):
        await listed(bare.names())
    with pytest.raises(NotImplementedError):
        bare._identity("key")
    assert repr(Page(contents=[("key", b"canary")], now=0.0, asked_at=0.0)) == "<Page of 1>"


async def test_two_hosts_share_the_accounts(server: RedisServer, prefix: str) -> None:
    """Law J6: a token that one host has obtained is the other's, for each account by itself."""
    here, there = (RedisTokenStores(server.url, prefix=prefix) for _ in range(2))
    async with AuthorizationServer() as issuer:
        endpoint = TokenEndpoint(issuer.token_url, PublicClient("app"))
        first, second = (Accounts(lambda _: RefreshTokenGrant(endpoint), stores) for stores in (here, there))
        async with first, second:
            for name in ("alice", "bob"):
                begun = RefreshTokenGrant(endpoint, first=issuer.sign_in(client_id="app"))
                await first[name].sign_in(begun)
            mine = [await first[name].token() for name in ("alice", "bob")]
            assert [await second[name].token() for name in ("alice", "bob")] == mine
            assert mine[0] != mine[1]
            assert issuer.requests == {"refresh_token": 2}
            assert await listed(second.names()) == ["alice", "bob"]
