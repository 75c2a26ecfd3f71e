"""One coroutine for all who ask while it runs, in a task that no caller can reach."""

from __future__ import annotations

import asyncio
from contextvars import Context
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from aio_token._errors import TokenError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Runs at most one piece of work at a time; whoever asks meanwhile shares its outcome.

    Each caller waits on a future of its own, so one landing wakes them all in one tick of the event loop, and a
    caller's cancellation ends nothing but its own wait. Belongs to the event loop that it is used on.
    """

    __slots__ = ("_name", "_since", "_task", "_waiters")

    def __init__(self, name: str) -> None:
        self._name = name
        self._task: asyncio.Task[T | TokenError] | None = None
        self._waiters: list[asyncio.Future[T | TokenError]] = []
        self._since: list[float] = []  # when each of them came, by the event loop's clock

    @property
    def in_the_air(self) -> bool:
        """Whether work is under way."""
        return self._task is not None

    @property
    def waiters(self) -> int:
        """How many callers wait for the work under way."""
        return sum(not waiter.done() for waiter in self._waiters)

    @property
    def waits(self) -> tuple[float, ...]:
        """Seconds that each of those callers has waited so far."""
        now = asyncio.get_running_loop().time()
        return tuple(now - since for waiter, since in zip(self._waiters, self._since, strict=True) if not waiter.done())

    def start(self, work: Callable[[], Coroutine[Any, Any, T]]) -> None:
        """Start the work, unless some is under way; nobody needs to wait for it."""
        if self._task is None:
            # Task() and not create_task(): no task factory runs it eagerly inside its caller. An empty context: no
            # deadline, trace span or request variable of the caller who happened to be first reaches everybody's work.
            self._task = asyncio.Task(_outcome(work), context=Context(), name=self._name)
            self._task.add_done_callback(self._land)

    async def join(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Wait for the work under way, or start it; return its result or raise a `TokenError` of one's own."""
        self.start(work)
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[T | TokenError] = loop.create_future()
        self._waiters.append(waiter)
        self._since.append(loop.time())
        outcome = await waiter
        if isinstance(outcome, TokenError):
            raise outcome.again()
        return outcome

    async def landed(self) -> None:
        """Wait until no work is under way."""
        while self._task is not None:
            await asyncio.wait((self._task,))
            await asyncio.sleep(0)  # the landing is a callback of the task: it runs in this tick or the next

    def _land(self, task: asyncio.Task[T | TokenError]) -> None:
        if task.cancelled() or task.exception() is not None:
            # The event loop shuts down, or the process does (SystemExit, KeyboardInterrupt).
            outcome: T | TokenError = TokenError("the renewal was interrupted, because its event loop shut down")
        else:
            outcome = task.result()
        waiters, self._waiters, self._since, self._task = self._waiters, [], [], None
        for waiter in waiters:
            if not waiter.done():
                # A result even where it is an error: an exception set on a future whose caller is cancelled in the
                # same tick would be reported as never retrieved.
                waiter.set_result(outcome)


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
    task = asyncio.Task(work, loop=loop, context=Context(), name="aio_token: not to be cancelled")
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
