"""A few threads for the calls that block, shared by all files of the process (law F1)."""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


class Call(NamedTuple):
    """A call to make, and the future of its result."""

    future: Future[Any]
    make: Callable[[], object]


class Threads:
    """At most `most` at a time, made when there is work and gone when there is none; they keep no process.

    A call that was given up while it runs is no longer counted: a dead disk must not keep the others waiting.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.forget()
        _ALL.add(self)

    def forget(self) -> None:
        """Have no threads and no calls, as in a child that was forked."""
        self._lock = threading.Lock()
        self._era = object()
        self._busy = 0
        self._ready: deque[Strand] = deque()

    @property
    def are_busy(self) -> bool:
        """Whether a call would have to wait for a thread."""
        return self._busy >= self._most

    def take(self, strand: Strand, call: Call) -> None:
        """Make the call after the strand's others. Raises RuntimeError if the system gives no thread at all."""
        with self._lock:
            if strand.era is not self._era:
                strand.begin(self._era)
            strand.calls.append(call)
            if strand.active:
                return
            strand.active = True
            self._ready.append(strand)
            try:
                self._reinforce()
            except RuntimeError:
                if not self._busy:  # else one of those takes it
                    self._ready.remove(strand)
                    strand.begin(self._era)
                    raise

    def give_up(self, strand: Strand, futures: Collection[Future[Any]]) -> None:
        """Leave out what was cancelled before it began; let the call that runs end uncounted if it is one of these."""
        with self._lock, suppress(RuntimeError):  # without another thread, the next call that comes brings one
            strand.calls = deque(call for call in strand.calls if not call.future.cancelled())
            running = strand.running.future if strand.running is not None else None
            if running is not None and running in futures and not running.done() and not strand.uncounted:
                strand.uncounted = True
                self._busy -= 1
                self._reinforce()

    def _reinforce(self) -> None:
        if self._ready and self._busy < self._most:
            self._busy += 1
            try:
                threading.Thread(target=self._serve, name="aio_token", daemon=True).start()
            except RuntimeError:
                self._busy -= 1
                raise

    def _serve(self) -> None:
        strand = self._next(None)
        while strand is not None:
            strand.run()
            strand = self._next(strand)

    def _next(self, done: Strand | None) -> Strand | None:
        """Return whose turn it is now, None if this thread is not needed any more."""
        with self._lock:
            if done is not None and self._ended(done):
                if self._busy >= self._most:
                    return None
                self._busy += 1
            if not self._ready:
                self._busy -= 1
                return None
            strand = self._ready.popleft()
            strand.running = strand.calls.popleft() if strand.calls else None
            return strand

    def _ended(self, strand: Strand) -> bool:
        """Put the strand behind the others if it has more to do; tell whether its call was uncounted."""
        uncounted, strand.uncounted, strand.running = strand.uncounted, False, None
        strand.active = bool(strand.calls)
        if strand.active:
            self._ready.append(strand)
        return uncounted


class Strand:
    """Calls that are made one after another, in the order of asking, in whichever thread is free.

    A store has one for all it does: a call that hangs takes one thread, however often the store is asked again.
    """

    __slots__ = ("_threads", "active", "calls", "era", "running", "uncounted")

    def __init__(self, threads: Threads | None = None) -> None:
        self._threads = threads or FILES
        self.begin(None)

    def begin(self, era: object) -> None:
        """Have nothing to do."""
        self.era = era
        self.calls: deque[Call] = deque()
        self.running: Call | None = None
        self.active = False
        self.uncounted = False

    @property
    def waits(self) -> bool:
        """Whether a call would have to wait for a thread."""
        return self._threads.are_busy

    def submit(self, make: Callable[[], object]) -> Future[Any]:
        """Make the call after all that were submitted before."""
        future: Future[Any] = Future()
        self._threads.take(self, Call(future, make))
        return future

    def give_up(self, futures: Collection[Future[Any]]) -> None:
        """Leave out what was cancelled before it began; let the call that runs end uncounted if it is one of these."""
        self._threads.give_up(self, futures)

    def run(self) -> None:
        """Make the call whose turn it is."""
        if self.running is not None:
            _run(*self.running)


def _run(future: Future[Any], make: Callable[[], object]) -> None:
    if future.set_running_or_notify_cancel():
        try:
            future.set_result(make())
        except BaseException as error:  # noqa: BLE001  it is raised again where the call is awaited
            future.set_exception(error)
    del future, make  # an error's traceback names this frame: without the cycle, it goes with its reader


_ALL: weakref.WeakSet[Threads] = weakref.WeakSet()
FILES = Threads(16)


def _forget_all() -> None:
    """A fork copies the locks and the counts, and not the threads."""
    for threads in _ALL:
        threads.forget()


getattr(os, "register_at_fork", lambda **_: None)(after_in_child=_forget_all)
