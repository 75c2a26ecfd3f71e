"""Which requests had to wait, for a token or an answer: a middleware on each side of the one that is measured."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from aiohttp import ClientHandlerType, ClientMiddlewareType, ClientRequest, ClientResponse

    from examples.demo.tally import Reason, Tally

_UNAUTHORIZED = 401


@dataclass(slots=True)
class _Wait:
    began: float
    why: Reason
    handle: asyncio.Handle | None = None


class Waits:
    """Counts the requests whose token was not at hand, and notes how long the API takes.

    A request that waits gives the event loop a turn, so a call that was put into the loop's queue has been made.
    """

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._begun: WeakKeyDictionary[ClientRequest, _Wait] = WeakKeyDictionary()

    def around(self, middleware: ClientMiddlewareType) -> tuple[ClientMiddlewareType, ...]:
        """Return the three middlewares for a session."""
        return self._before, middleware, self._behind

    async def _before(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        self._begin(request)
        try:
            return await handler(request)
        except BaseException:
            if request in self._begun:  # it waited in vain
                self._end(request)
            raise

    async def _behind(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        self._end(request)
        loop = asyncio.get_running_loop()
        sent = loop.time()
        try:
            response = await handler(request)
        finally:
            self._tally.slowest_answer = max(self._tally.slowest_answer, loop.time() - sent)
        if response.status == _UNAUTHORIZED:  # then it waits again
            self._begin(request)
        return response

    def _begin(self, request: ClientRequest) -> None:
        loop = asyncio.get_running_loop()
        wait = self._begun[request] = _Wait(loop.time(), self._tally.why_a_token_is_missing)
        wait.handle = loop.call_soon(self._turned, wait)

    def _turned(self, wait: _Wait) -> None:
        wait.handle = None

    def _end(self, request: ClientRequest) -> None:
        wait = self._begun.pop(request)
        if wait.handle is not None:
            wait.handle.cancel()
            return
        self._tally.waits[wait.why].append(asyncio.get_running_loop().time() - wait.began)
