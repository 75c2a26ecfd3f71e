"""The crawl: many clients at once, a pause in which the token ends, and again, with one client cancelled."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp import ClientSession, ClientTimeout, TCPConnector

from examples.demo.tally import Moment
from examples.demo.waits import Waits

if TYPE_CHECKING:
    from aiohttp import ClientMiddlewareType

    from examples.demo.arguments import Settings
    from examples.demo.stage import Stage
    from examples.demo.tally import Tally

ARRIVAL = 1.0  # seconds within which the clients of the first part come
PATIENCE = 10.0  # seconds that an answer may take, and that a token may have left when the crawl pauses
_OK = 200


class Crawl:
    """Clients that GET one address over and over; one whose request fails gives up."""

    def __init__(
        self, settings: Settings, stage: Stage, middleware: ClientMiddlewareType, tally: Tally, connections: int
    ) -> None:
        self._settings = settings
        self._stage = stage
        self._middleware = middleware
        self._tally = tally
        self._connections = connections
        self._begun = 0
        self._until = 0.0
        self.phase = ""

    @property
    def seconds(self) -> float:
        """About how long all of it takes."""
        return self._settings.seconds * 1.5 + 2

    async def run(self) -> None:
        """Crawl, pause until no token is good any more, and crawl again with a client cancelled."""
        clients, seconds = self._settings.clients, self._settings.seconds
        connector = TCPConnector(limit=self._connections)
        middlewares = Waits(self._tally).around(self._middleware)
        async with ClientSession(
            connector=connector, middlewares=middlewares, timeout=ClientTimeout(total=PATIENCE)
        ) as session:
            self._session = session
            self.phase = "crawling"
            self._go_on_for(seconds)
            arrivals = (ARRIVAL * number / clients for number in range(clients))
            await asyncio.wait([asyncio.create_task(self._client(arrival)) for arrival in arrivals])
            if self._tally.tokens.all_end_in > PATIENCE:
                self._tally.remark = "the token lived on, so no client could be cancelled in the middle of a renewal"
                return
            self.phase = "pausing until the token has ended"
            paused = asyncio.get_running_loop().time()
            await asyncio.sleep(max(self._tally.tokens.all_end_in, 0) + 0.05)
            self._tally.before_the_pause = len(self._tally.tokens.ends)
            self._tally.pauses = paused, asyncio.get_running_loop().time()
            self.phase = "again; the client that renewed was cancelled"
            self._go_on_for(seconds / 2)
            await asyncio.wait(await self._one_cancelled())

    async def _one_cancelled(self) -> list[asyncio.Task[None]]:
        """Hang up on the client that renews, when the server has acted and before it answers; all others wait then."""
        with self._stage.renewal(self._tally.tokens.quickest) as half_way:
            unlucky = asyncio.create_task(self._client())
            with suppress(TimeoutError):
                await asyncio.wait_for(half_way(), PATIENCE)
            others = [asyncio.create_task(self._client()) for _ in range(self._settings.clients - 1)]
            await asyncio.sleep(0)  # each of them has asked for a token now
            unlucky.cancel()
            await asyncio.sleep(0)
        return [unlucky, *others]

    def _go_on_for(self, seconds: float) -> None:
        self._until = asyncio.get_running_loop().time() + seconds
        self._begun = 0

    async def _client(self, arrival: float = 0.0) -> None:
        loop, tally = asyncio.get_running_loop(), self._tally
        if arrival:
            await asyncio.sleep(arrival)
        while loop.time() < self._until and self._begun < self._settings.requests:
            self._begun += 1
            began = loop.time()
            try:
                async with self._session.get(self._stage.api) as response:
                    await response.read()
                failure = None if response.status == _OK else f"HTTP {response.status}"
            except asyncio.CancelledError:
                tally.cancelled += 1
                raise
            except Exception as error:  # noqa: BLE001  whatever it is, the request failed
                failure = type(error).__name__
            tally.moments.append(Moment(loop.time(), loop.time() - began, failure is None))
            if failure is not None:
                tally.failures[failure] += 1
                return
            tally.answered += 1
