"""A server on a loopback port that can be held, broken, taken off the network and put back."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from aiohttp import web

from aio_token._arguments import demand
from aio_token._ground.public import public
from aio_token.testing.hold import Hold

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Iterator
    from types import TracebackType
    from typing import Self

    from aiohttp.typedefs import Handler

Fault = Callable[[web.Request, "Handler"], Awaitable[web.StreamResponse]]
"""What becomes of a request: the answer, or what `handler(request)` answers, sooner or later."""

_BACKLOG = 4_096  # a crawler opens a thousand connections in one tick
_PATIENCE = 0.05  # seconds that requests in progress are given when the server stops


@dataclass
class _Injected:
    fault: Fault
    endpoint: str
    times: int | None


@public
@dataclass(kw_only=True, eq=False, repr=False)
class LoopbackServer:
    """Runs an aiohttp application on a port of its own while the `async with` block lasts.

    `host` is a loopback address, of IPv4 or IPv6. With `ssl_context` it speaks https. `endpoint` in the methods is the
    name of a route.
    """

    main_endpoint: ClassVar[str]

    host: str = "127.0.0.1"
    ssl_context: ssl.SSLContext | None = field(default=None)
    _port: int = field(default=0, init=False)
    _faults: list[_Injected] = field(default_factory=list, init=False)
    _holds: list[tuple[str, Hold]] = field(default_factory=list, init=False)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack, init=False)
    _server: web.Server | None = field(default=None, init=False)
    _listener: asyncio.Server = field(init=False)
    _socket: socket.socket = field(init=False)

    @property
    def url(self) -> str:
        """The server's origin; it has no slash at its end."""
        scheme = "https" if self.ssl_context else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"

    @property
    def port(self) -> int:
        """The port; it stays the same from the first block to the last."""
        return self._port

    def routes(self) -> list[web.RouteDef]:
        """Return the routes that are served, each with a name."""
        raise NotImplementedError  # each server's own

    async def note(self, endpoint: str | None, request: web.Request) -> None:
        """Be told of every request, before it is held or goes wrong."""

    async def put_on(self, request: web.Request, response: web.StreamResponse) -> None:
        """Put headers on every answer, right before it is sent."""

    def inject(self, fault: Fault, *, endpoint: str | None = None, times: int | None = None) -> None:
        """Let the next `times` requests (None: all) of an endpoint go through a fault.

        Faults queue up: the first one that still wants requests gets them. A fault is one of `aio_token.testing`, or
        any `async (request, handler) -> response`. Raises `ConfigurationError` for what is neither.
        """
        demand(fault, "__call__", "a fault is such as Dropped(), or a middleware of aiohttp's servers")
        self._faults.append(_Injected(fault, endpoint or self.main_endpoint, times))

    def recover(self) -> None:
        """Forget every fault."""
        self._faults.clear()

    @contextmanager
    def hold(self, *, endpoint: str | None = None, after: bool = False) -> Iterator[Hold]:
        """Hold requests of an endpoint; leaving the block releases them."""
        entry = (endpoint or self.main_endpoint, Hold(after=after))
        self._holds.append(entry)
        try:
            yield entry[1]
        finally:
            self._holds.remove(entry)
            entry[1].release()

    @asynccontextmanager
    async def offline(self) -> AsyncIterator[None]:
        """Refuse connections, and drop the open ones; leaving the block listens again, on the same port."""
        self._disconnect()
        self._reserve()
        try:
            yield
        finally:
            await self._listen()

    async def __aenter__(self) -> Self:
        application = web.Application(middlewares=[self._trouble])
        application.add_routes(self.routes())
        application.on_response_prepare.append(self.put_on)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=_PATIENCE)
        self._stack.push_async_callback(runner.cleanup)
        await runner.setup()
        self._server = runner.server
        self._reserve()
        await self._listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._disconnect()
        self._server = None
        await self._stack.aclose()

    def _reserve(self) -> None:
        # Bound without listening: connections are refused, and nobody else gets the port meanwhile.
        self._socket = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((self.host, self._port))
        self._port = self._socket.getsockname()[1]

    async def _listen(self) -> None:
        self._listener = await asyncio.get_running_loop().create_server(
            self._serving(), sock=self._socket, ssl=self.ssl_context, backlog=_BACKLOG
        )

    def _disconnect(self) -> None:
        connections = self._serving().connections
        self._listener.close()
        for connection in connections:
            transport = connection.transport
            connection.force_close()
            if transport is not None and self.ssl_context is not None:
                transport.abort()  # by itself it waits for the other end to say goodbye, longer than the loop may last

    def _serving(self) -> web.Server:
        if self._server is None:
            message = f"{type(self).__name__} serves inside its `async with` block only"
            raise RuntimeError(message)
        return self._server

    @web.middleware
    async def _trouble(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        endpoint = request.match_info.route.name
        await self.note(endpoint, request)
        step: Handler = partial(self._at_fault, handler=handler, endpoint=endpoint)
        for name, hold in self._holds:
            if name == endpoint:
                step = partial(hold, handler=step)
        return await step(request)

    async def _at_fault(self, request: web.Request, *, handler: Handler, endpoint: str | None) -> web.StreamResponse:
        for injected in self._faults:
            if injected.endpoint == endpoint:
                if injected.times is not None:
                    injected.times -= 1
                    if injected.times <= 0:
                        self._faults.remove(injected)
                return await injected.fault(request, handler)
        return await handler(request)
