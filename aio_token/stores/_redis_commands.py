"""What stores ask a Redis server: scripts, which it carries out as a whole."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aio_token._errors import ConfigurationError, StoreError
from aio_token.stores._arguments import LONGEST_LEASE
from aio_token.stores._leases import Record
from aio_token.stores._redis_clients import TIMEOUT
from aio_token.stores._redis_trouble import explained, refuse_forgetful

if TYPE_CHECKING:
    from aio_token.stores._redis_clients import RedisClient

# Each may be repeated, since an answer may be lost.
# A lease without an end, or with one that is far off, was copied here, or its server's clock was set back.
_ENTER = f"""
local owner, left = redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1])
if owner and owner ~= ARGV[1] and left >= 0 and left <= {LONGEST_LEASE * 1000} then return {{0}} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local kept, time = redis.call('HMGET', KEYS[2], 'record', 'version'), redis.call('TIME')
return {{1, time[1], time[2], kept[1], kept[2]}}
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
_SET_ASIDE = "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'damaged', ARGV[1]) end"
WRITE = """
local version = redis.call('HGET', KEYS[1], 'version')
if version == ARGV[2] then return 1 end
if version and version ~= ARGV[1] then return 0 end
if ARGV[3] == '' then redis.call('DEL', KEYS[1]) return 1 end
redis.call('HSET', KEYS[1], 'record', ARGV[3], 'version', ARGV[2])
if ARGV[4] == '' then redis.call('PERSIST', KEYS[1]) return 1 end
redis.call('HDEL', KEYS[1], 'damaged')
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
"""


class Commands:
    """The commands of a leased store, by scripts."""

    def __init__(self, store: object, key: str, client: RedisClient) -> None:
        self._store = store
        self._record = key
        self._lease = f"{key}:lease"
        self._client = client

    async def enter(self, owner: str, seconds: float) -> Record | None:
        taken, *rest = await self.run(_ENTER, (self._lease, self._record), owner, milliseconds(seconds))
        return _read(*rest) if taken else None

    async def prolong(self, owner: str, seconds: float) -> bool:
        return bool(await self.run(_PROLONG, (self._lease,), owner, milliseconds(seconds)))

    async def leave(self, owner: str) -> None:
        await self.run(_LEAVE, (self._lease,), owner)

    async def read(self) -> Record:
        _, *rest = await self.run(_READ, (self._record,))
        return _read(*rest)

    async def set_aside(self, content: bytes) -> None:
        await self.run(_SET_ASIDE, (self._record,), content)

    async def write(self, content: bytes | None, *, over: str, version: str, lasts: float | None) -> bool:
        ends = "" if lasts is None else milliseconds(lasts)
        return bool(await self.run(WRITE, (self._record,), over, version, content or b"", ends))

    async def judge(self) -> None:
        """Raise `StoreError` for a server that would throw sessions away, as far as it may be asked.

        In a cluster that is the node that keeps the record: others may be set up otherwise.
        """
        await self._ask("EXISTS", self._record)  # a client of a cluster learns its nodes with the first command
        node_of = getattr(self._client, "get_node_from_key", None)
        there = {} if node_of is None else {"target_nodes": node_of(self._record)}
        memory = await self._ask("INFO", "memory", **there)
        persistence = await self._ask("INFO", "persistence", **there)
        if not isinstance(memory, dict) or not isinstance(persistence, dict):
            return
        save = None
        try:
            config = await self._ask("CONFIG GET", "save", **there)
        except StoreError:  # services that are rented do not tell
            config = None
        if isinstance(config, dict):
            save = config.get("save", config.get(b"save"))
        refuse_forgetful(self._store, memory, persistence, save if save is None else _words(save))

    async def members(self) -> list[str]:
        """Return the members of a set. Raises `StoreError`."""
        found = await self._ask("SMEMBERS", self._record)
        return [member.decode(errors="replace") for member in map(raw, found) if member is not None]

    async def run(self, script: str, keys: tuple[str, ...], *args: str | bytes) -> Any:  # noqa: ANN401  a script's
        """Carry a script out. Raises `StoreError`."""
        return await self._ask("EVAL", script, str(len(keys)), *keys, *args)

    async def _ask(self, *command: str | bytes, **where: object) -> Any:  # noqa: ANN401  what the server says
        try:
            async with asyncio.timeout(TIMEOUT):
                return await self._client.execute_command(*command, **where)
        except Exception as error:  # noqa: BLE001  redis-py's own, the system's, and those of a client around it
            failure = explained(self._store, error)
        raise failure


def _read(seconds: bytes, micro: bytes, content: object = None, version: object = None) -> Record:
    kept, under, now = raw(content), raw(version), moment(seconds, micro)
    version = under.decode() if under is not None else ""
    return Record(content=kept if version else None, version=version, now=now)


def raw(answer: object) -> bytes | None:
    """Return a part of an answer, None for nothing. Raises `ConfigurationError` for a client that decodes."""
    if isinstance(answer, str):
        message = "the client decodes what it reads; give one without decode_responses"
        raise ConfigurationError(message)
    return answer if isinstance(answer, bytes) else None


def moment(seconds: bytes, micro: bytes) -> float:
    """Return what TIME says in POSIX seconds."""
    return int(seconds) + int(micro) / 1e6


def milliseconds(seconds: float) -> str:
    """Return a time as commands take it."""
    return str(max(1, round(seconds * 1000)))


def _words(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
