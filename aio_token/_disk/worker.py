"""The thread that makes the blocking calls of one store operation, in order."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Executor, Future
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from aiofiles.os import wrap

from aio_token._disk.steps import GivenUp, Steps

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Worker(Executor, Steps):
    """An executor with one thread, made for one operation, and the steps of the plain functions that run in it.

    The default executor may be busy with the application's work, and an inherited one hangs after fork. The thread is
    a daemon: a call that hangs for ever, on a dead disk or a prompt that is never answered, does not keep the process.
    Calls run one after another, so what is submitted after a call that was given up still follows it.
    """

    def __init__(self) -> None:
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], object]] | None] = SimpleQueue()
        self._pending: list[Future[Any]] = []
        self._closed = False
        self._gone = threading.Event()  # whether the caller of the call that runs is
        self._thread = threading.Thread(target=_serve, args=(self._calls,), name="aio_token", daemon=True)
        self._thread.start()

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Make the call after all that were submitted before."""
        if self._closed:
            message = "the operation has ended; its slot is of no use any more"
            raise RuntimeError(message)
        future: Future[_T] = Future()
        self._pending = [call for call in self._pending if not call.done()] + [future]
        self._calls.put((future, partial(fn, *args, **kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  Executor's
        """Take no more calls; the thread ends after the last one."""
        self._closed = True
        self._calls.put(None)
        if wait:
            self._thread.join()

    async def call(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Make the call in the thread; cancelled while it runs, it goes no further than the step that it is in."""
        gone = threading.Event()
        try:
            result: _T = await wrap(self._make)(gone, partial(fn, *args, **kwargs), executor=self)
        except BaseException:
            gone.set()
            raise
        return result

    async def settle(self, tidy: Callable[[], None]) -> None:
        """Make a closing call, which nothing cancels, after whatever still runs.

        It is waited for unless a call that was given up still runs: a caller that gave up on a hanging disk must not
        hang on tidying up after it.
        """
        abandoned = any(not call.done() for call in self._pending)
        tidied = self.submit(tidy)
        if not abandoned:
            await asyncio.shield(asyncio.wrap_future(tidied))

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
        self._gone = gone
        return call()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.shutdown(wait=False)


def _serve(calls: SimpleQueue[tuple[Future[Any], Callable[[], object]] | None]) -> None:
    for future, call in iter(calls.get, None):
        _run(future, call)
        del future, call  # what they hold is not kept until the next call comes


def _run(future: Future[Any], call: Callable[[], object]) -> None:
    if future.set_running_or_notify_cancel():
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001  it is raised again where the call is awaited
            future.set_exception(error)
    del future  # the error's traceback names this frame: without the cycle, it goes with its reader
