"""A server that answers what a test says, and remembers what it was sent."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.test_utils import TestServer

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

GRANTED: dict[str, object] = {"access_token": "access-1", "token_type": "Bearer", "expires_in": 3600}


@dataclass(frozen=True)
class Received:
    """A request as it arrived; a form's member that came several times is in `repeated`."""

    method: str
    path: str
    headers: Mapping[str, str]
    form: dict[str, str]
    repeated: list[tuple[str, str]]


@dataclass
class TokenServer:
    """What tests see of the server."""

    url: str = ""
    received: list[Received] = field(default_factory=list)


def says(payload: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Answer with JSON."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.json_response(payload, status=status, headers=headers)

    return answer


def sends(body: bytes = b"", *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Answer with these bytes."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status, headers=headers)

    return answer


async def drops(request: web.Request) -> web.StreamResponse:
    """Close the connection once the request is read."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


@asynccontextmanager
async def token_server(*answers: Answer, ssl_context: ssl.SSLContext | None = None) -> AsyncIterator[TokenServer]:
    """Serve the answers in turn, on every path; the last one stays."""
    server, script = TokenServer(), list(answers)

    async def handler(request: web.Request) -> web.StreamResponse:
        members = [(name, str(value)) for name, value in (await request.post()).items()]
        server.received.append(
            Received(request.method, request.rel_url.raw_path_qs, request.headers.copy(), dict(members), members)
        )
        answer = script.pop(0) if len(script) > 1 else script[0]
        return await answer(request)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    running = TestServer(application)
    await running.start_server(ssl=ssl_context)
    try:
        server.url = str(running.make_url("")).rstrip("/")
        yield server
    finally:
        await running.close()
