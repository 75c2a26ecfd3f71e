"""A store on a Redis server, or on one that speaks its protocol: for processes on many hosts."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from aio_token._clock import SYSTEM_CLOCK
from aio_token._errors import ConfigurationError, StoreError, raise_alone
from aio_token._ground.public import public_in
from aio_token.stores._arguments import text
from aio_token.stores._leases import LeasedTokenStore, Record
from aio_token.stores._redis_trouble import explained, refuse_forgetful

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from aio_token._clock import Clock
    from aio_token._codec import Codec

_TIMEOUT = 3.0
"""Seconds for one command."""

# The scripts are carried out as a whole. Each may be repeated, since an answer may be lost.
_ENTER = """
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return {0} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local kept, time = redis.call('HMGET', KEYS[2], 'record', 'version'), redis.call('TIME')
return {1, time[1], time[2], kept[1], kept[2]}
"""
_PROLONG = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
_LEAVE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""
_READ = """
local kept, time = redis.call('HMGET', KEYS[1], 'record', 'version'), redis.call('TIME')
return {1, time[1], time[2], kept[1], kept[2]}
"""
_WRITE = """
local version = redis.call('HGET', KEYS[1], 'version')
if version == ARGV[2] then return 1 end
if version and version ~= ARGV[1] then return 0 end
if ARGV[3] == '' then redis.call('DEL', KEYS[1]) return 1 end
redis.call('HSET', KEYS[1], 'record', ARGV[3], 'version', ARGV[2])
if ARGV[4] == '' then redis.call('PERSIST', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
return 1
"""


@public_in("stores")
class RedisClient(Protocol):
    """What is asked of a client of redis-py: `redis.asyncio.Redis`, a Sentinel's, `RedisCluster`."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401  it is redis-py's
        """Carry a command out."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


@public_in("stores")
class RedisTokenStore(LeasedTokenStore):
    """Keeps a credential on a Redis server, under the key `aio_token:{name}` (extra `redis`).

    `server` is a URL (`redis://`, `rediss://`, `unix://`), a client of redis-py, or a function that makes one. A client
    belongs to one event loop; with a URL or a function each operation has a client of its own, and several loops may
    use the store. Commands have 3 seconds each, whatever the client's own limits.

    Processes on all hosts exclude each other by a lease of so many seconds, which a holder prolongs; one that died
    blocks the others no longer. Times in the record are those of the server's clock. `codec` encrypts, with the key's
    name bound to what is written. `probe()` refuses a server that would throw sessions away, unless `check_server` is
    False. `clock` is that of the repository. Raises `ConfigurationError` for arguments of other kinds.
    """

    def __init__(
        self,
        server: str | RedisClient | Callable[[], RedisClient],
        name: str,
        *,
        codec: Codec | None = None,
        lease: float = 10.0,
        check_server: bool = True,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        key = f"aio_token:{{{text(name, 'name')}}}"
        super().__init__(key, codec, lease=lease, clock=clock)
        self._key = key
        self._check_server = check_server
        self._client: RedisClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._named = f"RedisTokenStore({name!r})"
        self._make: Callable[[], RedisClient] | None = None
        given: Any = server
        if isinstance(server, str):
            self._make = _maker(server)
            self._named = f"RedisTokenStore({_shown(server)!r}, {name!r})"
        elif not isinstance(server, type) and hasattr(server, "execute_command"):
            self._client = given
        elif not isinstance(server, type) and callable(server):
            self._make = given
        else:
            message = "RedisTokenStore() takes a URL, a client of redis-py or a function that makes one"
            raise ConfigurationError(message)

    def __repr__(self) -> str:
        return self._named

    async def probe(self) -> None:
        """Find out whether a session would be kept: rights, room, and what the server does with it later.

        Raises `StoreError`.
        """
        await super().probe()
        if self._check_server:
            async with self._server() as server:
                await server.judge()

    @asynccontextmanager
    async def _server(self) -> AsyncIterator[_Commands]:
        if self._make is None:
            yield _Commands(self, self._key, self._given())
            return
        try:
            client = self._make()
        except Exception as error:  # noqa: BLE001  it is another party's, or the package is not installed
            raise_alone(explained(self, error))
        try:
            yield _Commands(self, self._key, client)
        finally:
            await client.aclose()

    def _given(self) -> RedisClient:
        loop = asyncio.get_running_loop()
        self._loop = self._loop or loop
        if self._loop is not loop:
            message = f"{self!r} has a client of another event loop; give it a URL, or a function that makes a client"
            raise ConfigurationError(message)
        assert self._client is not None  # noqa: S101  there is a client or a way to one
        return self._client


class _Commands:
    """The commands of a leased store, by scripts."""

    def __init__(self, store: RedisTokenStore, key: str, client: RedisClient) -> None:
        self._store = store
        self._record = key
        self._lease = f"{key}:lease"
        self._client = client

    async def enter(self, owner: str, seconds: float) -> Record | None:
        taken, *rest = await self._run(_ENTER, (self._lease, self._record), owner, _milliseconds(seconds))
        return _read(*rest) if taken else None

    async def prolong(self, owner: str, seconds: float) -> bool:
        return bool(await self._run(_PROLONG, (self._lease,), owner, _milliseconds(seconds)))

    async def leave(self, owner: str) -> None:
        await self._run(_LEAVE, (self._lease,), owner)

    async def read(self) -> Record:
        _, *rest = await self._run(_READ, (self._record,))
        return _read(*rest)

    async def write(self, content: bytes | None, *, over: str, version: str, lasts: float | None) -> bool:
        ends = "" if lasts is None else _milliseconds(lasts)
        return bool(await self._run(_WRITE, (self._record,), over, version, content or b"", ends))

    async def judge(self) -> None:
        """Raise `StoreError` for a server that would throw sessions away, as far as it may be asked."""
        memory, persistence = await self._ask("INFO", "memory"), await self._ask("INFO", "persistence")
        if not isinstance(memory, dict) or not isinstance(persistence, dict):
            return
        save = None
        try:
            config = await self._ask("CONFIG GET", "save")
        except StoreError:  # services that are rented do not tell
            config = None
        if isinstance(config, dict):
            save = config.get("save", config.get(b"save"))
        refuse_forgetful(self._store, memory, persistence, save if save is None else _words(save))

    async def _run(self, script: str, keys: tuple[str, ...], *args: str | bytes) -> Any:  # noqa: ANN401  a script's
        return await self._ask("EVAL", script, str(len(keys)), *keys, *args)

    async def _ask(self, *command: str | bytes) -> Any:  # noqa: ANN401  what the server says
        try:
            async with asyncio.timeout(_TIMEOUT):
                return await self._client.execute_command(*command)
        except Exception as error:  # noqa: BLE001  redis-py's own, the system's, and those of a client around it
            failure = explained(self._store, error)
        raise failure


def _read(seconds: bytes, micro: bytes, content: object = None, version: object = None) -> Record:
    if isinstance(content, str):
        message = "the client decodes what it reads; give one without decode_responses"
        raise ConfigurationError(message)
    now = int(seconds) + int(micro) / 1e6
    if not isinstance(content, bytes) or not isinstance(version, bytes):
        return Record(content=None, version="", now=now)
    return Record(content=content, version=version.decode(), now=now)


def _milliseconds(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)))


def _words(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _maker(url: str) -> Callable[[], RedisClient]:
    if not url.startswith(("redis://", "rediss://", "unix://")):
        message = "the URL of a RedisTokenStore begins with redis://, rediss:// or unix://"
        raise ConfigurationError(message)

    def make() -> RedisClient:
        from redis.asyncio import Redis  # noqa: PLC0415  an extra, and slow to import
        from redis.asyncio.retry import Retry  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415

        client: Any = Redis.from_url(
            url, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT, retry=Retry(NoBackoff(), 1)
        )
        made: RedisClient = client
        return made

    return make


def _shown(url: str) -> str:
    """Return the URL without what may be secret in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
