"""The blocking calls of one store operation, in order, in threads of the process's few."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Executor, Future
from concurrent.futures import wait as wait_for
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from aio_token._disk.steps import GivenUp, Steps
from aio_token._disk.threads import Strand
from aio_token._hold import is_swept_away
from aio_token._limits import uncounted

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

_P = ParamSpec("_P")
_T = TypeVar("_T")

_TIDYING = 1.0
"""Seconds that the end of an operation waits for its closing call."""


class Worker(Executor, Steps):
    """An executor for one operation, and the steps of the plain functions that run in it.

    The default executor may be busy with the application's work, and an inherited one hangs after fork. Here a call
    that hangs for ever, on a dead disk or a prompt that is never answered, keeps neither the process nor other stores.
    Calls run one after another, so what is submitted after a call that was given up still follows it.
    """

    def __init__(self, strand: Strand | None = None) -> None:
        self._strand = strand or Strand()
        self._pending: list[Future[Any]] = []
        self._closed = False
        self._began = False
        self._gone = threading.Event()  # whether the caller of the call that runs is

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Make the call after all that were submitted before."""
        if self._closed:
            message = "the operation has ended; its slot is of no use any more"
            raise RuntimeError(message)
        future: Future[_T] = self._strand.submit(partial(fn, *args, **kwargs))
        self._pending = [call for call in self._pending if not call.done()] + [future]
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  Executor's
        """Take no more calls."""
        self._closed = True
        if wait:
            wait_for(self._pending)

    async def call(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Make the call in a thread; cancelled while it runs, it goes no further than the step that it is in.

        The wait for a free thread is not counted by the limit that runs here (law C4).
        """
        gone, call = threading.Event(), partial(fn, *args, **kwargs)
        count = uncounted() if self._strand.waits else None
        if count is not None:
            call = partial(_counted, partial(asyncio.get_running_loop().call_soon_threadsafe, count), call)
        try:
            from aiofiles.os import wrap  # noqa: PLC0415  slow to import, and needed when a file is

            result: _T = await wrap(self._make)(gone, call, executor=self)
        except BaseException:
            gone.set()
            self._strand.give_up(self._pending if self._gone is gone else ())
            raise
        return result

    async def settle(self, tidy: Callable[[], None]) -> None:
        """Make a closing call, which nothing cancels, after whatever still runs; none if nothing ever began.

        It is waited for unless a call that was given up still runs, and not for long: a caller that gave up on a
        hanging disk must not hang on tidying up after it. What an event loop has left behind cannot wait either.
        """
        abandoned = any(not call.done() for call in self._pending)
        if not self._began and not abandoned:
            return
        tidied = self.submit(tidy)
        if not abandoned and not is_swept_away():
            await asyncio.wait((asyncio.wrap_future(tidied),), timeout=_TIDYING)

    def step(self, call: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Make one call that touches the disk, unless the caller is gone."""
        if self._gone.is_set():
            raise GivenUp
        return call(*args, **kwargs)

    def pause(self, seconds: float) -> None:
        """Let some time pass, or less if the caller goes."""
        if self._gone.wait(seconds):
            raise GivenUp

    def _make(self, gone: threading.Event, call: Callable[[], _T]) -> _T:
        self._began, self._gone = True, gone
        return call()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.shutdown(wait=False)


def _counted(count: Callable[[], object], call: Callable[[], _T]) -> _T:
    with suppress(RuntimeError):  # the loop is closed: the caller is gone
        count()
    return call()
