"""Starts the benchmarks' server in a process of its own, and talks to it."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from aiohttp import ClientSession

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass(frozen=True, slots=True)
class Place:
    """Where the server is, and as which client to come."""

    port: int
    tls_port: int
    certificate: str
    static: str
    client_id: str = "client"
    client_secret: str = "client-secret"
    refresh_token: str = ""

    @property
    def origin(self) -> str:
        """The API's origin."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def api(self) -> str:
        """A page of the API."""
        return f"{self.origin}/page"

    @property
    def token_url(self) -> str:
        """The token endpoint."""
        return f"{self.origin}/token"

    @property
    def sealed_authority(self) -> str:
        """The token endpoint's origin, with TLS."""
        return f"https://127.0.0.1:{self.tls_port}"

    def as_client(self, client_id: str, refresh_token: str = "") -> Place:
        """Return the same server for another client."""
        return replace(self, client_id=client_id, refresh_token=refresh_token)


@dataclass(frozen=True, slots=True)
class Counts:
    """What the server counted."""

    answered: int
    refused: int
    reused: int
    posts: dict[str, int]
    issued: dict[str, int]
    cpu: float


class Serving:
    """A running server."""

    def __init__(self, place: Place, session: ClientSession) -> None:
        self.place = place
        self._session = session

    async def set(self, **settings: Any) -> Counts:  # noqa: ANN401  whatever `Settings` has
        """Set what is named, count anew, and return the counts until now."""
        return await self._control(settings | {"reset": True})

    async def revoke(self) -> None:
        """End every access token."""
        await self._control({"revoke": True})

    async def counts(self) -> Counts:
        """Return the counts."""
        return await self._control({})

    async def _control(self, wanted: dict[str, Any]) -> Counts:
        async with self._session.post(f"{self.place.origin}/control", json=wanted) as response:
            return Counts(**await response.json())


@asynccontextmanager
async def serving() -> AsyncIterator[Serving]:
    """Run a server; it ends with this block, or with this process."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "benchmarks._server", stdin=pipe, stdout=pipe)
    assert process.stdin
    assert process.stdout
    try:
        place = Place(**json.loads(await process.stdout.readline()))
        async with ClientSession() as session:
            yield Serving(place, session)
    finally:
        process.stdin.close()
        await process.wait()
