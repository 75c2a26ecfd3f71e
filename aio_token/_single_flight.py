"""One coroutine for all who ask while it runs, in a task that no caller can reach.

Theory of operation. The obvious way, a lock and a second look once it is held, wakes callers one after another and
makes the first caller do everybody's work: cancelled by its own deadline after the server has rotated the refresh
token, it throws the new one away, and the next caller presents the old one. So the work is a task of its own that
no caller's cancellation, deadline, context or task factory reaches; each caller waits on a future of its own, and one
landing wakes them all in one tick of the event loop.

What a shutdown would still reach, `finish` protects: from the request to the save. And since work may itself ask for
tokens, each piece of work knows those that it waits for, so that a circle is an error instead of a silence (law C11).
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from aio_token._errors import ConfigurationError, TokenError
from aio_token._ground.leg import Leg, context_of, leg_here

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Runs at most one piece of work at a time; whoever asks meanwhile shares its outcome.

    Belongs to the event loop that it is used on, as does `lock`, which excludes on this loop what flights and others
    change.
    """

    __slots__ = ("_gone", "_leg", "_name", "_task", "_waiters", "lock")

    def __init__(self, name: str) -> None:
        self.lock = asyncio.Lock()
        self._name = name
        self._task: asyncio.Task[T | TokenError] | None = None
        self._leg: Leg | None = None
        # Each with when it came, by the event loop's clock.
        self._waiters: list[tuple[asyncio.Future[T | TokenError], float]] = []
        self._gone = 0  # how many of them have given up

    @property
    def in_the_air(self) -> bool:
        """Whether work is under way."""
        return self._task is not None

    @property
    def waiters(self) -> int:
        """How many callers wait for the work under way."""
        return sum(not waiter.done() for waiter, _ in self._waiters)

    @property
    def waits(self) -> tuple[float, ...]:
        """Seconds that each of those callers has waited so far."""
        now = asyncio.get_running_loop().time()
        return tuple(now - since for waiter, since in self._waiters if not waiter.done())

    def start(self, work: Callable[[], Coroutine[Any, Any, T]]) -> Leg:
        """Start the work, unless some is under way, and return what is in the air; no one needs to wait for it."""
        if self._leg is None:
            # Task() and not create_task(): no task factory runs it eagerly inside its caller. An empty context: no
            # deadline, trace span or request variable of the caller who happened to be first reaches everybody's work.
            self._leg = Leg()
            self._task = asyncio.Task(_outcome(work), context=context_of(self._leg), name=self._name)
            self._task.add_done_callback(self._land)
        return self._leg

    async def join(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Wait for the work under way, or start it; return its result or raise a `TokenError` of one's own.

        Raises `ConfigurationError` at once where the work under way waits, directly or not, for its caller.
        """
        within = leg_here()
        if within is None:
            return await self._join(work)
        if self._leg is not None and self._leg.leads_to(within):
            message = (
                "the renewal waits for itself, since what renews the token asks for that very token; "
                "give the grant a session without this middleware"
            )
            raise ConfigurationError(message)
        with within.awaiting(self.start(work)):
            return await self._join(work)

    async def landed(self) -> None:
        """Wait until no work is under way."""
        while self._task is not None and self._leg is not None:
            self._leg.land()
            await asyncio.wait((self._task,))
            await asyncio.sleep(0)  # the landing is a callback of the task: it runs in this tick or the next

    def serve(self, outcome: T | TokenError) -> None:
        """Wake all who wait so far with what has come, though the work goes on."""
        waiters, self._waiters, self._gone = self._waiters, [], 0
        for waiter, _ in waiters:
            if not waiter.done():
                # A result even where it is an error: an exception set on a future whose caller is cancelled in the
                # same tick would be reported as never retrieved.
                waiter.set_result(outcome)

    async def _join(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        self.start(work)
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[T | TokenError] = loop.create_future()
        self._waiters.append((waiter, loop.time()))
        try:
            outcome = await waiter
        except asyncio.CancelledError:
            self._left(waiter)
            raise
        if isinstance(outcome, TokenError):
            raise outcome.again()
        return outcome

    def _left(self, waiter: asyncio.Future[T | TokenError]) -> None:
        """Keep nothing of callers that gave up, once they are half of all (law H3)."""
        self._gone += waiter.cancelled()
        if 2 * self._gone > len(self._waiters):
            self._waiters = [pair for pair in self._waiters if not pair[0].done()]
            self._gone = 0

    def _land(self, task: asyncio.Task[T | TokenError]) -> None:
        if task.cancelled() or task.exception() is not None:
            # The event loop shuts down, or the process does (SystemExit, KeyboardInterrupt).
            outcome: T | TokenError = TokenError("the renewal was interrupted, because its event loop shut down")
        else:
            outcome = task.result()
        self._task = self._leg = None
        self.serve(outcome)


class Flights(Generic[T]):
    """A flight for each event loop that asks, made when the loop first does: nothing is bound to a loop before."""

    __slots__ = ("_flights", "_name")

    def __init__(self, name: str) -> None:
        self._name = name
        self._flights: list[tuple[asyncio.AbstractEventLoop, SingleFlight[T]]] = []

    def here(self) -> SingleFlight[T]:
        """Return the running loop's flight. Several threads may ask at once, each on its loop."""
        here = asyncio.get_running_loop()
        for loop, flight in list(self._flights):
            if loop is here:
                return flight
            if loop.is_closed():
                with suppress(ValueError):  # another thread has removed it
                    self._flights.remove((loop, flight))
        flight = SingleFlight(self._name)
        self._flights.append((here, flight))
        return flight


async def _outcome(work: Callable[[], Coroutine[Any, Any, T]]) -> T | TokenError:
    try:
        return await work()
    except TokenError as error:
        return error


async def finish(work: Coroutine[Any, Any, T], *, grace: float) -> T:
    """Run the work to its end though the calling task is cancelled, for at most `grace` seconds after that.

    `asyncio.run` cancels every task that it knows of and waits for them. This task is taken off its list, and the
    caller, which is on it, waits here: what a server has rotated gets saved (law C4).
    """
    loop = asyncio.get_running_loop()
    task = asyncio.Task(work, loop=loop, context=context_of(leg_here()), name="aio_token: not to be cancelled")
    hide_from_shutdown(task)
    deadline: asyncio.TimerHandle | None = None
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError:
            deadline = deadline or loop.call_later(grace, task.cancel)
    if deadline is None:
        return task.result()
    deadline.cancel()
    if not task.cancelled():
        task.exception()  # looked at, so that nothing is reported as never retrieved
    raise asyncio.CancelledError


def hide_from_shutdown(task: asyncio.Task[Any]) -> None:
    """Take a task off the list of those that `asyncio.run` cancels at its end; whoever waits for it must be on it."""
    asyncio.tasks._unregister_task(task)  # noqa: SLF001  documented under "Extending asyncio"
