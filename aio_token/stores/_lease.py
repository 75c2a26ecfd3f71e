"""A lease in the hands of its holder: kept alive by a heartbeat, and judged by both clocks."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_token._clock import Clock
    from aio_token.stores._shelf import Shelf

_BEATS = 3
"""Heartbeats within one lease: two of them may be lost."""

_logger = logging.getLogger("aio_token")


class Lease:
    """What this process knows of its hold; it ends no later here than at the server."""

    __slots__ = ("_clock", "_monotonic_end", "_seconds", "_shelf", "_wall_end", "owner")

    def __init__(self, shelf: Shelf, owner: str, seconds: float, clock: Clock) -> None:
        self._shelf = shelf
        self.owner = owner
        self._seconds = seconds
        self._clock = clock
        self.lapse()

    @property
    def lasts(self) -> float:
        """Seconds that are left; a machine that was suspended has no monotonic clock for it, so both are asked."""
        left = min(self._monotonic_end - self._clock.monotonic(), self._wall_end - self._clock.time())
        return max(left, 0.0)

    def lapse(self) -> None:
        """Count as over."""
        self._monotonic_end = self._wall_end = 0.0

    def begun(self, monotonic: float, wall: float) -> None:
        """Last from a moment before the server was asked."""
        self._monotonic_end, self._wall_end = monotonic + self._seconds, wall + self._seconds

    @asynccontextmanager
    async def kept_alive(self) -> AsyncIterator[None]:
        """Send heartbeats meanwhile."""
        beating = asyncio.create_task(self._beat(), name="aio_token: heartbeat of a lease")
        try:
            yield
        finally:
            beating.cancel()
            await asyncio.wait((beating,))

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._seconds / _BEATS)
            monotonic, wall = self._clock.monotonic(), self._clock.time()
            try:
                ours = await self._shelf.extend(self.owner, self._seconds)
            except Exception as error:  # noqa: BLE001  the next one may get through, and a lease that lapses says so
                _logger.debug("a heartbeat failed (%s)", type(error).__name__)
                continue
            if not ours:
                self.lapse()
                return
            self.begun(monotonic, wall)
