"""One request and its answer, of which a tracer sees that it is made, its address and its status (law G1).

Telemetry attaches itself to every ClientSession of a process: it gives each one trace configs as it is made, or wraps
its `_request`, and what it finds there ends in other people's systems. So the session is told nothing that is secret.
Headers, form, query and proxy are put on the request beneath it, by the one middleware there is, and are taken off
before the session has it again; the answer is read there as well, and its response shows the status alone.
"""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any, cast

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from aio_token._ground.public import public
from aio_token._ground.value import Value
from aio_token._hold import demand_hold
from aio_token._single_flight import hide_from_shutdown
from aio_token.oauth.body import body_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp.connector import Connection
    from aiohttp.typedefs import RawHeaders

    from aio_token.oauth.departure import Departure

_NO_HEADERS: CIMultiDictProxy[str] = CIMultiDictProxy(CIMultiDict())


@public
class Reply(Value):
    """What a server answered, body decompressed; `is_cut` tells that there was more of it than the cap."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_cut: bool = False

    def __repr__(self) -> str:
        return f"<Reply {self.status} of {len(self.body)} bytes>"


class Exchange:
    """The middleware of a session's one request, and what came of it: a reply or an error.

    `departure` is told when the request goes out.
    """

    __slots__ = ("_body", "_departure", "_headers", "_proxy", "_url", "failure", "reply")

    def __init__(
        self, url: str, departure: Departure, *, headers: Mapping[str, str], body: str, proxy: str | None
    ) -> None:
        self._departure = departure
        self._url = URL(url)
        self._headers = headers
        self._body = body.encode() or None
        self._proxy = URL(proxy) if proxy is not None else None
        self.reply: Reply | None = None
        self.failure: Exception | None = None

    @property
    def url(self) -> URL:
        """The address, without the query: some servers want secrets there."""
        return self._url.with_query(None)

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Send the request as it is meant, and leave nothing of it to the session."""
        cast("QuietRequest", request).departure = self._departure
        request.url = self._url
        request.headers.update(self._headers)
        request.update_proxy(self._proxy, None, None)
        try:
            await request.update_body(self._body)
            async with self._departure.within_limit():
                response = cast("QuietResponse", await handler(request))
            try:
                self.reply = await read(response)
            finally:
                response.close()
            response.conceal()
        except Exception as error:  # noqa: BLE001  whatever it is, it may show the request; who sends it asks for it
            self.failure = error
        else:
            return response
        finally:
            request.url = self.url
            request.headers.clear()
            request.update_proxy(None, None, None)
        raise aiohttp.ClientError(type(self.failure).__name__)


class QuietRequest(aiohttp.ClientRequest):
    """A request without traces, whose body goes out though the event loop shuts down.

    Before Python 3.12 aiohttp writes the body in a task of its own. `asyncio.run` would cancel it with all others, and
    that breaks off the connection on which the server's answer, with a new refresh token, is on its way (law C4).
    """

    departure: Departure

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401  they are aiohttp's
        super().__init__(*arguments, **{**named, "traces": []})

    @property
    def request_info(self) -> aiohttp.RequestInfo:
        """What responses and errors tell of the request."""
        return aiohttp.RequestInfo(self.original_url, self.method, _NO_HEADERS, self.original_url)

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Send while what is held lasts, and hide the writer from a shutdown that cancels all tasks."""
        demand_hold()
        self.departure.happens()
        response = await super().send(conn)
        if self._writer is not None:
            hide_from_shutdown(self._writer)
        return response


class QuietResponse(aiohttp.ClientResponse):
    """A response that shows no headers once it is read."""

    _is_concealed = False

    def conceal(self) -> None:
        """Show the status alone from now on."""
        self.cookies = SimpleCookie()
        self._is_concealed = True

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """The headers, until they are concealed."""
        return _NO_HEADERS if self._is_concealed else super().headers

    @property
    def raw_headers(self) -> RawHeaders:
        """The headers as they came, until they are concealed."""
        return () if self._is_concealed else super().raw_headers


async def read(response: aiohttp.ClientResponse) -> Reply:
    """Read an answer up to the cap."""
    data, is_cut = await body_of(response)
    return Reply(status=response.status, headers=response.headers.copy(), body=data, is_cut=is_cut)
