"""A store on a Redis server, or on one that speaks its protocol: for processes on many hosts."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aio_token._clock import SYSTEM_CLOCK
from aio_token._ground.public import public_in
from aio_token.stores._arguments import text
from aio_token.stores._leases import LeasedTokenStore
from aio_token.stores._redis_clients import Clients
from aio_token.stores._redis_commands import Commands

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from aio_token._clock import Clock
    from aio_token._ground.codec import Codec
    from aio_token.stores._redis_clients import RedisClient


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
        self._key = f"aio_token:{{{text(name, 'name')}}}"
        self._check_server = check_server
        self._clients = Clients(server, "RedisTokenStore")
        address = self._clients.address
        shown = f"RedisTokenStore({name!r})" if address is None else f"RedisTokenStore({address!r}, {name!r})"
        super().__init__(self._key, codec, shown=shown, lease=lease, clock=clock)

    async def probe(self) -> None:
        """Find out whether a session would be kept: rights, room, and what the server does with it later.

        Raises `StoreError`.
        """
        await super().probe()
        if self._check_server:
            async with self._server() as server:
                await server.judge()

    @asynccontextmanager
    async def _server(self) -> AsyncIterator[Commands]:
        async with self._clients.one(self) as client:
            yield Commands(self, self._key, client)
