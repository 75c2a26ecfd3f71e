"""Accounts by name: at rest and in use, a session for each over one connector, a herd of expired ones, a server's 429.

There is nothing to compare with: what others have for many users is a table, and a lock of one's own.
"""

from __future__ import annotations

import asyncio
import gc
import os
import time
import tracemalloc
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from aiohttp import ClientSession, TCPConnector

from aio_token import (
    Accounts,
    BearerMiddleware,
    Credential,
    PublicClient,
    RefreshTokenGrant,
    ServerUnavailable,
    StaticToken,
    Token,
    TokenEndpoint,
)
from aio_token.stores import DirectoryTokenStores, MemoryTokenStores
from aio_token.testing import AuthorizationServer, RateLimited, Slow
from benchmarks._sampling import Rounds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from aio_token import TokenRepository
    from aio_token.stores import TokenStores

COUNTS = (10, 1_000, 10_000, 100_000)
WEIGHED = 1_000
PATIENCE = 120.0
"""Seconds for taking accounts into use; on a loaded machine not all are."""
STEPS = 20_000
CREATED = 1_000
SESSIONS = 1_000
HERD, DESCRIPTORS, LATENCY = 1_500, 1_024, 0.05
LIMITED, RETRY_AFTER = 200, 30
ENDPOINT = TokenEndpoint("https://id.example/token", PublicClient("app"))


def measure(modules: tuple[str, ...], *, quick: bool) -> dict[str, Any]:  # noqa: ARG001  none of them is made for many
    """Measure each in an event loop of its own."""
    counts = (10, 100) if quick else COUNTS
    return {
        "accounts": [asyncio.run(_many(count, 500 if quick else STEPS)) for count in counts],
        "session": asyncio.run(_sessions(50 if quick else SESSIONS)),
        "herd": asyncio.run(_herd(40 if quick else HERD)),
        "limited": asyncio.run(_limited(20 if quick else LIMITED)),
    }


async def _many(count: int, steps: int) -> dict[str, Any]:
    names = [f"user {number}" for number in range(count)]
    rest_bytes, use_bytes = await _weighed(names[:WEIGHED])
    until = time.perf_counter() + PATIENCE
    stores = MemoryTokenStores()
    accounts = Accounts(lambda _: RefreshTokenGrant(ENDPOINT), stores, observer=None)
    in_use = []
    for begin in range(0, count, 100):
        some = names[begin : begin + 100]
        await _keep(stores, {name: _credential(name) for name in some})
        if time.perf_counter() < until:
            in_use += [await _used(accounts, name) for name in some]
    step = Rounds.of([await _steps(in_use, steps) for _ in range(5)]).json()["mid"]
    used, walked_in_use = len(in_use), _collection()
    in_use.clear()
    gc.collect()
    walked_at_rest = _collection()
    some = names[:CREATED]
    began = time.perf_counter()
    for name in some:
        await _used(accounts, name)
    created = (time.perf_counter() - began) / len(some)
    return {
        "accounts": count,
        "in_use": used,
        "rest_bytes": rest_bytes,
        "use_bytes": use_bytes,
        "creation_us": round(created * 1e6, 1),
        "step_ns": step,
        "collection_rest_ms": walked_at_rest,
        "collection_use_ms": walked_in_use,
    }


async def _weighed(names: list[str]) -> tuple[int, int]:
    """Return the bytes of an account at rest, and what it takes more in use: of some, since to trace is slow."""
    stores = MemoryTokenStores()
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    await _keep(stores, {name: _credential(name) for name in names})
    gc.collect()
    rest = tracemalloc.get_traced_memory()[0]
    accounts = Accounts(lambda _: RefreshTokenGrant(ENDPOINT), stores, observer=None)
    in_use = [await _used(accounts, name) for name in names]
    gc.collect()
    use = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return round((rest - before) / len(in_use)), round((use - rest) / len(in_use))


def _credential(name: str) -> Credential:
    now = time.time()
    token = Token(access_token=f"{name}-".replace(" ", "") + "a" * 780, expires_at=now + 86_400, scope="read write")
    return Credential(
        token=token, obtained_at=now, refresh_token="r" * 780, issued_by=RefreshTokenGrant(ENDPOINT).issued_by
    )


async def _keep(stores: TokenStores, credentials: dict[str, Credential]) -> None:
    async def one(name: str) -> None:
        async with stores.of(name).exclusive() as slot:
            await slot.save(credentials[name])

    names = list(credentials)
    for begin in range(0, len(names), 100):
        await asyncio.gather(*map(one, names[begin : begin + 100]))


async def _used(accounts: Accounts, name: str) -> TokenRepository:
    tokens = accounts[name]
    await tokens.token()
    return tokens


async def _steps(accounts: list[TokenRepository], steps: int) -> float:
    began = time.perf_counter_ns()
    for number in range(steps):
        await accounts[number % len(accounts)].token()
    return (time.perf_counter_ns() - began) / steps


def _collection() -> float:
    """Return the milliseconds of a full collection."""
    gc.collect()
    began = time.perf_counter()
    gc.collect()
    return round((time.perf_counter() - began) * 1e3, 1)


async def _sessions(count: int) -> dict[str, Any]:
    """Return what a session with a middleware of its own costs, over one connector."""
    source = StaticToken("access")
    async with TCPConnector() as connections:

        def session() -> ClientSession:
            bearer = BearerMiddleware(source, "https://api.example")
            return ClientSession(
                "https://api.example", middlewares=(bearer,), connector=connections, connector_owner=False
            )

        await session().close()  # whatever is made once is made now
        gc.collect()
        tracemalloc.start()
        sessions = [session() for _ in range(count)]
        size = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        for one in sessions:
            await one.close()
        began = time.perf_counter()
        for _ in range(count):
            await session().close()
        took = time.perf_counter() - began
    return {"bytes": round(size / count), "us": round(took / count * 1e6, 1)}


async def _herd(count: int) -> dict[str, Any]:
    """Let all ask at once whose tokens have expired, as when a machine wakes up."""
    at_once = _AtOnce()
    with _few_descriptors(), TemporaryDirectory() as directory:
        async with AuthorizationServer() as server:
            server.inject(at_once.slowly(Slow(before=LATENCY)))
            stores = DirectoryTokenStores(directory)
            await _keep(stores, {f"user {number}": _ended(server) for number in range(count)})
            endpoint = TokenEndpoint(server.token_url, PublicClient("app"))
            accounts = Accounts(lambda _: RefreshTokenGrant(endpoint), stores, observer=None)
            pauses = asyncio.create_task(_longest_pause())
            began = time.perf_counter()
            asking = (accounts[f"user {number}"].token() for number in range(count))
            outcomes = await asyncio.gather(*asking, return_exceptions=True)
            seconds = time.perf_counter() - began
            pauses.cancel()
            return {
                "accounts": count,
                "answered": sum(isinstance(outcome, Token) for outcome in outcomes),
                "seconds": round(seconds, 2),
                "posts": server.requests["refresh_token"],
                "posts_at_once": at_once.most,
                "pause_ms": round(await pauses * 1e3),
            }


def _ended(server: AuthorizationServer) -> Credential:
    kept = server.credential(client_id="app")
    return Credential(
        token=Token(access_token="ended", expires_at=1.0), refresh_token=kept.refresh_token, issued_by=kept.issued_by
    )


class _AtOnce:
    """Counts requests in progress."""

    def __init__(self) -> None:
        self._now = self.most = 0

    def slowly(self, fault: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """Return the same fault, counted."""

        async def counted(*arguments: Any) -> Any:  # noqa: ANN401  a fault's
            self._now += 1
            self.most = max(self.most, self._now)
            try:
                return await fault(*arguments)
            finally:
                self._now -= 1

        return counted


async def _longest_pause() -> float:
    """Return for how long the event loop ran nothing else, at worst, until cancelled."""
    worst = 0.0
    try:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.005)
            worst = max(worst, time.perf_counter() - began - 0.005)
    except asyncio.CancelledError:
        return worst


async def _limited(count: int) -> dict[str, Any]:
    """Let as many accounts as that meet a server that answers 429 for half a minute, and ask for two seconds."""
    async with AuthorizationServer() as server:
        server.inject(RateLimited(retry_after=RETRY_AFTER))
        endpoint = TokenEndpoint(server.token_url, PublicClient("app"))
        stores = MemoryTokenStores()
        await _keep(stores, {f"user {number}": _ended(server) for number in range(count)})
        accounts = Accounts(lambda _: RefreshTokenGrant(endpoint), stores, observer=None)
        until = time.monotonic() + 2.0

        async def ask(name: str) -> int:
            failures = 0
            while time.monotonic() < until:
                try:
                    await accounts[name].token()
                except ServerUnavailable:
                    failures += 1
                await asyncio.sleep(0.1)
            return failures

        failed = sum(await asyncio.gather(*(ask(f"user {number}") for number in range(count))))
        return {"accounts": count, "asked": failed, "posts": server.requests["refresh_token"]}


@contextmanager
def _few_descriptors() -> Iterator[None]:
    """Have as many descriptors as most systems give a process, for as long as the block takes."""
    if os.name != "posix":
        yield
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(DESCRIPTORS, *(limit for limit in before if limit > 0)), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
