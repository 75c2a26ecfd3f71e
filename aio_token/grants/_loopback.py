"""Waits on this machine's loopback interface for the browser that an authorization server sends back (RFC 8252)."""

from __future__ import annotations

import asyncio
import errno
import hmac
import logging
import os
import secrets
from contextlib import asynccontextmanager
from html import escape
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal

from aiohttp import web

from aio_token._errors import ConfigurationError, TokenError, raise_alone
from aio_token._single_flight import finish
from aio_token.grants._callback import Callback
from aio_token.grants._neighbours import is_foreign

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

Host = Literal["127.0.0.1", "::1", "localhost"]
"""What a redirect URI calls this machine. The name may lead elsewhere, and is for servers that take no address."""

ADDRESSES: dict[Host, tuple[str, ...]] = {
    "127.0.0.1": ("127.0.0.1",),
    "::1": ("::1",),
    "localhost": ("127.0.0.1", "::1"),  # both: a port that another program has at one of them gets the code
}
# What aiohttp would say of a request that is none quotes it, the code too, and stands between what a person reads.
_MUTE = logging.Logger("aio_token.grants", logging.CRITICAL + 1)  # noqa: LOG001  with no handler above it
_LONGEST = 65_536  # bytes of the address that a browser brings the answer to
_PATIENCE = 2.0  # seconds for the browser to take its page
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'",
    "Referrer-Policy": "no-referrer",  # the address of the page has the code in it
    "X-Content-Type-Options": "nosniff",
}
_ARRIVED = "The answer has arrived. Close this window and go back to the program that you came from."
_USED = (
    "This address is good once, and a browser has opened it before. If you see no other window in which to sign in, go "
    "back to the program that you came from, end the sign-in there, and begin another one."
)
_FAILED = "The sign-in cannot begin. Close this window and go back to the program that you came from."


class Page(str):
    """The address of a page of this process that sends a browser on to `leads_to`.

    A browser is started with its address as an argument, and every user of the machine reads those in the list of
    processes. With the `state` of a sign-in another user could answer it, and this one would work in his account.
    """

    __slots__ = ("leads_to",)

    leads_to: str


class Listener:
    """Takes one answer, that with the right `state`; whatever else comes is told that nothing is here.

    Besides, it sends browsers on to where the answer is given: one from the page, and from the start as many as come.
    """

    def __init__(self, host: Host, path: str, state: str) -> None:
        self._host = f"[{host}]" if ":" in host else host
        self._path = path
        self._state = state
        self._arrived: asyncio.Future[Callback] = asyncio.get_running_loop().create_future()
        self._page = Page()
        self._is_taken = False
        self._start = ""
        self._lead: Callable[[], Awaitable[str]] | None = None
        self._leading: set[asyncio.Future[str]] = set()
        self._has_led = False
        self.port: int = 0

    @property
    def redirect_uri(self) -> str:
        """Where the server is to send the browser."""
        return f"http://{self._host}:{self.port}{self._path}"

    def page_for(self, address: str) -> Page:
        """Make the page that leads to an address: once, and only a browser of this user (law G5)."""
        self._page = Page(self._secret_address())
        self._page.leads_to = address
        return self._page

    def start_for(self, lead: Callable[[], Awaitable[str]]) -> str:
        """Make the address that sends each browser of this user on to what `lead` returns for it.

        If it raises, the browser is told so, and so is whoever waits for the response, unless a browser was sent on
        before: a person may be signing in with that one.
        """
        self._start, self._lead = self._secret_address(), lead
        return self._start

    def stop(self) -> None:
        """Lead no browser on any more: the sign-in has ended."""
        for way in self._leading:
            way.cancel()

    async def response(self) -> Callback:
        """Wait for the browser. Raises what has kept one from being sent on."""
        return await self._arrived

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answer a request; any program on this machine, and any web page, can send one."""
        asked = f"http://{request.host}{request.path}"
        if asked in {self._page, self._start}:
            if await self._is_foreign(request):
                return _nothing()
            return self._handed_over() if asked == self._page else await self._led_on()
        if not self._is_awaited(request):
            return _nothing()
        self._arrived.set_result(Callback(request.query))
        return _told(_ARRIVED)

    def _secret_address(self) -> str:
        """Return an address here that no web page guesses which tries all ports."""
        return f"http://{self._host}:{self.port}/{secrets.token_urlsafe(8)}"

    async def _is_foreign(self, request: web.BaseRequest) -> bool:
        port = request.get_extra_info("peername", ("", 0))[1]
        return await asyncio.to_thread(is_foreign, port, self.port)

    def _handed_over(self) -> web.Response:
        """Send the first browser on; who else has learnt the address is told so, and the person who meets that."""
        if self._is_taken:
            return _told(_USED, HTTPStatus.GONE)
        self._is_taken = True
        return _sent_on(self._page.leads_to)

    async def _led_on(self) -> web.Response:
        assert self._lead is not None  # noqa: S101  for type checkers
        way = asyncio.ensure_future(self._lead())
        self._leading.add(way)
        try:
            address = await way
        except Exception as error:  # noqa: BLE001  whatever it is, it belongs to who waits, and the browser to no one
            if not (self._has_led or self._arrived.done()):
                self._arrived.set_exception(error)
                self._arrived.exception()  # it is known: the wait may have ended
            return _told(_FAILED, HTTPStatus.BAD_GATEWAY, str(error) if isinstance(error, TokenError) else "")
        finally:
            self._leading.discard(way)
        self._has_led = True
        return _sent_on(address)

    def _is_awaited(self, request: web.BaseRequest) -> bool:
        query = request.query
        return (
            request.method == "GET"
            and request.host
            == f"{self._host}:{self.port}"  # a name that was made to lead here has another (DNS rebinding)
            and request.path == self._path
            and len(set(query)) == len(query)  # RFC 6749 section 3.1: nothing twice
            and hmac.compare_digest(query.get("state", "").encode(), self._state.encode())
            and not self._arrived.done()
        )


def _nothing() -> web.Response:
    return web.Response(status=HTTPStatus.NOT_FOUND, headers=_HEADERS)


def _sent_on(address: str) -> web.Response:
    headers = {**_HEADERS, "Location": address, "Connection": "close"}
    return web.Response(status=HTTPStatus.SEE_OTHER, headers=headers)


def _told(sentence: str, status: HTTPStatus = HTTPStatus.OK, why: str = "") -> web.Response:
    """Return a page for the person; a part of `why` may be a server's words."""
    page = (
        "<!DOCTYPE html><html lang=en><meta charset=utf-8><title>Signing in</title>"
        f"<p>{sentence}{f'<p>{escape(why)}.' if why else ''}"
    )
    response = web.Response(text=page, content_type="text/html", status=status, headers=_HEADERS)
    response.force_close()
    return response


@asynccontextmanager
async def listening(host: Host, path: str, state: str, port: int) -> AsyncIterator[Listener]:
    """Listen while the block lasts; port 0 is one that is free. Raises `ConfigurationError` if it is taken."""
    listener = Listener(host, path, state)
    server = web.Server(listener.handle, access_log=None, logger=_MUTE, max_line_size=_LONGEST)
    runner = web.ServerRunner(server, shutdown_timeout=_PATIENCE)
    try:
        # Both to their ends: asyncio forgets a server whose start is cancelled, and its port stays taken.
        await finish(_start(runner, ADDRESSES[host], port), grace=_PATIENCE)
        listener.port = runner.addresses[0][1]
        yield listener
    finally:
        listener.stop()
        await finish(runner.cleanup(), grace=_PATIENCE)


async def _start(runner: web.ServerRunner, addresses: tuple[str, ...], port: int) -> None:
    await runner.setup()
    for address in addresses:
        try:
            await web.TCPSite(runner, address, port).start()
        except OSError as error:
            if runner.addresses and error.errno != errno.EADDRINUSE:
                continue  # this machine has no such address; it has the other one
            what = f"{address} cannot be listened on, port {port}"
            message = f"{what}: {os.strerror(error.errno or 0).lower()}; free the port or use another"
            raise_alone(ConfigurationError(message), because=error)
        port = runner.addresses[0][1]
