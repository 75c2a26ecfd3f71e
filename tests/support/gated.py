"""Work that stands at a gate, and work in many steps: stand-ins for a renewal."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any

REQUEST: ContextVar[str] = ContextVar("REQUEST", default="none")
"""What a web framework would keep about the request that it serves."""


class Work:
    """Work that waits at a gate, and fails with `error` if that is set."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error
        self.calls = 0
        self.ended = False
        self.task: asyncio.Task[Any] | None = None
        self.request = ""
        self.arrived = asyncio.Event()
        self.gate = asyncio.Event()

    async def __call__(self) -> int:
        """Wait for the gate; return the number of calls."""
        self.calls += 1
        self.task = asyncio.current_task()
        self.request = REQUEST.get()
        self.arrived.set()
        await self.gate.wait()
        self.ended = True
        if self.error is not None:
            raise self.error
        return self.calls


class Saving:
    """Work in several steps, each of which gives the event loop a turn, as a POST and a save do."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.steps = 0

    async def __call__(self) -> str:
        """Do all steps."""
        for _ in range(20):
            await asyncio.sleep(0.001)
            self.steps += 1
        if self.error is not None:
            raise self.error
        return "saved"
