"""What repositories share: how many renew at once, and what they know together of a server's trouble."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakKeyDictionary

from aio_token._arguments import demand_count
from aio_token._ground.leg import leg_here
from aio_token._ground.public import public
from aio_token._pacing.outage import Outages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
    from types import TracebackType
    from typing import Self


T = TypeVar("T")

PATIENCE = 1.0
"""Seconds for which a renewal that waits for a lock keeps others waiting (law C12)."""


@public
class Pace:
    """Bounds the renewals of many repositories, and has them leave a server alone together.

    At most `at_once` renewals are in hand at a time on an event loop: each holds a connection, a lock and a few
    descriptors. Others queue, for which no limit counts. A renewal that another one waits for is not made to queue.

    What concerns the server or the client, such as no answer, 429, 503 or `invalid_client`, puts all accounts of one
    endpoint and client off once two of them in a row have met it; then one at a time tries. Repositories share one
    instance per process unless they are given others. Raises `ConfigurationError` unless `at_once` is a whole number
    from 1.
    """

    __slots__ = ("_at_once", "_outages", "_turns")

    def __init__(self, at_once: int = 32) -> None:
        demand_count(at_once, "at_once")
        self._at_once = at_once
        self._turns = Turns(at_once)
        self._outages = Outages()

    def __repr__(self) -> str:
        return f"Pace(at_once={self._at_once})"

    def forget(self) -> None:
        """Forget all trouble, as when the network is back: every account may ask again when its own pause is over."""
        self._outages.clear()


def turns_of(pace: Pace) -> Turns:
    """Return how many of its renewals are in hand, and which of them queue."""
    return pace._turns  # noqa: SLF001  a user of `Pace` need not see it


def outages_of(pace: Pace) -> Outages:
    """Return what its accounts know together."""
    return pace._outages  # noqa: SLF001  a user of `Pace` need not see it


class Turns:
    """Lets a bounded number of renewals be in hand on each event loop."""

    __slots__ = ("_at_once", "_gates")

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._gates: MutableMapping[asyncio.AbstractEventLoop, Gate] = WeakKeyDictionary()

    async def through(self, renewal: Callable[[Turn], Awaitable[T]]) -> T:
        """Run a renewal in its turn, again from the beginning whenever it made room for others."""
        loop = asyncio.get_running_loop()
        gate = self._gates.get(loop)
        if gate is None:
            gate = self._gates[loop] = Gate(self._at_once)  # no other thread runs this loop
        turn = Turn(gate)
        while True:
            with suppress(_OthersWait):
                async with turn:
                    return await renewal(turn)


class Gate:
    """The renewals in hand on one event loop, and those that queue, first come, first served."""

    __slots__ = ("_free", "_queue")

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._queue: OrderedDict[asyncio.Future[bool], None] = OrderedDict()

    @property
    def is_crowded(self) -> bool:
        """Whether others queue."""
        return bool(self._queue)

    async def enter(self) -> bool:
        """Take a slot, in one's turn; tell whether there is one to give back: work inside work takes none."""
        leg = leg_here()
        if leg is not None and leg.is_awaited:
            return False
        if self._free:
            self._free -= 1
            return True
        place: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queue[place] = None
        if leg is not None:
            leg.hurry = lambda: self._pass(place, with_slot=False)
        try:
            has_slot = await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.result():
                self.leave()
            self._queue.pop(place, None)
            raise
        finally:
            if leg is not None:
                leg.hurry = None
        return has_slot

    def leave(self) -> None:
        """Give the slot back, or rather to the first in the queue."""
        if self._queue:
            self._pass(next(iter(self._queue)), with_slot=True)
        else:
            self._free += 1

    def _pass(self, place: asyncio.Future[bool], *, with_slot: bool) -> None:
        if place in self._queue:
            del self._queue[place]
            place.set_result(with_slot)


class _OthersWait(Exception):
    """A renewal has waited long enough for a lock while others queue."""


class Turn:
    """One renewal's place among the others, entered each time that it queues; `waited` is for locks, in seconds."""

    __slots__ = ("_gate", "_has_slot", "_timer", "waited")

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._has_slot = False
        self.waited = 0.0

    async def __aenter__(self) -> Self:
        self._has_slot = await self._gate.enter()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.leave()

    def leave(self) -> None:
        """Let others have the slot, if there still is one to give back."""
        if self._has_slot:
            self._has_slot = False
            self._gate.leave()

    @asynccontextmanager
    async def lends_patience(self) -> AsyncIterator[None]:
        """Wait for locks inside; past a second the renewal begins anew as soon as others queue."""
        if not self._has_slot:
            yield
            return
        loop = asyncio.get_running_loop()
        began = loop.time()
        deadline = asyncio.timeout(None)
        self._timer = loop.call_later(PATIENCE, self._look, deadline)
        try:
            async with deadline:
                yield
        except TimeoutError:
            self.waited += loop.time() - began
            raise _OthersWait from None
        finally:
            self._timer.cancel()

    def _look(self, deadline: asyncio.Timeout) -> None:
        loop = asyncio.get_running_loop()
        if self._gate.is_crowded:
            deadline.reschedule(loop.time())
        else:
            self._timer = loop.call_later(PATIENCE, self._look, deadline)


NO_TURN = Turn(Gate(0))
"""For what is no renewal: it takes no slot, and only its own limits bound it."""

PACE = Pace()
"""The process's own."""
