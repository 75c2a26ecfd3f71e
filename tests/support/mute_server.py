"""A server with which no connection comes about, though it takes each one."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@asynccontextmanager
async def mute() -> AsyncIterator[tuple[str, list[bytes]]]:
    """Take connections and say nothing: neither TLS nor a proxy's word comes of it."""
    heard: list[bytes] = []
    closed: list[asyncio.Task[None]] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1 << 16))
        await reader.read()
        writer.close()
        await writer.wait_closed()

    def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        closed.append(asyncio.create_task(listen(reader, writer)))

    async with await asyncio.start_server(take, "127.0.0.1") as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", heard
        await asyncio.gather(*closed)
