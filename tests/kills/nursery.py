"""A process that has imported everything, and forks a child for each order: a start costs more than a renewal.

It reads orders from its standard input, one in a line, and answers each with two lines: the child's process id, and how
it ended. It has no thread and no event loop, so that forking it is safe.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import sys
import traceback
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aio_token import (
    ConfigurationError,
    GrantRefused,
    PublicClient,
    RefreshTokenGrant,
    SignInRequired,
    TokenEndpoint,
    TokenRepository,
)
from aio_token._disk.worker import Worker
from tests.kills.designs import DESIGNS
from tests.kills.seams import Point, Seams

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from aio_token import Token
    from aio_token.events import Observer

_LAZY = ("authlib.oauth2.rfc6749.parameters", "cryptography.hazmat.primitives.ciphers.aead", "aiohttp", "aiofiles.os")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a child does: it renews, with seams to die at, or it lives on what another one left (`successor`)."""

    url: str
    design: str
    path: str
    first: str | None = None
    successor: bool = False
    die_at: Point | None = None

    @classmethod
    def of(cls, members: dict[str, Any]) -> Order:
        """Read what `asdict` made of an order."""
        die_at = members.pop("die_at")
        return cls(**members, die_at=Point(**die_at) if die_at else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a child ended; `report` is what it said, unless it was killed."""

    status: int
    report: Any


class Nursery:
    """A nursery process; one child at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def run(self, *orders: Order) -> End:
        """Let one child carry out the orders; `pid` has its process id as soon as there is one."""
        assert self._process.stdin is not None
        self.pid = asyncio.get_running_loop().create_future()
        self._process.stdin.write(json.dumps([asdict(order) for order in orders]).encode() + b"\n")
        self.pid.set_result(json.loads(await self._line()))
        return End(**json.loads(await self._line()))

    async def _line(self) -> bytes:
        assert self._process.stdout is not None
        return await self._process.stdout.readline()


@asynccontextmanager
async def nursery(environment: dict[str, str] | None = None) -> AsyncIterator[Nursery]:
    """Run a nursery."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.kills.nursery",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env=environment,
        limit=1 << 20,  # bytes in a line
    )
    try:
        yield Nursery(process)
    finally:
        await process.communicate(b"")  # closes its input


async def survives(tokens: TokenRepository, rejected: Token | None = None) -> bool:
    """Tell whether the session lives: what is there can be renewed."""
    try:
        await tokens.token(rejected=await tokens.token(rejected=rejected))
    except (SignInRequired, GrantRefused, ConfigurationError):
        return False
    return True


def _live(orders: list[Order]) -> object:
    os.umask(0)  # what is private is so by our own doing
    if orders[0].successor:
        return asyncio.run(_succeed(orders))
    (order,) = orders
    path = Path(order.path)
    seams = Seams(path.parent.parent, order.die_at)
    tokens = _repository(order, seams.worker, seams.observe)
    seams.listen()
    with asyncio.Runner(loop_factory=seams.event_loop) as runner:
        return runner.run(_renew(order, tokens, seams))


def _repository(order: Order, worker: Callable[..., Worker], observer: Observer | None) -> TokenRepository:
    grant = RefreshTokenGrant(TokenEndpoint(order.url, PublicClient("app")), first=order.first)
    return TokenRepository(grant, DESIGNS[order.design](Path(order.path), worker), observer=observer)


async def _renew(order: Order, tokens: TokenRepository, seams: Seams) -> list[dict[str, object]]:
    seams.reach("started")
    token = await tokens.token()
    if order.first is None:
        await tokens.token(rejected=token)
    seams.reach("the new token is in use")
    await tokens.aclose()
    return [asdict(point) for point in seams.points]


async def _succeed(orders: list[Order]) -> list[bool]:
    return [await survives(_repository(order, Worker, None)) for order in orders]


def _child(line: str, report: int) -> None:
    try:
        os.write(report, json.dumps(_live([Order.of(order) for order in json.loads(line)])).encode())
    except BaseException:  # noqa: BLE001  whatever it is, a forked child must not go on as its parent would
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def main() -> None:
    """Carry out orders until there are no more."""
    for module in _LAZY:
        importlib.import_module(module)
    gc.disable()  # a collection writes to every page that is shared with the children
    for line in sys.stdin:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            _child(line, writing)
        os.close(writing)
        print(pid, flush=True)
        with open(reading, encoding="utf-8") as pipe:  # noqa: PTH123  it is a descriptor
            report = pipe.read()
        _, status = os.waitpid(pid, 0)
        end = End(status=os.waitstatus_to_exitcode(status), report=json.loads(report or "null"))
        print(json.dumps(asdict(end)), flush=True)


if __name__ == "__main__":
    main()
