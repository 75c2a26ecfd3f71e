"""Races: eight processes share one rotating credential on a server that ends a session whose refresh token comes twice.

`python -m tests.kills.race` prints a Markdown table: ours beside the same repository on two stores as people write
them, one without a lock between processes and one with a lock around the write only.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import ClientSession
from filelock import FileLock

from aio_token import (
    BearerMiddleware,
    Credential,
    FileTokenStore,
    PublicClient,
    RefreshTokenGrant,
    TokenEndpoint,
    TokenError,
    TokenRepository,
    TokenStore,
)
from aio_token.testing import AuthorizationServer, ProtectedAPI

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

PROCESSES, CALLS = 8, 100
LIFETIME = 2.0  # seconds
PAUSE = 0.03  # seconds between two calls


class WithoutLock:
    """A file that is replaced as a whole, by any process that comes."""

    may_lose = False
    lasts: float | None = None

    def __init__(self, path: Path) -> None:
        self.path = path

    async def load(self) -> Credential | None:
        """Read the file."""
        return Credential.from_json(self.path.read_bytes()) if self.path.exists() else None

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[WithoutLock]:
        """Exclude no one."""
        yield self

    async def save(self, credential: Credential) -> None:
        """Replace the file."""
        draft = self.path.with_suffix(f".{os.getpid()}")
        draft.write_bytes(credential.to_json())
        draft.replace(self.path)

    async def delete(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)


class WithLockAroundTheWrite(WithoutLock):
    """The same with a lock, where it is put most often."""

    async def save(self, credential: Credential) -> None:
        """Replace the file, one process at a time."""
        with FileLock(self.path.with_suffix(".lock")):
            await super().save(credential)


DESIGNS: dict[str, Callable[[Path], TokenStore]] = {
    "no lock": WithoutLock,
    "lock around the write": WithLockAroundTheWrite,
    "aio_token": FileTokenStore,
}


async def call(design: str, token_url: str, api_url: str, path: str, first: str) -> int:
    """Make the calls as one of the processes; return how many succeeded."""
    grant = RefreshTokenGrant(TokenEndpoint(token_url, PublicClient("app")), first=first)
    tokens = TokenRepository(grant, DESIGNS[design](Path(path)), observer=None)
    succeeded = 0
    async with tokens, ClientSession(middlewares=(BearerMiddleware(tokens, api_url, observer=None),)) as api:
        for _ in range(CALLS):
            try:
                async with api.get(api_url) as response:
                    succeeded += response.ok
            except TokenError:
                pass  # counted by its absence
            await asyncio.sleep(PAUSE)
    return succeeded


async def start(*arguments: str) -> int:
    """Run `call` in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.kills.race", *arguments, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return int(json.loads(output))


async def main() -> None:
    """Print the table."""
    print("| design | calls that succeeded | refresh requests | refresh tokens presented twice |")
    print("|---|---|---|---|")
    for design in DESIGNS:
        async with AuthorizationServer(lifetime=LIFETIME) as server, ProtectedAPI(server) as api:
            with tempfile.TemporaryDirectory() as folder:
                first = server.sign_in(client_id="app")
                path = str(Path(folder) / "token.json")
                started = [start(design, server.token_url, api.url, path, first) for _ in range(PROCESSES)]
                succeeded = sum(await asyncio.gather(*started))
            refreshes = server.requests["refresh_token"]
            print(f"| {design} | {succeeded} of {PROCESSES * CALLS} | {refreshes} | {server.reused} |", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(asyncio.run(call(*sys.argv[1:])))
    else:
        asyncio.run(main())
