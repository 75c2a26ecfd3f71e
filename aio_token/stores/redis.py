"""A store on a Redis server, or on one that speaks its protocol: for processes on many hosts."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from aio_token._clock import SYSTEM_CLOCK
from aio_token._errors import ConfigurationError, StoreError
from aio_token._ground.public import public_in
from aio_token.stores._arguments import text
from aio_token.stores._leased import LEASE, LeasedStore
from aio_token.stores._redis_trouble import complaint_about, explained
from aio_token.stores._shelf import Kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from aio_token._clock import Clock
    from aio_token._codec import Codec

_TIMEOUT = 2.0
"""Seconds for one command."""

# The scripts are carried out as a whole. Each may be repeated, since an answer may be lost.
_ACQUIRE = """
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return {0} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local kept, time = redis.call('HMGET', KEYS[2], 'record', 'version'), redis.call('TIME')
return {1, time[1], time[2], kept[2], kept[1]}
"""
_EXTEND = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""
_READ = """
local kept, time = redis.call('HMGET', KEYS[1], 'record', 'version'), redis.call('TIME')
return {1, time[1], time[2], kept[2], kept[1]}
"""
_WRITE = """
local version = redis.call('HGET', KEYS[1], 'version')
if version == ARGV[1] then return 1 end
if version and version ~= ARGV[2] then return 0 end
if ARGV[3] == '' then redis.call('DEL', KEYS[1]) return 1 end
redis.call('HSET', KEYS[1], 'record', ARGV[3], 'version', ARGV[1])
if ARGV[4] == '' then redis.call('PERSIST', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
return 1
"""
_SET_ASIDE = """
local kept = redis.call('HMGET', KEYS[1], 'record', 'version')
if kept[2] ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'damaged', kept[1], 'version', ARGV[1])
return redis.call('HDEL', KEYS[1], 'record')
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
class RedisTokenStore(LeasedStore):
    """Keeps a credential on a Redis server, under the key `aio_token:{name}` (extra `redis`), for any number of hosts.

    `server` is a URL (`redis://`, `rediss://`, `unix://`), a client of redis-py, or a function that makes one. A client
    belongs to one event loop; with a URL or a function each operation has a client of its own, and several loops may
    use the store. Commands have 2 seconds each, whatever the client's own limits.

    A hold is a lease of `lease` seconds that is kept alive; past it another host may renew. What is saved over another
    host's writing raises `Superseded`. Such a server may lose what it has confirmed. Times are kept by its clock. A
    `codec` binds what it writes to the key. `probe()` refuses a server that would throw sessions away, unless
    `check_server` is False. `clock` is the repository's. Raises `ConfigurationError` for arguments of other kinds.
    """

    def __init__(
        self,
        server: str | RedisClient | Callable[[], RedisClient],
        name: str,
        *,
        codec: Codec | None = None,
        lease: float = LEASE,
        check_server: bool = True,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._key = f"aio_token:{{{text(name, 'the name of a RedisTokenStore')}}}"
        super().__init__(self._key, codec=codec, lease=lease, clock=clock)
        self._check_server = check_server
        self._named = f"RedisTokenStore({name!r})"
        self._make: Callable[[], RedisClient] | None = None
        self._client: RedisClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
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

    @property
    def may_lose(self) -> bool:
        """Yes: a server that takes over may not have the last writes, and one may be emptied."""
        return True

    def shelf(self) -> RedisShelf:
        """Return the key, and a client for the loop that runs."""
        return RedisShelf(self, self._key, self._make or self._given, is_own=self._make is not None)

    def judges(self) -> bool:
        """Whether a server is refused that would throw sessions away."""
        return self._check_server

    def _given(self) -> RedisClient:
        loop = asyncio.get_running_loop()
        self._loop = self._loop or loop
        if self._loop is not loop:
            message = f"{self!r} has a client of another event loop; give it a URL, or a function that makes a client"
            raise ConfigurationError(message)
        assert self._client is not None  # noqa: S101  there is a client or a way to one
        return self._client


class RedisShelf:
    """A key, and the scripts over it; with a client of its own if `is_own`."""

    def __init__(self, store: RedisTokenStore, key: str, client: Callable[[], RedisClient], *, is_own: bool) -> None:
        self._store = store
        self._record = key
        self._lease = f"{key}:lease"
        self._make = client
        self._is_own = is_own
        self._client: RedisClient | None = None

    async def acquire(self, owner: str, seconds: float) -> Kept | None:
        """Take the lease if it is free, has lapsed or is this owner's; None if it is another's."""
        taken, *rest = await self._run(_ACQUIRE, (self._lease, self._record), owner, _milliseconds(seconds))
        return _kept(*rest) if taken else None

    async def extend(self, owner: str, seconds: float) -> bool:
        """Have the lease last for so long from now; tell whether it is still this owner's."""
        return bool(await self._run(_EXTEND, (self._lease,), owner, _milliseconds(seconds)))

    async def release(self, owner: str) -> None:
        """Give the lease back, if it is this owner's."""
        await self._run(_RELEASE, (self._lease,), owner)

    async def read(self) -> Kept:
        """Return what is kept."""
        _, *rest = await self._run(_READ, (self._record,))
        return _kept(*rest)

    async def write(self, record: bytes | None, version: str, over: str, *, lasts: float | None = None) -> bool:
        """Keep the record if that version is still there, or nothing is; tell whether that happened."""
        ends = "" if lasts is None else _milliseconds(lasts)
        return bool(await self._run(_WRITE, (self._record,), version, over, record or b"", ends))

    async def set_aside(self, version: str, over: str) -> None:
        """Move a damaged record to the field `damaged`."""
        await self._run(_SET_ASIDE, (self._record,), version, over)

    async def complaint(self) -> str | None:
        """Tell what the server would do to a session later, None for nothing; as far as it may be asked."""
        if not self._store.judges():
            return None
        memory, persistence = await self._ask("INFO", "memory"), await self._ask("INFO", "persistence")
        config = None
        with suppress(StoreError):  # services that are rented do not tell
            config = await self._ask("CONFIG GET", "save")
        if not isinstance(memory, dict) or not isinstance(persistence, dict):
            return None
        save = config.get("save", config.get(b"save")) if isinstance(config, dict) else None
        return complaint_about(memory, persistence, save.decode() if isinstance(save, bytes) else save)

    async def close(self) -> None:
        """Close the client that was made for these steps."""
        if self._is_own and self._client is not None:
            await self._client.aclose()

    async def _run(self, script: str, keys: tuple[str, ...], *args: str | bytes) -> Any:  # noqa: ANN401  a script's
        return await self._ask("EVAL", script, str(len(keys)), *keys, *args)

    async def _ask(self, *command: str | bytes) -> Any:  # noqa: ANN401  what the server says
        try:
            self._client = self._client or self._make()
            async with asyncio.timeout(_TIMEOUT):
                return await self._client.execute_command(*command)
        except ConfigurationError:
            raise
        except Exception as error:  # noqa: BLE001  redis-py's own, the system's, and those of a client around it
            failure = explained(self._store, error)
        raise failure


def _kept(seconds: bytes, micro: bytes, version: object = None, record: object = None) -> Kept:
    if isinstance(version, str):
        message = "the client decodes what it reads; give one without decode_responses"
        raise ConfigurationError(message)
    now = int(seconds) + int(micro) / 1e6
    return Kept(
        record=record if isinstance(record, bytes) else None,
        version=version.decode() if isinstance(version, bytes) else "",
        now=now,
    )


def _milliseconds(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)))


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
