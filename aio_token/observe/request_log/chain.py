"""Which requests belong together: retries and redirects, in the order in which they were sent.

aiohttp runs its middlewares again on each hop of a redirect, with a new request, in the same task; and once more where
a kept connection turned out to be closed. A middleware that retries sends the very same request again.
"""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from aiohttp.hdrs import LOCATION
from yarl import URL

from aio_token.observe.request_log.exchange import Step

if TYPE_CHECKING:
    from aiohttp import ClientRequest, ClientResponse

_REDIRECTS = {301, 302, 303, 307, 308}
_LONGEST = 8_190  # characters of an address; aiohttp takes no longer line unless it is told to


class _Chain:
    __slots__ = ("next_address", "number", "steps", "why")

    def __init__(self, number: int) -> None:
        self.number = number
        self.steps = 0
        self.why = ""
        self.next_address: URL | None = None  # of a new request that would belong here


class Chains:
    """Numbers the requests of one log."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._of_request: WeakKeyDictionary[ClientRequest, _Chain] = WeakKeyDictionary()
        self._of_task: WeakKeyDictionary[object, _Chain] = WeakKeyDictionary()

    def sent(self, request: ClientRequest) -> Step:
        """Say where a request stands that is about to be sent."""
        task = asyncio.current_task()
        chain = self._of_request.get(request) or self._of_task.get(task)
        if chain is None or (request not in self._of_request and chain.next_address != _bare(request.url)):
            chain = _Chain(next(self._numbers))
        self._of_request[request] = self._of_task[task] = chain
        chain.steps += 1
        return Step(number=chain.number, step=chain.steps, why=chain.why)

    def answered(self, request: ClientRequest, response: ClientResponse) -> None:
        """Note a response: a redirect may be followed, and a middleware may send the same request again."""
        chain = self._of_request[request]
        chain.why, chain.next_address = f"again after {response.status}", None
        location = response.headers.get(LOCATION)
        if response.status in _REDIRECTS and location is not None:
            chain.why, chain.next_address = f"redirected by {response.status}", _target(request.url, location)

    def failed(self, request: ClientRequest, error: BaseException) -> None:
        """Note a failure: the same may be tried again."""
        chain = self._of_request[request]
        chain.why, chain.next_address = f"again after {type(error).__name__}", _bare(request.url)


def _target(url: URL, location: str) -> URL | None:
    if len(location) > _LONGEST:
        return None
    try:
        return _bare(url.join(URL(location)))
    except ValueError:
        return None


def _bare(url: URL) -> URL:
    """Return an address as aiohttp sends it."""
    return url.with_fragment(None).with_user(None) if url.absolute else url
