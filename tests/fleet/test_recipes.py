"""The recipes of docs/fleet.md, on real servers: rotating the key, moving from files, workers of gunicorn."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession

from aio_token import Accounts, ClientSecretBasic, FileTokenStore, RefreshTokenGrant, TokenEndpoint, TokenRepository
from aio_token.stores import (
    DirectoryTokenStores,
    Encrypted,
    EnvironmentKey,
    KeyUnavailable,
    RedisTokenStore,
    RedisTokenStores,
    new_key,
)
from aio_token.testing import AuthorizationServer, ProtectedAPI
from examples.servers import embedded
from tests.support.api import answered
from tests.support.daemon import free_port, listens
from tests.support.daemon import running as daemon
from tests.support.document import blocks
from tests.support.python_path import leading_to
from tests.support.redis_server import RedisServer, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from aio_token import Credential, TokenStore

PAGE = (Path(__file__).parents[2] / "docs" / "fleet.md").read_text(encoding="utf-8")
USERS = ("ada", "grace", "hedy")


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Run a server that keeps what it is given."""
    with running(tmp_path_factory.mktemp("redis"), "--appendonly", "yes") as server:
        yield server


@pytest.fixture
async def server() -> AsyncIterator[AuthorizationServer]:
    """Run an authorization server that ends a session whose refresh token comes twice."""
    async with AuthorizationServer() as server:
        yield server


def recipe(name: str) -> Any:
    """Return a function of the page."""
    (source,) = [source for _, _, source in blocks(PAGE, "python") if f"async def {name}(" in source]
    shown: dict[str, Any] = {"Accounts": Accounts}
    exec(source.partition("\nasync def main")[0], shown)  # noqa: S102  it is the recipe that is tested
    return shown[name]


def renewing(server: AuthorizationServer) -> RefreshTokenGrant:
    """Return what renews, as the server's client."""
    client = ClientSecretBasic(server.client.client_id, server.client.secret or "")
    return RefreshTokenGrant(TokenEndpoint(server.token_url, client))


@asynccontextmanager
async def accounts_in(stores: Any, server: AuthorizationServer) -> AsyncIterator[Accounts]:
    """Open accounts of the server's client."""
    async with Accounts(lambda _: renewing(server), stores, observer=None) as accounts:
        yield accounts


async def keep(store: TokenStore, credential: Credential) -> None:
    """Keep it."""
    async with store.exclusive() as slot:
        await slot.save(credential)


def due(server: AuthorizationServer) -> Credential:
    """Return a session that has to be renewed first."""
    return replace(server.credential(), token=None)


async def test_a_key_is_rotated_in_two_steps(
    redis: RedisServer, server: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law F7: hosts of each step and the one before work side by side; the old key can go at the end, not before."""
    monkeypatch.setenv("OLD", new_key())
    monkeypatch.setenv("NEW", new_key())
    old, new = EnvironmentKey("OLD"), EnvironmentKey("NEW")
    steps = [Encrypted(old), Encrypted(old, new), Encrypted(new, old), Encrypted(new)]

    def stores(step: int) -> RedisTokenStores:
        return RedisTokenStores(redis.url, prefix="rotated", codec=steps[step])

    def store(step: int) -> RedisTokenStore:
        return RedisTokenStore(redis.url, "rotated", codec=steps[step])

    for user in USERS:
        await keep(stores(0).of(user), due(server))
    await keep(store(0), due(server))
    for step in (1, 2):
        for side in (step - 1, step):
            async with accounts_in(stores(side), server) as accounts:
                for user in USERS[:2]:
                    await accounts[user].renew()
    with pytest.raises(KeyUnavailable):
        _ = [user async for user in stores(3).names()]
    async with accounts_in(stores(2), server) as accounts:
        assert await recipe("write_anew")(store(2), accounts) == {}
    assert sorted([user async for user in stores(3).names()]) == sorted(USERS)
    assert await store(3).load()
    with pytest.raises(KeyUnavailable):
        await store(0).load()
    assert server.reused == 0


async def test_a_new_key_in_one_step_locks_hosts_out(
    redis: RedisServer, server: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law F3: why there are two: a host with the old ring alone reads nothing any more, and leaves the record alone."""
    monkeypatch.setenv("OLD", new_key())
    monkeypatch.setenv("NEW", new_key())
    old, new = EnvironmentKey("OLD"), EnvironmentKey("NEW")
    await keep(RedisTokenStore(redis.url, "hasty", codec=Encrypted(old)), due(server))
    async with TokenRepository(
        renewing(server), RedisTokenStore(redis.url, "hasty", codec=Encrypted(new, old)), observer=None
    ) as ahead:
        token = await ahead.token()
    behind = RedisTokenStore(redis.url, "hasty", codec=Encrypted(old))
    async with TokenRepository(renewing(server), behind, observer=None) as tokens:
        with pytest.raises(KeyUnavailable):
            await tokens.token()
    kept = await RedisTokenStore(redis.url, "hasty", codec=Encrypted(new)).load()
    assert kept is not None
    assert kept.token == token
    assert server.reused == 0


async def test_a_session_and_users_move_from_files(
    redis: RedisServer, server: AuthorizationServer, tmp_path: Path
) -> None:
    """The session is renewed from its new place; each user is in the new place, and in no old one."""
    file, target = FileTokenStore(tmp_path / "token.json"), RedisTokenStore(redis.url, "moved")
    await keep(file, due(server))
    await recipe("move")(file, target)
    async with TokenRepository(renewing(server), target, observer=None) as tokens:
        await tokens.token()
    directory = DirectoryTokenStores(tmp_path / "accounts")
    for user in USERS:
        await keep(directory.of(user), due(server))
    async with accounts_in(RedisTokenStores(redis.url, prefix="moved:all"), server) as accounts:
        for _ in range(2):
            await recipe("move_all")(directory, accounts)
        assert [user async for user in directory.names()] == []
        for user in USERS:
            await accounts[user].token()
    assert server.reused == 0


async def test_the_workers_of_gunicorn_share_a_session(server: AuthorizationServer, tmp_path: Path) -> None:
    """Law F5: four workers that start at once answer a hundred requests with one renewal, and end when told."""
    async with ProtectedAPI(server) as api:
        here = embedded(server, api, tmp_path / "token.json")
        port = free_port()
        command = [sys.executable, "-m", "gunicorn", "--workers", "4", "--bind", f"127.0.0.1:{port}"]
        command += ["--worker-class", "aiohttp.GunicornWebWorker", "--no-control-socket"]
        command += ["examples.service_aiohttp:application()"]
        environment = {**os.environ, "PYTHONPATH": leading_to(Path(__file__).parents[2]), **here.environment}
        with daemon(command, lambda: listens(port), tmp_path / "log", environment=environment):
            answers = await asyncio.gather(*(asked(f"http://127.0.0.1:{port}/items/{number}") for number in range(100)))
    assert answers == [200] * 100
    assert (server.refreshes, server.reused) == (1, 0)
    assert "Traceback" not in (tmp_path / "log").read_text(encoding="utf-8")


async def asked(url: str) -> int:
    """Ask on a connection of its own, which any worker may take."""
    async with ClientSession() as session:
        return (await answered(session.get(url))).status
