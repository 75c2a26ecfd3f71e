"""The credentials of many accounts on a Redis server (laws I1, I4, J1)."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aio_token._clock import SYSTEM_CLOCK
from aio_token._errors import ConfigurationError
from aio_token._ground.public import public_in
from aio_token.stores._arguments import text
from aio_token.stores._leases import LeasedTokenStore
from aio_token.stores._redis_clients import Clients
from aio_token.stores._redis_commands import WRITE, Commands, milliseconds, moment, raw
from aio_token.stores.many.listed import ListedOnServer, Page
from aio_token.stores.many.names import account_key
from aio_token.stores.many.record import NamedRecord

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from aio_token._clock import Clock
    from aio_token._ground.codec import Codec
    from aio_token._interfaces import TokenStore
    from aio_token.stores._redis_clients import RedisClient

_PARTS = tuple(f"{number:02x}" for number in range(256))
_AT_A_TIME = 100
"""Records that one command reads: 0.2 MB."""

_WRITE_LISTED = f"""
local function written() {WRITE} end
if written() == 0 then return 0 end
local command = (ARGV[3] == '' or ARGV[4] ~= '') and 'SREM' or 'SADD'
redis.call(command, KEYS[2], ARGV[5])
return 1
"""
_LIST = """
local time, found = redis.call('TIME'), {}
for place, key in ipairs(KEYS) do found[place] = redis.call('HGET', key, 'record') end
return {time[1], time[2], found}
"""


@public_in("stores")
class RedisTokenStores(ListedOnServer):
    """Keeps the credentials of many accounts on a Redis server, as a `RedisTokenStore` does (extra `redis`).

    An account's record is the hash `{prefix}:{ab}:{key}`, where `key` is the first 32 hex digits of the SHA-256 of its
    name and `ab` the first two of them; the name stands in the record, encrypted if `codec` encrypts. Each of the 256
    parts has a set of its keys, `{prefix}:{ab}:names`, that is written together with the record. A cluster keeps a part
    in one place.

    `server`, `codec`, `lease` (seconds), `check_server` and `clock` are those of `RedisTokenStore`. With a URL or a
    function, all accounts that are busy share one client for each event loop, of 16 connections at most, and nothing
    has to be closed. Raises `ConfigurationError` for arguments of other kinds.
    """

    def __init__(
        self,
        server: str | RedisClient | Callable[[], RedisClient],
        *,
        prefix: str = "aio_token:accounts",
        codec: Codec | None = None,
        lease: float = 10.0,
        check_server: bool = True,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        super().__init__(codec, lease=lease, clock=clock)
        if "{" in text(prefix, "prefix") or "}" in prefix:
            message = "prefix= takes a text without braces, by which a cluster tells what belongs together"
            raise ConfigurationError(message)
        self._prefix = prefix
        self._check_server = check_server
        self._clients = Clients(server, "RedisTokenStores")
        address = self._clients.address
        self._named = f"RedisTokenStores({'' if address is None else f'{address!r}, '}prefix={prefix!r})"

    def __repr__(self) -> str:
        return self._named

    def of(self, name: str) -> TokenStore:
        """Return the store of one account. Raises `ConfigurationError` for what is no name."""
        key = account_key(name)
        return _Account(
            self._clients,
            self._identity(key),
            NamedRecord(self._codec, key, name),
            shown=f"{self!r}.of({name!r})",
            lease=self._lease,
            check_server=self._check_server,
            clock=self._clock,
        )

    def _identity(self, key: str) -> str:
        return f"{self._prefix}:{{{key[:2]}}}:{key}"

    async def _pages(self) -> AsyncIterator[Page]:
        async with self._clients.shared(self) as client:
            for part in _PARTS:
                index = Commands(self, f"{self._prefix}:{{{part}}}:names", client)
                keys = await index.members()
                for start in range(0, len(keys), _AT_A_TIME):
                    yield await self._page(index, keys[start : start + _AT_A_TIME])

    async def _page(self, commands: Commands, keys: list[str]) -> Page:
        asked_at = self._clock.time()
        seconds, micro, contents = await commands.run(_LIST, tuple(map(self._identity, keys)))
        found = zip(keys, map(raw, contents), strict=True)
        there = [(key, content) for key, content in found if content is not None]
        return Page(contents=there, now=moment(seconds, micro), asked_at=asked_at)


class _Account(LeasedTokenStore):
    """The store of one account."""

    def __init__(
        self,
        clients: Clients,
        identity: str,
        codec: NamedRecord,
        *,
        shown: str,
        lease: float,
        check_server: bool,
        clock: Clock,
    ) -> None:
        super().__init__(identity, codec, shown=shown, lease=lease, clock=clock)
        self._clients = clients
        self._key = identity
        self._check_server = check_server

    async def probe(self) -> None:
        await super().probe()
        if self._check_server:
            async with self._server() as server:
                await server.judge()

    @asynccontextmanager
    async def _server(self) -> AsyncIterator[_AccountCommands]:
        async with self._clients.shared(self) as client:
            yield _AccountCommands(self, self._key, client)


class _AccountCommands(Commands):
    """The commands of one account's store: who writes a record keeps the set of its part, too."""

    async def write(self, content: bytes | None, *, over: str, version: str, lasts: float | None) -> bool:
        part, _, key = self._record.rpartition(":")
        ends = "" if lasts is None else milliseconds(lasts)
        keys = (self._record, f"{part}:names")
        return bool(await self.run(_WRITE_LISTED, keys, over, version, content or b"", ends, key))
