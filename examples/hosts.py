"""Several processes of an example at once, as the hosts of a fleet are, against servers of their own."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from aio_token import testing
from examples.servers import embedded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from examples.servers import Servers


@asynccontextmanager
async def servers_that_count() -> AsyncIterator[Servers]:
    """Return servers for the processes; print at the end what these asked of the token endpoint."""
    async with testing.AuthorizationServer() as server, testing.ProtectedAPI(server) as api:
        with TemporaryDirectory() as folder:
            yield embedded(server, api, Path(folder, "token.json"))
        print(f"tokens given: {server.requests.total()}, refresh tokens presented twice: {server.reused}")


async def several(module: str, *arguments: str, count: int, here: Servers, release: Path | None = None) -> int:
    """Run so many processes of a program to their ends, from the folder of a release; return the worst exit code."""
    environment = {**os.environ, **here.environment}
    command = (sys.executable, "-m", module, *arguments)
    started = [await asyncio.create_subprocess_exec(*command, env=environment, cwd=release) for _ in range(count)]
    return max([await one.wait() for one in started])
