"""A crawl at full speed over many expiries: who waits, and how long requests take beside a header that never changes.

`python -m benchmarks.crawl [SECONDS]` crawls with three middlewares at the same time, in one process, each with as many
clients: so they share the machine's noise. The servers are a process of their own; tokens live 2 s, and the token
endpoint takes 300 ms. Prints a Markdown table and writes docs/pictures/crawl.svg.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, Any

from aiohttp import ClientSession, TCPConnector

from aio_token import BearerMiddleware, ClientSecretBasic, RefreshTokenGrant, TokenEndpoint, TokenRepository
from benchmarks._crawl_picture import draw
from benchmarks._crawl_record import Crawl, Request
from benchmarks._crawl_server import STATIC
from examples.lock_and_double_check import LockAndDoubleCheck

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from aiohttp import ClientHandlerType, ClientMiddlewareType, ClientRequest, ClientResponse

    from aio_token import Credential, Grant, Wish

PICTURE = Path(__file__).parent.parent / "docs" / "pictures" / "crawl.svg"
LIFETIME, LATENCY = 2.0, 0.3  # seconds: of an access token, of the token endpoint
CLIENTS = 20  # of each middleware
SECONDS = 30.0
_UNAUTHORIZED = 401


async def run(crawl: Crawl, middleware: ClientMiddlewareType, url: str, until: float) -> None:
    """Crawl with the middleware until then."""
    connector = TCPConnector(limit=CLIENTS)
    async with ClientSession(middlewares=(middleware, _watch_sending), connector=connector) as session:
        await asyncio.gather(*(_client(crawl, session, url, number, until) for number in range(CLIENTS)))


async def _client(crawl: Crawl, session: ClientSession, url: str, number: int, until: float) -> None:
    loop = asyncio.get_running_loop()
    while (began := loop.time()) < until:
        waits = _Waits(loop)
        token = _waits.set(waits)
        try:
            async with session.get(url) as response:
                await response.read()
            crawl.failed += response.status != 200
        except Exception:  # noqa: BLE001  whatever it is, the request failed
            crawl.failed += 1
        else:
            crawl.requests.append(Request(number, began, loop.time(), tuple(waits.found)))
        _waits.reset(token)


async def _watched(crawl: Crawl, renew: Awaitable[Any]) -> Any:  # noqa: ANN401  whatever it returns
    """Note how long a renewal takes."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        return await renew
    finally:
        crawl.renewals.append((began, loop.time()))


class _Waits:
    """When a request waited for a token: a wait gives the event loop a turn, and then the call was made."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.found: list[tuple[float, float]] = []
        self.begin()

    def begin(self) -> None:
        """From now on it would be waiting."""
        self._began, self._turned = self._loop.time(), False
        self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._turned = True

    def end(self) -> None:
        """It is sent."""
        if self._turned:
            self.found.append((self._began, self._loop.time()))


_waits: ContextVar[_Waits] = ContextVar("_waits")


async def _watch_sending(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    waits = _waits.get()
    waits.end()
    response = await handler(request)
    if response.status == _UNAUTHORIZED:  # the one who renews now waits
        waits.begin()
    return response


async def _static(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    request.headers["Authorization"] = f"Bearer {STATIC}"
    return await handler(request)


class _WatchedGrant:
    """A grant whose calls are noted."""

    def __init__(self, grant: Grant, crawl: Crawl) -> None:
        self._grant = grant
        self._crawl = crawl
        self.issued_by = grant.issued_by

    async def obtain(self, credential: Credential | None, wish: Wish) -> Credential:
        """Pass it on."""
        new: Credential = await _watched(self._crawl, self._grant.obtain(credential, wish))
        return new


class _WatchedContrast(LockAndDoubleCheck):
    """The contrast, its renewals noted."""

    crawl: Crawl

    async def renew(self) -> None:
        await _watched(self.crawl, super().renew())


@asynccontextmanager
async def servers(lifetime: float, latency: float) -> AsyncIterator[tuple[dict[str, Any], dict[str, int]]]:
    """Start the servers; yield where they are, and a place for what they saw, filled when they stop."""
    seen: dict[str, int] = {}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "benchmarks._crawl_server", str(lifetime), str(latency)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    try:
        yield json.loads(await process.stdout.readline()), seen
        process.stdin.close()
        seen.update(json.loads(await process.stdout.readline()))
    finally:
        process.stdin.close()
        await process.wait()


async def crawl(seconds: float) -> tuple[list[Crawl], dict[str, int], float]:
    """Crawl with all three at once; return what they went through, what the servers saw, and when it began."""
    constant, contrast, ours = crawls = [Crawl("static header"), Crawl("lock and double check"), Crawl("aio_token")]
    loop = asyncio.get_running_loop()
    async with servers(LIFETIME, LATENCY) as (there, seen):
        url, client, secret = there["api"], there["client_id"], there["secret"]
        first, second = there["refresh_tokens"]
        endpoint = TokenEndpoint(there["token_url"], ClientSecretBasic(client, secret))
        grant = _WatchedGrant(RefreshTokenGrant(endpoint, first=first), ours)
        plain = _WatchedContrast(there["token_url"], client, secret, second)
        plain.crawl = contrast
        async with TokenRepository(grant, observer=None) as tokens:
            await asyncio.gather(tokens.token(), plain.renew())  # the first token does not count as a wait
            began = loop.time()
            await asyncio.gather(
                run(constant, _static, url, began + seconds),
                run(contrast, plain, url, began + seconds),
                run(ours, BearerMiddleware(tokens, url, observer=None), url, began + seconds),
            )
    return crawls, seen, began


def row(one: Crawl) -> str:
    """Return a line of the table, times in milliseconds."""
    times = [(request.ended - request.began) * 1e3 for request in one.requests]
    cuts = quantiles(times, n=1000)
    longest = max(one.waited, default=0.0) * 1e3
    shown = " | ".join(f"{value:,.1f}" for value in (cuts[499], cuts[989], cuts[998], max(times)))
    counts = f"{len(times):,} | {one.failed} | {len(one.renewals)} | {len(one.waited):,}"
    return f"| {one.name} | {counts} | {longest:,.0f} | {shown} |"


async def main(seconds: float) -> None:
    """Crawl, print, draw."""
    crawls, seen, began = await crawl(seconds)
    print("| middleware | requests | failed | renewals | waited | longest wait | p50 | p99 | p99.9 | slowest (ms) |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    print("\n".join(map(row, crawls)))
    print("\nThe servers saw", ", ".join(f"{count} {name}" for name, count in seen.items()))
    if seconds >= SECONDS:
        beginning = next(at for at, _ in crawls[1].renewals if at > began + 4)
        draw(crawls[1:], beginning - 0.4, PICTURE)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS))
