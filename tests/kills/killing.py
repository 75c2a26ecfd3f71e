"""Kills a renewal at a point, and looks at what is left: the file, its mode, and whether the session lives."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from aiohttp import ClientSession, TCPConnector, web

from aio_token import PublicClient, RefreshTokenGrant, TokenEndpoint, TokenRepository
from aio_token._disk.worker import Worker
from aio_token.stores import new_key
from aio_token.testing import AuthorizationServer
from tests.kills.designs import DESIGNS
from tests.kills.nursery import Nursery, Order, nursery, survives
from tests.kills.seams import Point

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from aiohttp.typedefs import Handler

    from aio_token import Token, TokenStore

GRACE = 60.0  # seconds
GATE = "the server has "
"""What the names of the server's points begin with."""
DROPPED = f"{GATE}the request, and drops it"
CARRIED_OUT = f"{GATE}the request, and carries it out"
ROTATED = f"{GATE}rotated, and not answered"

_TRIES = 3  # an answer may come in one piece or in two, and then there is a point less

Outcome = Literal["kept", "lost", "damaged"]
"""Of a session. `damaged`: it is lost, and the file does not parse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What a kill left.

    `marked`: the file said that the refresh token was being spent. `rotated`: the server had answered, or would have.
    `recorded`: the file had the new refresh token. `parses`: there was no file, or it held a credential. `modes` are
    those of all that was in the directory, and of the directory as `"."`; `after` names what was there when a successor
    had lived on it.
    """

    marked: bool
    rotated: bool
    recorded: bool
    parses: bool
    modes: dict[str, int]
    alive: bool = False
    after: frozenset[str] = frozenset()

    @property
    def outcome(self) -> Outcome:
        """Say it in a word."""
        if self.alive:
            return "kept"
        return "lost" if self.parses else "damaged"


@dataclass
class Gates:
    """The token endpoint's seams: a child may be killed while its request stands in one."""

    nursery: Nursery
    die_at: Point | None = None
    points: list[Point] = field(default_factory=list)
    empty: asyncio.Event = field(default_factory=asyncio.Event)
    _inside: int = 0

    def begin(self, die_at: Point | None) -> None:
        """Forget what came, and be ready for a child that dies there."""
        self.die_at = die_at
        self.points.clear()
        self.empty.set()

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Take part in a request."""
        self._inside += 1
        self.empty.clear()
        try:
            if await self._reach(DROPPED):
                raise web.HTTPServiceUnavailable
            await self._reach(CARRIED_OUT)
            response = await handler(request)
            await self._reach(ROTATED)
            return response
        finally:
            self._inside -= 1
            if not self._inside:
                self.empty.set()

    async def _reach(self, name: str) -> bool:
        point = Point(name, 1 + sum(point.name == name for point in self.points), time.monotonic())
        self.points.append(point)
        deadly = self.die_at is not None and (name, point.nth) == (self.die_at.name, self.die_at.nth)
        if deadly:
            os.kill(await self.nursery.pid, signal.SIGKILL)
        return deadly


@dataclass(frozen=True, slots=True, kw_only=True)
class _Session:
    """One that a server has, and what is to be done with it."""

    order: Order
    path: Path
    refresh_token: str

    def repository(self) -> TokenRepository:
        """Make one, in this process."""
        grant = RefreshTokenGrant(TokenEndpoint(self.order.url, PublicClient("app")), first=self.order.first)
        return TokenRepository(grant, self.store(), observer=None)

    def store(self) -> TokenStore:
        """Make one, in this process."""
        return DESIGNS[self.order.design](self.path, Worker)


class Scene:
    """A server, a nursery and a folder, where one kill after another happens."""

    def __init__(self, server: AuthorizationServer, gates: Gates, http: ClientSession, folder: Path) -> None:
        self._server = server
        self._gates = gates
        self._http = http
        self._folder = folder
        self._sessions = 0

    async def find(self, design: str, *, at_first: bool = False) -> list[Point]:
        """Let a renewal come to its end; return the points that it came to, in order."""
        session = await self._session(design, at_first=at_first)
        self._gates.begin(None)
        end = await self._gates.nursery.run(session.order)
        assert end.status == 0, end
        return sorted([*(Point(**point) for point in end.report), *self._gates.points], key=lambda point: point.at)

    async def kill(
        self, design: str, points: Iterable[Point], *, at_first: bool = False, neighbour: bool = False
    ) -> list[Left]:
        """Kill a renewal at each of the points, each time another session's; see what is left.

        `at_first`: nothing is stored before, and the directory is not there. `neighbour`: it is not a new process that
        lives on what is left, but one that had read the store before.
        """
        killed = [await self._kill(design, point, at_first=at_first, neighbour=neighbour) for point in points]
        if not neighbour:
            orders = [replace(session.order, successor=True) for session, _ in killed]
            end = await self._gates.nursery.run(*orders)
            assert end.status == 0, end
            killed = [
                (session, replace(left, alive=alive)) for (session, left), alive in zip(killed, end.report, strict=True)
            ]
        return [replace(left, after=frozenset(_modes(session.path.parent)) - {"."}) for session, left in killed]

    async def _kill(self, design: str, point: Point, *, at_first: bool, neighbour: bool) -> tuple[_Session, Left]:
        for _ in range(_TRIES):
            session = await self._session(design, at_first=at_first)
            beside = session.repository()
            token = await beside.token() if neighbour else None
            refreshes = self._server.refreshes
            self._gates.begin(point)
            end = await self._gates.nursery.run(replace(session.order, die_at=point))
            await self._calm()
            if end.status == -signal.SIGKILL:
                return session, await self._look(session, refreshes, beside, token)
        message = f"no renewal came to {point}"
        raise AssertionError(message)

    async def _look(self, session: _Session, refreshes: int, beside: TokenRepository, token: Token | None) -> Left:
        stored = await session.store().load()
        left = Left(
            marked=stored is not None and stored.spending_since is not None,
            rotated=self._server.refreshes > refreshes,
            recorded=stored is not None and stored.refresh_token != session.refresh_token,
            parses=stored is not None or not session.path.exists(),
            modes=_modes(session.path.parent),
        )
        return replace(left, alive=await survives(beside, token)) if token is not None else left

    async def _session(self, design: str, *, at_first: bool) -> _Session:
        self._sessions += 1
        path = self._folder / f"{self._sessions}" / "token.json"
        credential = self._server.credential(client_id="app")
        assert credential.refresh_token is not None
        first = credential.refresh_token if at_first else None
        order = Order(url=self._server.token_url, design=design, path=str(path), first=first)
        session = _Session(order=order, path=path, refresh_token=credential.refresh_token)
        if not at_first:
            path.parent.mkdir(0o700)
            async with session.store().exclusive() as slot:
                await slot.save(credential)
        return session

    async def _calm(self) -> None:
        """Wait until the server has done what the dead have asked for: it takes connections in their order."""
        async with self._http.get(f"{self._server.issuer}/.well-known/openid-configuration"):
            pass
        await self._gates.empty.wait()


@asynccontextmanager
async def scene(folder: Path, *, grace: float, environment: dict[str, str] | None = None) -> AsyncIterator[Scene]:
    """Set the scene; `environment` is that of the processes."""
    key = folder / "key"
    key.touch(0o600)
    key.write_text(new_key(), encoding="ascii")
    connector = TCPConnector(force_close=True)
    async with (
        AuthorizationServer(lifetime=3600.0, grace=grace) as server,
        nursery(environment) as children,
        ClientSession(connector=connector) as http,
    ):
        gates = Gates(children)
        server.inject(gates)
        yield Scene(server, gates, http, folder)


def _modes(directory: Path) -> dict[str, int]:
    """Return the modes of the directory and of what is in it."""
    if not directory.exists():
        return {}
    found = {".": directory, **{path.name: path for path in directory.iterdir()}}
    return {name: stat.S_IMODE(path.stat().st_mode) for name, path in found.items()}
