"""One of several processes that share some sessions: `python -m benchmarks._fleet_host DESIGN PLACE SECONDS SERVER`.

It says when it is ready, begins when its standard input ends, and tells in JSON what it went through.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import authlib.oauth2.rfc6749  # noqa: F401  a host at work has long imported it
import psycopg  # noqa: F401
import redis.asyncio  # noqa: F401
from aiohttp import ClientError, ClientSession

from aio_token import ClientSecretBasic, FileTokenStore, RefreshTokenGrant, TokenEndpoint, TokenError, TokenRepository
from aio_token.stores import PostgresTokenStore, RedisTokenStore
from benchmarks._fleet_contrasts import CONTRASTS
from benchmarks._serving import Place

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from aio_token import Credential, Slot, TokenStore, Wish
    from benchmarks._fleet_contrasts import InstallationStore

SESSIONS = 3
PAUSE = 0.1  # seconds between two calls for one session


def client_of(design: str, processes: int, session: int) -> str:
    """Return as which client a session is known to the server."""
    return f"{''.join(filter(str.isalnum, design))}-{processes}-{session}"


class Timed:
    """A store and a grant whose renewals are timed: all of it, and the token call's part."""

    def __init__(self, store: TokenStore, grant: RefreshTokenGrant, found: list[float]) -> None:
        self._store, self._grant, self._found = store, grant, found
        self._asked = 0.0
        self.issued_by, self.spends = grant.issued_by, grant.spends

    @property
    def may_lose(self) -> bool:
        """What the store says."""
        return self._store.may_lose

    async def load(self) -> Credential | None:
        """Load."""
        return await self._store.load()

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[Slot]:
        """Hold as ever, and note what a renewal took over its token call."""
        self._asked, began = 0.0, time.perf_counter()
        async with self._store.exclusive() as slot:
            yield slot
        if self._asked:
            self._found.append((time.perf_counter() - began - self._asked) * 1e3)

    async def obtain(self, credential: Credential | None, wish: Wish) -> Credential:
        """Obtain."""
        began = time.perf_counter()
        new: Credential = await self._grant.obtain(credential, wish)
        self._asked = time.perf_counter() - began
        return new


def _ours(design: str, place: str, name: str, server: Place, found: list[float]) -> TokenRepository:
    endpoint = TokenEndpoint(server.token_url, ClientSecretBasic(name, "secret"))
    stores: dict[str, Callable[[], TokenStore]] = {
        "file": lambda: FileTokenStore(Path(place) / name),
        "Redis": lambda: RedisTokenStore(place, name),
        "PostgreSQL": lambda: PostgresTokenStore(place, name),
    }
    timed = Timed(stores[design](), RefreshTokenGrant(endpoint, first=f"first-{name}"), found)
    return TokenRepository(timed, timed, observer=None)


def _contrast(design: str, place: str, name: str, server: Place, session: ClientSession) -> InstallationStore:
    async def refresh(refresh_token: str) -> dict[str, Any]:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": name}
        async with session.post(server.token_url, data=form) as response:
            response.raise_for_status()
            return dict(await response.json())

    return CONTRASTS[design](place, name, f"first-{name}", refresh)


async def share(design: str, place: str, processes: int, seconds: float, server: Place) -> dict[str, Any]:
    """Use all sessions for so long; return how that went."""
    found: list[float] = []
    counts = {"calls": 0, "failed": 0}
    firsts: list[float] = []
    began = time.perf_counter()

    async def use(token: Callable[[], Awaitable[object]]) -> None:
        had_one = False
        while time.perf_counter() < began + seconds:
            try:
                await token()
            except (TokenError, ClientError):
                counts["failed"] += 1
            else:
                counts["calls"] += 1
                if not had_one:
                    had_one = True
                    firsts.append((time.perf_counter() - began) * 1e3)
            await asyncio.sleep(PAUSE)

    async with ClientSession() as session:
        names = [client_of(design, processes, number) for number in range(SESSIONS)]
        sources: list[TokenRepository] | list[InstallationStore] = (
            [_contrast(design, place, name, server, session) for name in names]
            if design in CONTRASTS
            else [_ours(design, place, name, server, found) for name in names]
        )
        await asyncio.gather(*(use(source.token) for source in sources))
        for source in sources:
            await source.aclose()
    return {**counts, "firsts": firsts, "over_ms": found}


if __name__ == "__main__":
    print("ready", flush=True)
    sys.stdin.read()
    design, place, processes, seconds, server = sys.argv[1:]
    print(json.dumps(asyncio.run(share(design, place, int(processes), float(seconds), Place(**json.loads(server))))))
