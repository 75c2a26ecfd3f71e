"""Carries one request to an authorization server: a session of its own, a deadline, a cap, errors of the library's own.

A session of its own costs some hundred microseconds, nothing beside a network, and buys much: no owner, no stale
keep-alive connection, no header, cookie or middleware of another part of the program, hence no recursion through a
middleware that needs a token to renew a token.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import aiohttp

from aio_token._errors import ConfigurationError, LockTimeout, ServerUnavailable, raise_alone
from aio_token._ground.version import __version__
from aio_token._hold import lapsed
from aio_token._limits import within
from aio_token.oauth.departure import Departure, NoConnection
from aio_token.oauth.exchange import Exchange, QuietRequest, QuietResponse, read
from aio_token.oauth.secret import Revealed
from aio_token.oauth.trouble import translated

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable

    from aio_token._errors import TokenError
    from aio_token.oauth.exchange import Reply
    from aio_token.oauth.form import Request
    from aio_token.oauth.transport import Transport

    Sign = Callable[[Request], Awaitable[Request]]

_PAUSES = (0.1, 0.3)  # seconds between attempts to connect: nothing was sent, so nothing can have happened twice
_LONGEST_HEADER = 1 << 16  # bytes: a long policy or cookie beside it makes a new refresh token no worse
_NO_TIMEOUTS = aiohttp.ClientTimeout(total=None, sock_connect=None)  # one deadline spans all attempts


async def send(request: Request, transport: Transport, *, sign: Sign | None = None) -> Reply:
    """Send the request and return whatever HTTP answer comes, redirects included.

    `sign` is called for each attempt, since servers take a client's JWT only once. Raises what `sign` raises, and
    `ServerUnavailable` or `ConfigurationError`, never an error of aiohttp (law D10): aiohttp takes some of its own
    errors for leave to send the outer request again, middlewares and all.
    """
    message = f"{request.to} did not answer within {transport.timeout:g} seconds; whether it acted is unknown"
    silence = ServerUnavailable(message, outcome_unknown=True)
    silence.about = "server"
    departure = Departure(transport.connect_timeout)
    try:
        async with within(transport.timeout, silence):
            return await _persevere(request, transport, departure, sign)
    except ServerUnavailable as error:
        if error is not silence or not departure.is_certainly_ahead:
            raise
        raise_alone(translated(NoConnection(transport.timeout), request.to, dropped=False, by_proxy=False))


async def _persevere(request: Request, transport: Transport, departure: Departure, sign: Sign | None) -> Reply:
    """Try again where that is safe, or the one time that law D7 allows."""
    proxy = _proxy(request, transport)
    pauses = iter(_PAUSES)
    dropped: TokenError | None = None
    while True:
        signed = request if sign is None else await sign(request)
        tls = await transport.tls()
        connector = _connector(transport, request.to)
        try:
            return await _attempt(signed, transport, departure, proxy, connector, tls=tls)
        except Exception as error:  # noqa: BLE001  the frames of whatever it is show the request
            refused = isinstance(error, aiohttp.ClientConnectorError)
            connecting = refused or isinstance(error, aiohttp.ClientHttpProxyError | NoConnection)
            lost = isinstance(error, aiohttp.ClientConnectionError | aiohttp.ClientPayloadError)
            has_lapsed = isinstance(error, LockTimeout)
            acted = dropped is not None or not connecting
            failure = translated(error, request.to, dropped=acted, by_proxy=proxy.value is not None)
        if has_lapsed:
            raise dropped or lapsed()
        if isinstance(failure, ConfigurationError) or not lost:
            raise failure
        if refused:
            if (pause := next(pauses, None)) is None:
                raise failure
            await asyncio.sleep(pause)
        elif connecting or dropped is not None or not request.repeatable:
            raise failure
        else:
            dropped = failure


async def _attempt(
    request: Request,
    transport: Transport,
    departure: Departure,
    proxy: Revealed[str | None],
    connector: aiohttp.BaseConnector | None,
    *,
    tls: ssl.SSLContext | aiohttp.Fingerprint | bool,
) -> Reply:
    exchange = Exchange(
        request.url, departure, headers=_headers(request, transport), body=request.body, proxy=proxy.value
    )
    session = aiohttp.ClientSession(
        auto_decompress=False,
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        request_class=QuietRequest,
        response_class=QuietResponse,
        timeout=_NO_TIMEOUTS,
        max_field_size=_LONGEST_HEADER,
    )
    try:
        async with session.request(
            request.method, exchange.url, allow_redirects=False, ssl=tls, middlewares=(exchange,)
        ) as response:
            return exchange.reply or await read(response)  # a stand-in for `_request` calls no middleware
    except Exception as error:  # noqa: BLE001  a tracer's own may be among them
        if exchange.reply is not None:
            return exchange.reply  # a tracer failed, and the answer may hold a new refresh token
        raise exchange.failure or error from None
    finally:
        # aiohttp closes in a task of its own, which a loop that shuts down cancels; the answer is in hand all the same.
        with suppress(asyncio.CancelledError):
            await session.close()


def _proxy(request: Request, transport: Transport) -> Revealed[str | None]:
    """Return the proxy's URL, None for none.

    Raises `ConfigurationError` for a proxy that does not speak HTTP, and for any on the way of plain http: it would
    read secrets, and answer as if it were the server (law A2).
    """
    try:
        proxy = Revealed(transport.proxy_for(request.url))
    except ValueError:
        message = (
            f"the proxy on the way to {request.to} must speak HTTP; check HTTPS_PROXY and ALL_PROXY in the "
            "environment, and for SOCKS, pass connector= instead"
        )
        raise_alone(ConfigurationError(message))
    if proxy.value is not None and request.url.lower().startswith("http:"):
        message = (
            f"a proxy stands on the way to {request.to} and would read what is sent in clear; use https, or make an "
            "exception of the server (NO_PROXY, or a Transport without `proxy`)"
        )
        raise ConfigurationError(message)
    return proxy


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
