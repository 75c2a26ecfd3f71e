"""Callers who wait for another token than the one they have."""

from __future__ import annotations

import asyncio


class Changes:
    """Wakes those who wait, on whichever event loop they are."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[None], None] | None = None  # few repositories ever have one

    async def wait(self, seconds: float) -> None:
        """Return when something was announced. Raises TimeoutError after so many seconds."""
        waiting = self._waiting = {} if self._waiting is None else self._waiting
        change = asyncio.get_running_loop().create_future()
        waiting[change] = None
        try:
            async with asyncio.timeout(seconds):
                await change
        finally:
            del waiting[change]

    def announce(self) -> None:
        """Wake them; callable from any thread."""
        for change in list(self._waiting or ()):
            change.get_loop().call_soon_threadsafe(_wake, change)


def _wake(change: asyncio.Future[None]) -> None:
    if not change.done():
        change.set_result(None)
