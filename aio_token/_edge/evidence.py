"""Whether an answer that says nothing, such as a bare 403, is about the token or about the page (law B3).

Theory of operation. Some servers answer 403 to a dead token, and most answer it to a good one that may not see the
page. The answer does not tell, but other answers of the origin do: if a request that was sent later, with the same
token, was accepted, then the token is good. So before a token is renewed for a bare 403, the requests in flight with it
are waited for. Where they tell nothing, these speak against the token: it was never accepted here; the page was
accepted before; or more such answers have come in a row than experience with the origin explains.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, ref

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping

    from aiohttp import ClientRequest, ClientResponse
    from yarl import URL

    from aio_token._token import Token

_REDIRECTED, _NOT_MODIFIED = 300, 304
_PATIENCE = 1.0  # seconds for the requests in flight
_PAGES = 1_000  # that are remembered to have been accepted
_BELIEVED, _MOST_BELIEVED = 3, 100  # answers in a row that may all be about pages: at first, and at most
_ONE_IN = 10  # of those that turned out to be about pages


class Sent:
    """A token on its way with one request; `authorization` is the header's value."""

    __slots__ = ("__weakref__", "authorization", "evidence", "number", "page", "token")

    def __init__(self, token: Token, authorization: str) -> None:
        self.token = token
        self.authorization = authorization
        self.evidence: Evidence | None = None
        self.number = 0
        self.page = 0

    def got(self, response: ClientResponse, *, in_vain: bool = False) -> None:
        """Note the answer as evidence; `in_vain` if another token had got the same."""
        if self.evidence is not None:
            self.evidence.answered(self, response)
            if in_vain:
                self.evidence.was_about_the_page(self)

    async def is_spoken_against(self) -> bool:
        """Whether there is evidence against the token, rather than against the page."""
        return self.evidence is None or await self.evidence.speaks_against(self)


class Evidence:
    """What one origin has answered to the newest token, on one event loop."""

    def __init__(self) -> None:
        self._token: Token | None = None
        self._sent = 0
        self._in_flight: dict[int, ref[Sent]] = {}
        self._accepted = 0  # the number of the newest request that was
        self._dead_at = 0  # the number of the newest request when the token was found to be dead
        self._doubts: dict[int, asyncio.Future[None] | None] = {}  # by request; None where no one waits any more
        self._about_pages = 0
        self._longest_row = _BELIEVED
        self._suspected_row = 0  # the one that the newest renewal was for
        self._pages: dict[int, None] = {}

    def sends(self, sent: Sent, request: ClientRequest) -> None:
        """Number a request that goes out."""
        sent.evidence = self
        if not sent.token.same_as(self._token):
            self._settle(list(self._doubts))
            self._token, self._accepted, self._dead_at = sent.token, 0, 0
            self._in_flight.clear()
        self._sent = number = sent.number = self._sent + 1
        sent.page = hash((request.method, request.url))
        # Weakly: a request that fails or is cancelled is let go of, and is in flight no more.
        self._in_flight[number] = ref(sent, lambda _: self._vanished(number))

    def answered(self, sent: Sent, response: ClientResponse) -> None:
        """Note an answer; one that is no success says nothing by itself."""
        if response.status < _REDIRECTED or response.status == _NOT_MODIFIED:  # to where one signs in, perhaps
            self._pages.pop(sent.page, None)
            self._pages[sent.page] = None
            if len(self._pages) > _PAGES:
                del self._pages[next(iter(self._pages))]
            if sent.token.same_as(self._token):
                self._accepted = max(self._accepted, sent.number)
                about_pages = [number for number in self._doubts if number < sent.number]
                self._about_pages += len(about_pages)
                self._believe(max(len(about_pages), self._about_pages // _ONE_IN))
                self._settle(about_pages)
        self._is_over(sent.number)

    async def speaks_against(self, sent: Sent) -> bool:
        """Whether the token of a request that got such an answer is to be renewed; waits for those in flight."""
        verdict = self._verdict(sent)
        if verdict is not None:
            return verdict
        doubt = self._doubts[sent.number] = asyncio.get_running_loop().create_future()
        if self._in_flight:
            await asyncio.wait((doubt,), timeout=_PATIENCE)
        verdict = self._verdict(sent)
        if verdict is not None:
            self._doubts.pop(sent.number, None)
            return verdict
        self._doubts[sent.number] = None
        if self._accepted and sent.page not in self._pages and len(self._doubts) <= self._longest_row:
            return False
        self._dead_at, self._suspected_row = self._sent, len(self._doubts)
        self._settle(list(self._doubts))
        return True

    def _verdict(self, sent: Sent) -> bool | None:
        """Whether the token is known to be dead; None if nothing is known."""
        if not sent.token.same_as(self._token):
            return True
        if self._accepted > sent.number:
            return False
        return True if self._dead_at > self._accepted else None  # what is accepted after that is alive

    def was_about_the_page(self, sent: Sent) -> None:
        """Note that another token was answered alike: that the page was accepted once says no more."""
        self._pages.pop(sent.page, None)
        self._believe(self._suspected_row)

    def _believe(self, row: int) -> None:
        self._longest_row = min(max(self._longest_row, row), _MOST_BELIEVED)

    def _is_over(self, number: int) -> None:
        self._in_flight.pop(number, None)
        if not self._in_flight:
            _end(self._doubts.values())

    def _vanished(self, number: int) -> None:
        """Note that a request was let go of: in whichever thread, since collectors run in any."""
        waiting = next(filter(None, list(self._doubts.values())), None)
        if waiting is None:
            self._in_flight.pop(number, None)
        else:
            with suppress(RuntimeError):  # the event loop is closed
                waiting.get_loop().call_soon_threadsafe(self._is_over, number)

    def _settle(self, numbers: list[int]) -> None:
        _end([self._doubts.pop(number) for number in numbers])


class Archive:
    """The evidence of each origin, for each event loop."""

    def __init__(self) -> None:
        self._by_loop: MutableMapping[asyncio.AbstractEventLoop, dict[str, Evidence]] = WeakKeyDictionary()

    def of(self, url: URL) -> Evidence:
        """Return the evidence of the address's origin on the running loop."""
        here, origin = self._by_loop.setdefault(asyncio.get_running_loop(), {}), f"{url.scheme}://{url.raw_authority}"
        if origin not in here:
            here[origin] = Evidence()
        return here[origin]


def _end(doubts: Iterable[asyncio.Future[None] | None]) -> None:
    for doubt in doubts:
        if doubt is not None and not doubt.done():
            doubt.set_result(None)
