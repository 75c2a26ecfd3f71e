"""A fleet under torture: hosts as processes over one store, and one thing that happens to them in the middle.

`python -m tests.fleet.rig` prints a Markdown table: what each costs, on a server that ends a session whose refresh
token comes twice and on one that forgives that for a while.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import tempfile
import uuid
from contextlib import AsyncExitStack, ExitStack, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from aio_token.stores import RedisTokenStore
from aio_token.testing import AuthorizationServer
from tests.fleet.host import Orders
from tests.support.redis_server import running

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp.typedefs import Handler

    from tests.support.redis_server import RedisServer

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
    """A process, and what it has told."""

    process: asyncio.subprocess.Process
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

    async def goes_on(self) -> None:
        """Wait until it gets a token that it did not have."""
        known = {words.get("token") for words in self.told}
        await self.tells(lambda words: "token" in words and words["token"] not in known, since=len(self.told))

    def send(self, number: signal.Signals) -> None:
        """Kill, stop or wake it."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)


class Fleet:
    """Hosts over one store and one authorization server."""

    def __init__(self, store: RedisServer, server: AuthorizationServer, stack: AsyncExitStack) -> None:
        self.store, self.server = store, server
        self.name = uuid.uuid4().hex
        self.hosts: list[Host] = []
        self.obtain = LONG
        self._stack = stack

    async def sign_in(self) -> None:
        """Put a session into the store that has to be renewed first."""
        async with RedisTokenStore(self.store.url, self.name, check_server=False).exclusive() as slot:
            await slot.save(replace(self.server.credential(), token=None, generation=1))

    async def host(self, *, stop_at: str = "") -> Host:
        """Start one more."""
        client = self.server.client
        orders = Orders(
            store_url=self.store.url,
            name=self.name,
            token_url=self.server.token_url,
            client_id=client.client_id,
            secret=client.secret or "",
            lease=LEASE,
            obtain=self.obtain,
            save=SAVE,
            stop_at=stop_at,
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.fleet.host", json.dumps(asdict(orders)), stdout=asyncio.subprocess.PIPE
        )
        host = Host(process)
        self.hosts.append(host)
        listening = asyncio.create_task(host.listen())

        async def end() -> None:
            host.send(signal.SIGKILL)
            await process.wait()
            await listening

        self._stack.push_async_callback(end)
        return host

    def on_refresh(self, act: Callable[[], Awaitable[None]], *, rotates: bool) -> asyncio.Event:
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
        key = f"aio_token:{{{self.name}}}:lease"
        owner = self.store.ask("GET", key)
        while self.store.ask("GET", key) == owner != b"$-1\r\n":  # noqa: ASYNC110  a server tells of no event
            await asyncio.sleep(0.05)

    def cost(self) -> Cost:
        """Say what it came to."""
        told = [words for host in self.hosts for words in host.told]
        lost = any(words.get("failed") in {"GrantRefused", "SignInRequired"} for words in told)
        failed = sum("failed" in words for words in told)
        waits = [words["took"] for words in told if "took" in words]
        return Cost(presented_twice=self.server.reused, lost=lost, failed=failed, longest_wait=max(waits, default=0.0))


async def killed_before_the_rotation(fleet: Fleet) -> None:
    """Killed when its request has arrived, before the server rotates."""
    fleet.obtain = SHORT
    await _killed(fleet, rotates=False)


async def killed_after_the_rotation(fleet: Fleet) -> None:
    """Killed when the server has rotated, before the answer is there."""
    fleet.obtain = SHORT
    await _killed(fleet, rotates=True)


async def _killed(fleet: Fleet, *, rotates: bool) -> None:
    one = await fleet.host()

    async def kill() -> None:
        one.send(signal.SIGKILL)
        await one.process.wait()

    await fleet.on_refresh(kill, rotates=rotates).wait()
    two = await fleet.host()
    await two.tells(lambda words: "token" in words or words["failed"] == "GrantRefused")


async def stopped_before_it_sends(fleet: Fleet) -> None:
    """Stopped right before it sends, woken when another host has renewed."""
    fleet.obtain = SHORT
    one = await fleet.host(stop_at="sending")
    await one.tells(lambda words: "stopped" in words)
    two = await fleet.host()
    await two.tells(lambda words: "token" in words)
    one.send(signal.SIGCONT)
    await one.tells(lambda words: "token" in words)


async def stopped_with_the_answer_in_its_socket(fleet: Fleet) -> None:
    """Stopped while it waits for the answer, woken after its lease."""
    one = await fleet.host()

    async def stop() -> None:
        one.send(signal.SIGSTOP)

    await fleet.on_refresh(stop, rotates=True).wait()
    two = await fleet.host()
    await fleet.lease_is_over()
    one.send(signal.SIGCONT)
    await asyncio.gather(one.goes_on(), two.goes_on())


async def stopped_before_it_saves(fleet: Fleet) -> None:
    """Stopped before it saves, woken after its lease."""
    one = await fleet.host(stop_at="saving")
    await one.tells(lambda words: "stopped" in words)
    two = await fleet.host()
    await fleet.lease_is_over()
    one.send(signal.SIGCONT)
    await asyncio.gather(one.goes_on(), two.goes_on())


async def stopped_for_longer_than_the_patience(fleet: Fleet) -> None:
    """Stopped before it saves, for longer than the patience."""
    fleet.obtain = SHORT
    one = await fleet.host(stop_at="saving")
    await one.tells(lambda words: "stopped" in words)
    two = await fleet.host()
    await two.tells(lambda words: "token" in words or words["failed"] == "GrantRefused")
    one.send(signal.SIGCONT)
    await one.tells(lambda words: "token" in words)


async def the_store_is_killed(fleet: Fleet) -> None:
    """The store is killed and starts again, with its log of writes."""
    one, two = await fleet.host(), await fleet.host()
    await asyncio.gather(one.goes_on(), two.goes_on())
    fleet.store.kill()
    await asyncio.sleep(1.0)
    await asyncio.to_thread(fleet.store.start)
    await asyncio.gather(one.goes_on(), two.goes_on())


async def the_store_is_emptied(fleet: Fleet) -> None:
    """The store is emptied."""
    one, two = await fleet.host(), await fleet.host()
    await asyncio.gather(one.goes_on(), two.goes_on())
    fleet.store.ask("FLUSHALL")
    await asyncio.gather(one.goes_on(), two.goes_on())


async def the_store_is_rolled_back(fleet: Fleet) -> None:
    """The store comes back with a snapshot from two renewals ago."""
    one, two = await fleet.host(), await fleet.host()
    key = f"aio_token:{{{fleet.name}}}"
    await asyncio.gather(one.goes_on(), two.goes_on())
    fleet.store.ask("COPY", key, f"{key}:snapshot")
    for _ in range(2):
        await asyncio.gather(one.goes_on(), two.goes_on())
    fleet.store.ask("COPY", f"{key}:snapshot", key, "REPLACE")
    await asyncio.gather(one.goes_on(), two.goes_on())


async def the_store_stands_still(fleet: Fleet) -> None:
    """The store stands still for four seconds when an answer is to be saved."""
    one, two = await fleet.host(), await fleet.host()
    await asyncio.gather(one.goes_on(), two.goes_on())

    async def stand_still() -> None:
        standing = stack.enter_context(fleet.store.stopped())
        assert standing is None

    with ExitStack() as stack:
        await fleet.on_refresh(stand_still, rotates=True).wait()
        await asyncio.sleep(4.0)
    await asyncio.gather(one.goes_on(), two.goes_on())


SCENARIOS = (
    killed_before_the_rotation,
    killed_after_the_rotation,
    stopped_before_it_sends,
    stopped_with_the_answer_in_its_socket,
    stopped_before_it_saves,
    stopped_for_longer_than_the_patience,
    the_store_is_killed,
    the_store_is_emptied,
    the_store_is_rolled_back,
    the_store_stands_still,
)


async def run(scenario: Callable[[Fleet], Awaitable[None]], folder: Path, *, grace: float = 0.0) -> Cost:
    """Let it happen, and say what it cost."""
    with running(folder, "--appendonly", "yes", "--appendfsync", "always") as store:
        async with AuthorizationServer(lifetime=LIFETIME, grace=grace) as server, AsyncExitStack() as stack:
            fleet = Fleet(store, server, stack)
            await fleet.sign_in()
            async with asyncio.timeout(HANG):
                await scenario(fleet)
            return fleet.cost()


async def main() -> None:
    """Print the table."""
    print("| what happens to a host, or to the store | server | presented twice | sessions lost | requests failed |")
    print("|---|---|---|---|---|")
    for scenario in SCENARIOS:
        for kind, grace in (("strict", 0.0), ("grace", GRACE)):
            with tempfile.TemporaryDirectory() as folder:
                cost = await run(scenario, Path(folder), grace=grace)
            row = (str(scenario.__doc__).rstrip("."), kind, cost.presented_twice, int(cost.lost), cost.failed)
            print(f"| {' | '.join(map(str, row))} |", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
