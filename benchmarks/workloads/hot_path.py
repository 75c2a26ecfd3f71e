"""What a request costs that needs no renewal: over a stub in nanoseconds, on loopback in microseconds."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from statistics import median
from typing import TYPE_CHECKING, Any

import uvloop

from aio_token import BearerMiddleware
from benchmarks._parts import parts
from benchmarks._sampling import Rounds, in_turn
from benchmarks._serving import serving
from benchmarks._stub import Step, exchanged, stubbed
from benchmarks.rivals import load_all, opened
from benchmarks.rivals.ours import repository

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import ClientRequest, ClientResponse

    from benchmarks._serving import Serving
    from benchmarks.rivals._rival import Rival

TOKEN_SIZES = (40, 800, 4_000)  # characters
ORIGINS = (1, 3)
CLIENTS = 20  # of the bare client that shows what the server can do


def measure(modules: tuple[str, ...], *, quick: bool) -> dict[str, Any]:
    """Measure with asyncio's event loop and with uvloop's."""
    rivals, missing = load_all(modules)
    plain = asyncio.run(_measure(rivals, quick=quick))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        other = runner.run(_on_loopback(rivals, quick=quick))
    return plain | {"uvloop": other, "missing": missing}


async def _measure(rivals: list[Rival], *, quick: bool) -> dict[str, Any]:
    async with serving() as server:
        stub = {size: await _over_a_stub(server, rivals, size, quick=quick) for size in TOKEN_SIZES}
        origins = await _origins(server, quick=quick)
        profile = await _profile(server, quick=quick)
        headroom = await _headroom(server, rivals[0], seconds=0.5 if quick else 3.0)
    return {
        "stub": [
            {"name": rival.name, "size": size} | _beside(found[rival.name], found[rival.bare])
            for size, found in stub.items()
            for rival in rivals
        ],
        "origins": origins,
        "parts": profile,
        "server": headroom,
        "loopback": await _on_loopback(rivals, quick=quick),
    }


def _steps(step: Step, count: int) -> Callable[[], Awaitable[float]]:
    """Return a sample: nanoseconds a step, of so many."""
    call, arguments = step.call, step.arguments

    async def sample() -> float:
        began = time.perf_counter_ns()
        for _ in range(count):
            await call(*arguments)
        return (time.perf_counter_ns() - began) / count

    return sample


async def _over_a_stub(server: Serving, rivals: list[Rival], size: int, *, quick: bool) -> dict[str, list[float]]:
    await server.set(token_size=size, longer={rival.client_id: rival.margin for rival in rivals})
    async with AsyncExitStack() as stack:
        samples = {}
        for rival in rivals:
            # httpx-auth keeps tokens by client in a place of the whole process
            place = server.place.as_client(f"{rival.client_id}-{size}")
            step = await stack.enter_async_context(stubbed(rival, place))
            assert await step.ask() == 200
            count = (200 if quick else 5_000) if rival.library == "aiohttp" else (20 if quick else 100)
            samples[rival.name] = _steps(step, count)
        taken = await in_turn(samples, 3 if quick else 25)
    await server.set(token_size=40)
    return taken


def _beside(its: list[float], bare: list[float]) -> dict[str, Any]:
    """Sum up the rounds, and what each of them took more than the bare client's, which had the same noise."""
    added = median(one - other for one, other in zip(its, bare, strict=True))
    return {"ns": Rounds.of(its).json(), "added_ns": round(added)}


async def _origins(server: Serving, *, quick: bool) -> list[dict[str, Any]]:
    """Measure ours with one origin and with several, of which the request goes to the last."""
    request, response = await exchanged(server.place, server.place.static)

    async def handler(request: ClientRequest) -> ClientResponse:  # noqa: ARG001
        return response

    samples = {}
    async with repository(server.place) as tokens:
        await tokens.token()
        for count in ORIGINS:
            others = [f"https://api{number}.example" for number in range(count - 1)]
            middleware = BearerMiddleware(tokens, *others, server.place.origin)
            samples[str(count)] = _steps(Step(middleware, (request, handler)), 200 if quick else 5_000)
        taken = await in_turn(samples, 3 if quick else 25)
    return [{"origins": int(name), "ns": Rounds.of(values).json()} for name, values in taken.items()]


async def _profile(server: Serving, *, quick: bool) -> list[dict[str, Any]]:
    """Time the parts of ours."""
    request, response = await exchanged(server.place, server.place.static)
    async with repository(server.place) as tokens:
        await tokens.token()
        middleware = BearerMiddleware(tokens, server.place.origin)
        return parts(middleware, tokens, request, response, count=500 if quick else 50_000)


async def _on_loopback(rivals: list[Rival], *, quick: bool) -> list[dict[str, Any]]:
    """Measure requests one after another on a connection that is kept, in turn, each round beside the bare client's."""
    async with serving() as server, AsyncExitStack() as stack:
        await server.set(longer={rival.client_id: rival.margin for rival in rivals})
        samples = {}
        for rival in rivals:
            place = server.place.as_client(f"{rival.client_id}-{id(stack)}")
            get = await stack.enter_async_context(opened(rival, place, connections=1))
            assert await get(place.api) == 200
            samples[rival.name] = _requests(get, place.api, 10 if quick else 60)
        taken = await in_turn(samples, 3 if quick else 60)
    rows = []
    for rival in rivals:
        ratios = [bare / its for bare, its in zip(taken[rival.bare], taken[rival.name], strict=True)]
        us, added = (
            taken[rival.name],
            [its - bare for bare, its in zip(taken[rival.bare], taken[rival.name], strict=True)],
        )
        row = {"name": rival.name, "us": Rounds.of(us).json(), "ratio": round(median(ratios), 4)}
        rows.append(row | {"added_us": round(median(added), 2)})
    return rows


def _requests(get: Callable[[str], Awaitable[int]], url: str, count: int) -> Callable[[], Awaitable[float]]:
    """Return a sample: the median of so many requests, in microseconds."""

    async def sample() -> float:
        times = []
        for _ in range(count):
            began = time.perf_counter_ns()
            await get(url)
            times.append(time.perf_counter_ns() - began)
        return median(times) / 1e3

    return sample


async def _headroom(server: Serving, bare: Rival, seconds: float) -> dict[str, float]:
    """Show what the server can do: requests per second of the bare client, and whose processor time they take."""
    async with opened(bare, server.place, connections=CLIENTS) as get:
        before, own, began = await server.counts(), time.process_time(), time.perf_counter()

        async def client() -> None:
            while time.perf_counter() < began + seconds:
                await get(server.place.api)

        await asyncio.gather(*(client() for _ in range(CLIENTS)))
        took, mine, after = time.perf_counter() - began, time.process_time() - own, await server.counts()
    return {
        "requests_per_second": round((after.answered - before.answered) / took),
        "server_cpu": round((after.cpu - before.cpu) / took, 3),
        "client_cpu": round(mine / took, 3),
    }
