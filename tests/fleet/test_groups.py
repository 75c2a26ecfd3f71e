"""Stores on Redis servers that belong together: a cluster, and a primary whose Sentinel puts a replica in its place."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.sentinel import Sentinel

from aio_token import PublicClient, RefreshTokenGrant, StoreError, Token, TokenEndpoint, TokenRepository
from aio_token.stores import RedisTokenStore, RedisTokenStores, Superseded
from aio_token.testing import AuthorizationServer
from aio_token.testing._laws import sample, save
from tests.support.redis_groups import PRIMARY, cluster, guarded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from tests.support.redis_groups import Guarded
    from tests.support.redis_server import RedisServer

ACCOUNTS = 20


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RedisServer]]:
    """Run a cluster of three."""
    with cluster(tmp_path_factory.mktemp("cluster")) as nodes:
        yield nodes


@asynccontextmanager
async def client_of(nodes: list[RedisServer]) -> AsyncIterator[RedisCluster]:
    """Open a client that finds the others by one node."""
    async with RedisCluster(host="127.0.0.1", port=nodes[0].port) as client:
        yield client


async def test_all_of_a_session_is_on_one_node_of_a_cluster(nodes: list[RedisServer]) -> None:
    """Laws J1 and F9: every script runs there: taking, prolonging and leaving a lease, comparing, and a tombstone."""
    async with client_of(nodes) as client:
        one, two = (RedisTokenStore(client, "bot", lease=0.3) for _ in range(2))
        await save(one, sample(10))
        await one.probe()
        async with one.exclusive() as held:
            assert await held.load() == sample(10)
            waiting = asyncio.create_task(save(two, sample(20)))
            await asyncio.sleep(1.0)  # longer than the lease
            assert not waiting.done()
            await held.save(sample(15))
        await waiting
        assert await one.load() == sample(20)
        async with one.exclusive() as held:
            for node in nodes:
                node.ask("DEL", "aio_token:{bot}:lease")
            await save(two, sample(30))
            with pytest.raises(Superseded):
                await held.save(sample(25))
            await held.load()
            await held.delete()
        left = await two.load()
        assert left is not None
        assert left.is_tombstone


async def test_accounts_are_spread_over_a_cluster_and_listed(nodes: list[RedisServer]) -> None:
    """Laws I1 and J1: each has its lease, record and part of the list on one node, and every node has some."""
    async with client_of(nodes) as client:
        stores = RedisTokenStores(client)
        names = {f"user {number}" for number in range(ACCOUNTS)}
        for name in names:
            await save(stores.of(name), sample(10))
        assert {name async for name in stores.names()} == names
        kept = [node.ask("DBSIZE") for node in nodes]
    assert b":0\r\n" not in kept


async def test_a_node_of_a_cluster_that_forgets_is_refused(nodes: list[RedisServer]) -> None:
    """Laws F12 and J: it is the node that keeps the session that is asked what it does, and no other one."""
    forgetful = nodes[2]
    forgetful.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru", "maxmemory", "1gb")
    async with client_of(nodes) as client:
        outcomes = set()
        for number in range(ACCOUNTS):
            store = RedisTokenStore(client, f"judged {number}")
            place = client.get_node_from_key(f"aio_token:{{judged {number}}}")
            assert place is not None
            try:
                await store.probe()
            except StoreError:
                outcomes.add((True, place.port == forgetful.port))
            else:
                outcomes.add((False, place.port == forgetful.port))
    forgetful.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
    assert outcomes == {(True, True), (False, False)}


@pytest.fixture
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Run a primary, a replica and a Sentinel."""
    with guarded(tmp_path_factory.mktemp("sentinel")) as servers:
        yield servers


@asynccontextmanager
async def primary_of(servers: Guarded, name: str = PRIMARY) -> AsyncIterator[Any]:
    """Open a client that asks the Sentinel where the primary is; a Sentinel's own connections are closed apart."""
    sentinel: Any = Sentinel([("127.0.0.1", servers.sentinel.port)], socket_timeout=1.0)  # type: ignore[no-untyped-call]
    client = sentinel.master_for(name, socket_timeout=3.0)
    try:
        yield client
    finally:
        await client.aclose()
        for one in sentinel.sentinels:
            await one.aclose()


async def patiently(ask: Callable[[], Awaitable[Token]]) -> Token:
    """Ask until the client has found the new primary."""
    async with asyncio.timeout(60.0):
        while True:
            try:
                return await ask()
            except StoreError:
                await asyncio.sleep(0.2)


@pytest.mark.parametrize("lags", [False, True], ids=["in step", "lagging"])
async def test_a_replica_takes_over(servers: Guarded, *, lags: bool) -> None:
    """Laws F9 and J4: hosts go on; where the replica lacks the last renewal, the host that holds it puts it back."""
    async with AuthorizationServer(lifetime=600.0) as server, primary_of(servers) as one, primary_of(servers) as two:
        endpoint = TokenEndpoint(server.token_url, PublicClient("app"))
        first, second = (
            TokenRepository(RefreshTokenGrant(endpoint), RedisTokenStore(client, "bot"), observer=None)
            for client in (one, two)
        )
        seed = replace(server.credential(client_id="app"), token=None, generation=1)
        await save(RedisTokenStore(one, "bot"), seed)
        await first.token()
        old = await second.token()
        await one.execute_command("WAIT", "1", "5000")
        if lags:
            servers.replica.ask("REPLICAOF", "127.0.0.1", "1")  # it hears of nothing more
        newest = await first.renew()
        if not lags:
            await one.execute_command("WAIT", "1", "5000")
        servers.primary.kill()
        if lags:
            servers.replica.ask("REPLICAOF", "127.0.0.1", str(servers.primary.port))
        await servers.takes_over()
        another = await patiently(first.renew)
        assert another not in {old, newest}
        assert await patiently(partial(second.token, rejected=old)) == another
        assert (server.reused, server.refreshes) == (0, 3)


async def test_a_sentinel_that_knows_no_primary_is_told_in_plain_words(servers: Guarded) -> None:
    """Law J: while none has been chosen, or where it is called otherwise, the error says so."""
    async with primary_of(servers, "another") as client:
        with pytest.raises(StoreError, match="no primary"):
            await RedisTokenStore(client, "bot").load()
