"""An API that answers at once, without a network: what is left is the cost of the way to a token."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import ClientSession

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

    from benchmarks._serving import Place
    from benchmarks.rivals._rival import Rival

    Answer = Callable[[str], bool]
    """Told the header's value, say whether the API takes it."""


@dataclass(frozen=True, slots=True)
class Step:
    """A request to the stub: `await call(*arguments)`."""

    call: Callable[..., Awaitable[Any]]
    arguments: tuple[Any, ...]

    async def ask(self) -> int:
        """Make it, and return the status."""
        response = await self.call(*self.arguments)
        return int(response.status_code if hasattr(response, "status_code") else response.status)


@asynccontextmanager
async def stubbed(rival: Rival, place: Place, answer: Answer | None = None) -> AsyncIterator[Step]:
    """Yield a request to the stub with the rival's help; token requests go to the real server.

    With `answer` None nothing is looked at: the shortest way.
    """
    make = _by_aiohttp if rival.library == "aiohttp" else _by_httpx
    async with make(rival, place, answer) as step:
        yield step


async def exchanged(place: Place, token: str) -> tuple[ClientRequest, ClientResponse]:
    """Return a request and a response of aiohttp's own making, from the real server."""
    kept: list[ClientRequest] = []

    async def keep(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        kept.append(request)
        return await handler(request)

    header = {"Authorization": f"Bearer {token}"}
    async with ClientSession(middlewares=(keep,)) as session, session.get(place.api, headers=header) as response:
        await response.read()
    kept[0].headers.popall("Authorization")
    return kept[0], response


@asynccontextmanager
async def _by_aiohttp(rival: Rival, place: Place, answer: Answer | None) -> AsyncIterator[Step]:
    request, good = await exchanged(place, place.static)
    _, refused = await exchanged(place, "not-known")
    assert (good.status, refused.status) == (200, 401)

    async def shortest(request: ClientRequest) -> ClientResponse:  # noqa: ARG001
        return good

    async def looking(request: ClientRequest) -> ClientResponse:
        assert answer
        return good if answer(request.headers["Authorization"]) else refused

    handler = looking if answer else shortest
    async with rival.make(place) as middleware:
        yield Step(middleware, (request, handler))


@asynccontextmanager
async def _by_httpx(rival: Rival, place: Place, answer: Answer | None) -> AsyncIterator[Step]:
    from httpx import AsyncBaseTransport, AsyncHTTPTransport, Request, Response

    class Stub(AsyncBaseTransport):  # type: ignore[misc]  # its types are not looked at
        """The stub, beside a real transport for the token endpoint."""

        def __init__(self) -> None:
            self.real = AsyncHTTPTransport()

        async def handle_async_request(self, request: Request) -> Response:
            if request.method == "POST":
                return await self.real.handle_async_request(request)
            if answer is None or answer(request.headers["Authorization"]):
                return Response(200)
            return Response(401)

        async def aclose(self) -> None:
            await self.real.aclose()

    async with rival.make(place, Stub()) as client:
        yield Step(client.get, (place.api,))
