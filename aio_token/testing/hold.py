"""A gate on a server: requests stop at a chosen moment until a test lets them go on, without a sleep."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aio_token._ground.public import public

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.typedefs import Handler


@public
class Hold:
    """Stops requests, either before they are carried out or, with `after`, when only the answer is missing.

    `arrived` is an event: at least one request stands at the gate. `count` tells how many have come so far.
    """

    def __init__(self, *, after: bool = False) -> None:
        self._after = after
        self._open = asyncio.Event()
        self._more = asyncio.Condition()
        self.arrived: asyncio.Event = asyncio.Event()
        self.count: int = 0

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Hold the request."""
        if self._after:
            response = await handler(request)
            await self._wait()
            return response
        await self._wait()
        return await handler(request)

    async def wait_for(self, count: int) -> None:
        """Wait until `count` requests have come to the gate."""
        async with self._more:
            await self._more.wait_for(lambda: self.count >= count)

    def release(self) -> None:
        """Let all go on that stand here, and all who come later."""
        self._open.set()

    async def _wait(self) -> None:
        self.count += 1
        self.arrived.set()
        async with self._more:
            self._more.notify_all()
        await self._open.wait()
