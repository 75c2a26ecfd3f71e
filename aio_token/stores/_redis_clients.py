"""The clients by which stores reach a Redis server: one that was given, or those that a URL or a function makes."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary

from aio_token._errors import ConfigurationError, raise_alone
from aio_token._ground.public import public_in
from aio_token._hold import is_swept_away
from aio_token._single_flight import finish
from aio_token.stores._redis_trouble import explained

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

TIMEOUT = 3.0
"""Seconds for one command."""

_TIDYING = 1.0
"""Seconds for closing connections though the caller is cancelled: one that is interrupted leaves a socket open."""

_AT_ONCE = 16
"""Commands that are under way for the accounts of one event loop: each takes a connection."""

_USER = r"(?:[^/?#]*@)?"
_PLACE = re.compile(
    rf"{_USER}((?:[\w.~-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{{1,5}})?(?:/[\w./-]*)?)((?:[?#].*)?)", re.DOTALL
)
_SOCKET = re.compile(rf"{_USER}(/[^?#]*)((?:[?#].*)?)", re.DOTALL)
"""What follows the scheme: a user, which is not shown, the place, and the rest."""


@public_in("stores")
class RedisClient(Protocol):
    """What is asked of a client of redis-py: `redis.asyncio.Redis`, a Sentinel's, `RedisCluster`."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401  it is redis-py's
        """Carry a command out."""
        ...

    def aclose(self) -> Coroutine[Any, Any, None]:
        """Close the connections."""
        ...


class Clients:
    """The clients of one server; `kind` is the store's, and `address` the URL without what may be secret in it."""

    def __init__(self, server: str | RedisClient | Callable[[], RedisClient], kind: str) -> None:
        self.address: str | None = None
        self._client: RedisClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._make: Callable[[], RedisClient] | None = None
        self._of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _Few] = WeakKeyDictionary()
        given: Any = server
        if isinstance(server, str):
            self.address = _shown(server, kind)
            self._make = _maker(server)
        elif not isinstance(server, type) and hasattr(server, "execute_command"):
            self._client = given
        elif not isinstance(server, type) and callable(server):
            self._make = given
        else:
            message = f"{kind}() takes a URL, a client of redis-py or a function that makes one"
            raise ConfigurationError(message)

    @asynccontextmanager
    async def one(self, store: object) -> AsyncIterator[RedisClient]:
        """Give the client that was given, or a new one for as long as the context. Raises `StoreError`."""
        if self._make is None:
            yield self._given(store)
            return
        loop, client = asyncio.get_running_loop(), self._made(self._make, store)
        try:
            yield client
        finally:
            await _close(client, loop)

    @asynccontextmanager
    async def shared(self, store: object) -> AsyncIterator[RedisClient]:
        """Give the client that was given, or one for all who need it on this event loop now. Raises `StoreError`.

        It is closed with the last of them, so that no loop leaves connections behind.
        """
        if self._make is None:
            yield self._given(store)
            return
        loop = asyncio.get_running_loop()
        here = self._of_loops.get(loop)
        if here is None:
            here = self._of_loops[loop] = _Few(self._made(self._make, store))
        here.users += 1
        try:
            yield here
        finally:
            here.users -= 1
            if not here.users:
                del self._of_loops[loop]
                await _close(here, loop)

    def _made(self, make: Callable[[], RedisClient], store: object) -> RedisClient:
        try:
            return make()
        except Exception as error:  # noqa: BLE001  it is another party's, or the package is not installed
            raise_alone(explained(store, error))

    def _given(self, store: object) -> RedisClient:
        loop = asyncio.get_running_loop()
        self._loop = self._loop or loop
        if self._loop is not loop:
            message = f"{store!r} has a client of another event loop; give it a URL, or a function that makes a client"
            raise ConfigurationError(message)
        assert self._client is not None  # noqa: S101  there is a client or a way to one
        return self._client


class _Few:
    """A client that many accounts share, and that has a few connections all the same."""

    def __init__(self, client: RedisClient) -> None:
        self.users: int = 0
        self._client = client
        self._permits = asyncio.Semaphore(_AT_ONCE)

    async def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401  it is redis-py's
        async with self._permits:
            return await self._client.execute_command(*args, **options)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  what clients of a cluster have besides
        return getattr(self._client, name)

    async def aclose(self) -> None:
        await self._client.aclose()


async def _close(client: RedisClient, loop: asyncio.AbstractEventLoop) -> None:
    """Close its connections, unless their event loop is gone."""
    if not is_swept_away(loop):
        await finish(client.aclose(), grace=_TIDYING)


def _maker(url: str) -> Callable[[], RedisClient]:
    def make() -> RedisClient:
        from redis.asyncio import Redis  # noqa: PLC0415  an extra, and slow to import
        from redis.asyncio.retry import Retry  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415

        client: Any = Redis.from_url(
            url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=Retry(NoBackoff(), 1)
        )
        made: RedisClient = client
        return made

    return make


def _shown(url: str, kind: str) -> str:
    """Return the URL without what may be secret in it. Raises `ConfigurationError` for what cannot be read."""
    if not url.startswith(("redis://", "rediss://", "unix://")):
        message = f"the URL of a {kind} begins with redis://, rediss:// or unix://"
        raise ConfigurationError(message)
    scheme, _, rest = url.partition("://")
    found = _SOCKET.fullmatch(rest) if scheme == "unix" else _PLACE.fullmatch(rest)
    if found is None:
        message = (
            f"the URL of a {kind} cannot be read; it is like redis://user:password@host:6379/0, with the signs of a "
            "password percent-encoded"
        )
        raise ConfigurationError(message)
    # An @ so late may be the end of a password that has a question mark in it.
    return f"{scheme}://..." if "@" in found[2] else f"{scheme}://{found[1]}"
