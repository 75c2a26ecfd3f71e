"""Carries one request to an authorization server: a session of its own, a deadline, a cap, errors of the library's own.

A session of its own costs some hundred microseconds, nothing beside a network, and buys much: no owner, no stale
keep-alive connection, no header, cookie or middleware of another part of the program, hence no recursion through a
middleware that needs a token to renew a token.
"""

from __future__ import annotations

import asyncio
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

import aiohttp

from aio_token._errors import ConfigurationError, ServerUnavailable, raise_alone, without_frames
from aio_token._limits import within
from aio_token._public import public
from aio_token._single_flight import hide_from_shutdown
from aio_token._value import Value
from aio_token._version import __version__

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from aiohttp.connector import Connection

    from aio_token._errors import TokenError
    from aio_token.oauth.form import Request
    from aio_token.oauth.transport import Transport

    Sign = Callable[[Request], Awaitable[Request]]

BODY_CAP = 1 << 18  # bytes, before and after decompression: more JSON would stop the event loop (law D1)
_PAUSES = (0.1, 0.3)  # seconds between attempts to connect: nothing was sent, so nothing can have happened twice
_NO_TIMEOUTS = aiohttp.ClientTimeout(total=None, sock_connect=None)  # one deadline spans all attempts


@public
class Reply(Value):
    """What a server answered, body decompressed; `is_cut` tells that there was more of it than the cap."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_cut: bool = False

    def __repr__(self) -> str:
        return f"<Reply {self.status} of {len(self.body)} bytes>"


async def send(request: Request, transport: Transport, *, sign: Sign | None = None) -> Reply:
    """Send the request and return whatever HTTP answer comes, redirects included.

    `sign` is called for each attempt, since servers take a client's JWT only once. Raises what `sign` raises, and
    `ServerUnavailable` or `ConfigurationError`, never an error of aiohttp (law D10): aiohttp takes some of its own
    errors for leave to send the outer request again, middlewares and all.
    """
    message = f"{request.to} did not answer within {transport.timeout:g} seconds; whether it acted is unknown"
    async with within(transport.timeout, ServerUnavailable(message, outcome_unknown=True)):
        return await _persevere(request, transport, sign)


async def _persevere(request: Request, transport: Transport, sign: Sign | None) -> Reply:
    """Try again where that is safe, or the one time that law D7 allows."""
    pauses = iter(_PAUSES)
    dropped = False
    while True:
        signed = request if sign is None else await sign(request)
        connector = _connector(transport, request.to)
        try:
            return await _attempt(signed, transport, connector)
        except Exception as error:  # noqa: BLE001  the frames of whatever it is show the request
            connecting = isinstance(error, aiohttp.ClientConnectorError)
            lost = isinstance(error, aiohttp.ClientConnectionError | aiohttp.ClientPayloadError)
            failure = _translated(error, request.to, dropped=dropped or not connecting)
        if isinstance(failure, ConfigurationError) or not lost:
            raise failure
        if connecting:
            if (pause := next(pauses, None)) is None:
                raise failure
            await asyncio.sleep(pause)
        elif dropped or not request.repeatable:
            raise failure
        else:
            dropped = True


async def _attempt(request: Request, transport: Transport, connector: aiohttp.BaseConnector | None) -> Reply:
    session = aiohttp.ClientSession(
        auto_decompress=False,
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        request_class=_UndisturbedRequest,
        timeout=_NO_TIMEOUTS,
    )
    try:
        async with session.request(
            request.method,
            request.url,
            headers=_headers(request, transport),
            data=request.body.encode() or None,
            allow_redirects=False,
            ssl=transport.ssl,
            proxy=transport.proxy_for(request.url),
        ) as response:
            body = _Body()
            while not response.content.at_eof() and not body.is_full:
                body.feed(await response.content.readany())
            data, is_cut = body.decoded(response.headers.get("Content-Encoding", "identity").lower())
            return Reply(status=response.status, headers=response.headers.copy(), body=data, is_cut=is_cut)
    finally:
        # aiohttp closes in a task of its own, which a loop that shuts down cancels; the answer is in hand all the same.
        with suppress(asyncio.CancelledError):
            await session.close()


def _connector(transport: Transport, to: str) -> aiohttp.BaseConnector | None:
    """Make the connector for one attempt, None for aiohttp's own. Raises `ConfigurationError`."""
    if transport.connector is None:
        return None
    try:
        connector: object = transport.connector()
    except Exception as error:  # noqa: BLE001  it is another party's function
        message = f"`connector` failed for {to} ({type(error).__name__}); see the cause"
        raise_alone(ConfigurationError(message), because=error)
    if not isinstance(connector, aiohttp.BaseConnector):
        message = f"`connector` gave no aiohttp connector for {to}; check the function"
        raise ConfigurationError(message)
    return connector


def _headers(request: Request, transport: Transport) -> dict[str, str]:
    given = {**transport.headers, **request.headers}
    names = {name.lower() for name in given}
    own = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": f"aio_token/{__version__}"}
    return {**{name: value for name, value in own.items() if name.lower() not in names}, **given}


class _UndisturbedRequest(aiohttp.ClientRequest):
    """A request whose body goes out though the event loop shuts down.

    Before Python 3.12 aiohttp writes the body in a task of its own. `asyncio.run` would cancel it with all others, and
    that breaks off the connection on which the server's answer, with a new refresh token, is on its way (law C4).
    """

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Send, and hide the writer from a shutdown that cancels all tasks."""
        response = await super().send(conn)
        if self._writer is not None:
            hide_from_shutdown(self._writer)
        return response


class _Body:
    """Collects an answer up to the cap; an object, so that no frame shows a part of it."""

    __slots__ = ("_data",)

    def __init__(self) -> None:
        self._data = bytearray()

    @property
    def is_full(self) -> bool:
        return len(self._data) > BODY_CAP

    def feed(self, chunk: bytes) -> None:
        self._data += chunk

    def decoded(self, encoding: str) -> tuple[bytes, bool]:
        """Decompress, and tell whether there was more.

        It is done here, as the cap must hold whatever a server sends and whatever aiohttp's version.
        """
        whole: bytes | bytearray = self._data
        if encoding in {"gzip", "x-gzip", "deflate"}:
            whole = zlib.decompressobj(wbits=32 + zlib.MAX_WBITS).decompress(self._data, BODY_CAP + 1)
        return bytes(whole[:BODY_CAP]), self.is_full or len(whole) > BODY_CAP


def _translated(error: Exception, to: str, *, dropped: bool) -> TokenError:
    """Say in plain words what went wrong; `dropped` tells that the server may have acted on the request."""
    failure: TokenError
    unknown = "; whether it acted on the request is unknown" if dropped else ""
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ServerFingerprintMismatch():
            failure = ConfigurationError(f"{to} shows a certificate that is not trusted; check the address and `ssl`")
        case aiohttp.ClientProxyConnectionError():
            failure = ServerUnavailable(
                f"the proxy on the way to {to} cannot be reached{unknown}; try again later", outcome_unknown=dropped
            )
        case aiohttp.ClientHttpProxyError(status=407):
            failure = ConfigurationError(f"the proxy on the way to {to} wants other credentials; check `proxy`")
        case aiohttp.ClientConnectorError():
            failure = ServerUnavailable(f"{to} cannot be reached{unknown}; try again later", outcome_unknown=dropped)
        case aiohttp.ClientConnectionError() | aiohttp.ClientPayloadError():
            failure = ServerUnavailable(f"{to} dropped the connection{unknown}; try again later", outcome_unknown=True)
        case TypeError() | ValueError():
            failure = ConfigurationError(
                f"a request to {to} cannot be made; check the address, `ssl` and the proxy, which must speak HTTP"
            )
        case _:
            failure = ServerUnavailable(
                f"{to} gave no usable answer ({type(error).__name__}); try again later", outcome_unknown=True
            )
    # The system's own error tells enough: aiohttp's shows a proxy's password, and others quote what the server sent.
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, OSError):
        failure.__cause__ = without_frames(cause)
    return failure
