"""An event loop that stops at every step of a renewal, so that a test need not list the awaits (and forget one)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVarTuple, Unpack

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context


Ts = TypeVarTuple("Ts")


class SteppingLoop(asyncio.SelectorEventLoop):
    """Calls `at_step` when step number `stop_at` of the renewal's own tasks is about to run.

    A coroutine suspends at an await and goes on by a step of its task: stopping at each step in turn is stopping at
    every await that suspends, those of the libraries beneath included.
    """

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0
        self.stop_at = 0
        self.at_step: Callable[[], object] = int

    def call_soon(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Count the step, stop where asked to, and schedule."""
        task = getattr(callback, "__self__", None)
        if isinstance(task, asyncio.Task) and task.get_name().startswith("aio_token"):
            self.steps += 1
            if self.steps == self.stop_at:
                self.at_step()
        return super().call_soon(callback, *args, context=context)
