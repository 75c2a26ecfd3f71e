"""Callers who wait for another token than the one they have."""

from __future__ import annotations

import asyncio


class Changes:
    """Wakes those who wait, on whichever event loop they are."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[None], asyncio.AbstractEventLoop] = {}

    async def wait(self, seconds: float) -> None:
        """Return when something was announced. Raises TimeoutError after so many seconds."""
        loop = asyncio.get_running_loop()
        change = loop.create_future()
        self._waiting[change] = loop
        try:
            async with asyncio.timeout(seconds):
                await change
        finally:
            del self._waiting[change]

    def announce(self) -> None:
        """Wake them; callable from any thread."""
        for change, loop in list(self._waiting.items()):
            loop.call_soon_threadsafe(_wake, change)


def _wake(change: asyncio.Future[None]) -> None:
    if not change.done():
        change.set_result(None)
