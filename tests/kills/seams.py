"""The points a process comes to on its way through a renewal, and its end by SIGKILL at one of them.

The points are not listed by hand: they are what passes through four seams. The store's worker is asked for each step on
disk; the interpreter's audit events tell what is done within a step; the event loop resumes the renewal's tasks; and
observers are told of events.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, TypeVarTuple, Unpack

from aio_token._disk.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context

    from aio_token._disk.threads import Strand
    from aio_token.events import Event

P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")

LOOP = "resumed in "
"""What the names of the event loop's points begin with."""

_AT_MOST = 384  # bytes that the disk takes at once, so that half a file is a point too
_ON_FILES = {"open", "os.rename", "os.mkdir", "os.remove", "os.listdir"}
_ELSEWHERE = {"fcntl.flock", "socket.connect", "os.chmod"}  # these name no file that could be compared
_PACKAGE = f"{os.sep}aio_token{os.sep}"
_ROLES = {
    r"\.token\.\w+(\.[0-9a-f]{16})?\.tmp": "the draft",
    r"token\.\w+\.lock": "the lock",
    r"token\.\w+": "the file",
    r"key": "the key",
}


@dataclass(frozen=True, slots=True)
class Point:
    """The `nth` time (from 1) that a process comes to what is called `name`; `at` is when, by the monotonic clock."""

    name: str
    nth: int
    at: float = 0.0


class Seams:
    """Notes the points that this process comes to, and ends it at one."""

    def __init__(self, folder: Path, die_at: Point | None) -> None:
        self.points: list[Point] = []
        self._times: dict[str, int] = {}
        self._folder = str(folder)
        self._deadly = (die_at.name, die_at.nth) if die_at else None

    def reach(self, name: str) -> None:
        """Come to a point."""
        nth = self._times[name] = self._times.get(name, 0) + 1
        if (name, nth) == self._deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        self.points.append(Point(name, nth, time.monotonic()))

    def observe(self, event: Event) -> None:
        """Be an observer."""
        self.reach(f"told of {type(event).__name__}")

    def worker(self, strand: Strand | None = None) -> Worker:
        """Make the worker of a store."""
        return _Worker(self, strand)

    def event_loop(self) -> asyncio.AbstractEventLoop:
        """Make the event loop of the process."""
        return _Loop(self)

    def listen(self) -> None:
        """Hear the audit events of this process from now on, for ever."""
        sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: tuple[object, ...]) -> None:
        if event in _ELSEWHERE:
            self.reach(f"about to {event.partition('.')[2]}")
        elif event in _ON_FILES and isinstance(path := arguments[0], str | Path):
            text = os.fspath(path)
            if text.startswith(self._folder):
                self.reach(f"about to {event.removeprefix('os.')} {_role(text)}")


class _Worker(Worker):
    def __init__(self, seams: Seams, strand: Strand | None) -> None:
        super().__init__(strand)
        self._seams = seams

    def step(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        function: Any = call
        name = str(function.__name__).strip("_")
        made = partial(call, *args, **kwargs)
        if name == "write":
            descriptor, content = made.args
            made = partial(function, descriptor, content[:_AT_MOST])
        self._seams.reach(f"before {name}")
        result = super().step(made)
        self._seams.reach(f"after {name}")
        return result


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, seams: Seams) -> None:
        super().__init__()
        self._seams = seams

    def call_soon(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        task = getattr(callback, "__self__", None)
        if isinstance(task, asyncio.Task) and task.get_name().startswith("aio_token"):
            self._seams.reach(f"{LOOP}{_where(task)}")
        return super().call_soon(callback, *args, context=context)


def _where(task: asyncio.Task[Any]) -> str:
    """Name the innermost function of the package that the task waits in."""
    found = ""
    waiting: Any = task.get_coro()
    while code := getattr(waiting, "cr_code", None):
        _, package, module = code.co_filename.rpartition(_PACKAGE)
        if package:
            found = f"{module.removesuffix('.py').strip('_')}.{code.co_name.strip('_')}"
        waiting = waiting.cr_await
    return found


def _role(path: str) -> str:
    name = Path(path).name
    return next((role for pattern, role in _ROLES.items() if re.fullmatch(pattern, name)), "the directory")
