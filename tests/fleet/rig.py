"""A fleet under torture: hosts as processes over one store, and what happens to them is counted."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import uuid
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from aiohttp import web

from aio_token.stores import PostgresTokenStore
from aio_token.testing import AuthorizationServer
from tests.fleet.host import Orders, opened
from tests.support.cut import Way

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp.typedefs import Handler

    from tests.fleet.servers import StoreServer

    Scenario = Callable[["Fleet"], Awaitable[None]]

LIFETIME = 4.0  # seconds, of a token
LEASE = 1.0
SAVE = 2.0
SHORT, LONG = 8.0, 58.0
"""Seconds for a renewal: short where its end is waited for, else long, as the machine may be loaded."""
HANG = 200.0
GRACE = 60.0


@dataclass(kw_only=True)
class Cost:
    """What a scenario cost."""

    presented_twice: int
    lost: bool
    failed: int
    longest_wait: float


@dataclass
class Host:
    """A process, and what it has told; `way` is its own way to the store."""

    process: asyncio.subprocess.Process
    way: Way
    told: list[dict[str, Any]] = field(default_factory=list)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def listen(self) -> None:
        """Collect what it tells until it ends."""
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            async with self._news:
                self.told.append(json.loads(line))
                self._news.notify_all()

    async def tells(self, what: Callable[[dict[str, Any]], bool], *, since: int = 0) -> dict[str, Any]:
        """Wait until it tells such a thing."""
        async with self._news:
            await self._news.wait_for(lambda: any(what(words) for words in self.told[since:]))
            return next(words for words in self.told[since:] if what(words))

    async def stops(self) -> None:
        """Wait until it stands still where it was told to."""
        await self.tells(lambda words: "stopped" in words)

    async def has_a_token(self) -> None:
        """Wait until it has a token, or none can be had."""
        await self.tells(lambda words: "token" in words or words.get("failed") == "GrantRefused")

    async def goes_on(self) -> None:
        """Wait until it gets a token that it did not have."""
        known = {words.get("token") for words in self.told}
        await self.tells(lambda words: "token" in words and words["token"] not in known, since=len(self.told))

    def send(self, number: signal.Signals) -> None:
        """Kill, stop or wake it."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    async def kill(self) -> None:
        """End it as a crash does."""
        self.send(signal.SIGKILL)
        await self.process.wait()


class Fleet:
    """Hosts over one store and one authorization server."""

    def __init__(self, store: StoreServer, server: AuthorizationServer, stack: AsyncExitStack) -> None:
        self.store, self.server = store, server
        self.name = uuid.uuid4().hex
        self.hosts: list[Host] = []
        self.obtain = LONG
        self.may_lose = True
        self._stack = stack

    def _orders(self, port: int, *, stop_at: str = "", clock_ahead: float = 0.0) -> Orders:
        client = self.server.client
        return Orders(
            store=self.store.kind,
            address=self.store.address(port),
            name=self.name,
            token_url=self.server.token_url,
            client_id=client.client_id,
            secret=client.secret or "",
            lease=LEASE,
            obtain=self.obtain,
            save=SAVE,
            may_lose=self.may_lose,
            stop_at=stop_at,
            clock_ahead=clock_ahead,
        )

    async def sign_in(self) -> None:
        """Put a session into the store that has to be renewed first."""
        store = opened(self._orders(self.store.port))
        async with store.exclusive() as slot:
            await slot.save(replace(self.server.credential(), token=None, generation=1))
        if isinstance(store, PostgresTokenStore):
            await store.aclose()

    async def host(self, *, stop_at: str = "", clock_ahead: float = 0.0) -> Host:
        """Start one more."""
        way = await self._stack.enter_async_context(Way(self.store.port).open())
        orders = self._orders(way.port, stop_at=stop_at, clock_ahead=clock_ahead)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.fleet.host", json.dumps(asdict(orders)), stdout=asyncio.subprocess.PIPE
        )
        host = Host(process, way)
        self.hosts.append(host)
        listening = asyncio.create_task(host.listen())

        async def end() -> None:
            await host.kill()
            await listening

        self._stack.push_async_callback(end)
        return host

    async def two_hosts(self) -> tuple[Host, Host]:
        """Start two, and wait until both are at work."""
        one, two = await self.host(), await self.host()
        await self.go_on(one, two)
        return one, two

    async def go_on(self, *hosts: Host) -> None:
        """Wait until each has a token that it did not have."""
        await asyncio.gather(*(host.goes_on() for host in hosts))

    def on_refresh(self, act: Callable[[], Awaitable[None]], *, rotates: bool = True) -> asyncio.Event:
        """Have something happen when the next refresh arrives, which the server carries out first, or not at all."""
        happened = asyncio.Event()

        async def fault(request: web.Request, handler: Handler) -> web.StreamResponse:
            response = await handler(request) if rotates else web.Response(status=503)
            await act()
            happened.set()
            return response

        self.server.inject(fault, times=1)
        return happened

    async def lease_is_over(self) -> None:
        """Wait until no one holds the store, or another host does."""
        owner = await self.store.owner(self.name)
        while owner is not None and await self.store.owner(self.name) == owner:  # noqa: ASYNC110  it tells of no event
            await asyncio.sleep(0.05)

    def cost(self) -> Cost:
        """Say what it came to."""
        told = [words for host in self.hosts for words in host.told]
        lost = any(words.get("failed") in {"GrantRefused", "SignInRequired"} for words in told)
        failed = sum("failed" in words for words in told)
        waits = [words["took"] for words in told if "took" in words]
        return Cost(presented_twice=self.server.reused, lost=lost, failed=failed, longest_wait=max(waits, default=0.0))


async def run(store: StoreServer, scenario: Scenario, *, grace: float = 0.0) -> Cost:
    """Let it happen, and say what it cost."""
    async with AuthorizationServer(lifetime=LIFETIME, grace=grace) as server, AsyncExitStack() as stack:
        fleet = Fleet(store, server, stack)
        await fleet.sign_in()
        try:
            async with asyncio.timeout(HANG):
                await scenario(fleet)
        except Exception as error:
            error.add_note(f"in {scenario.__name__}: {[host.told[-3:] for host in fleet.hosts]}")
            raise
        return fleet.cost()
