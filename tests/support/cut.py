"""A way to a server that can be cut: what is sent meanwhile arrives when it is whole again, as TCP has it.

A firewall that drops packets, a cable that is pulled, a node that is partitioned look like this: connections stay open
and no one is told. Who gives up and closes its end has still sent what it sent.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_PART = 65_536  # bytes


class Way:
    """A port of its own that leads to another one of this machine."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._there, self._back = asyncio.Event(), asyncio.Event()
        self._passing: set[asyncio.Task[None]] = set()
        self.port = 0
        self.join()

    def cut(self) -> None:
        """Let nothing through, in either direction."""
        self._there.clear()
        self._back.clear()

    def cut_answers(self) -> None:
        """Let requests through, and no answers."""
        self._back.clear()

    def join(self) -> None:
        """Let through what has waited, and all that follows."""
        self._there.set()
        self._back.set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Way]:
        """Lead there until the end of the context."""
        server = await asyncio.start_server(self._lead, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in list(self._passing):
                task.cancel()
            await asyncio.gather(*self._passing, return_exceptions=True)

    async def _lead(self, here: asyncio.StreamReader, to_here: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        try:
            await self._there.wait()
            there, to_there = await asyncio.open_connection("127.0.0.1", self._to)
            async with asyncio.TaskGroup() as both:
                both.create_task(_pass_on(here, to_there, self._there))
                both.create_task(_pass_on(there, to_here, self._back))
        except (OSError, asyncio.CancelledError):
            pass  # the server is gone, or the test is over
        finally:
            to_here.close()
            self._passing.discard(task)


async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter, whole: asyncio.Event) -> None:
    try:
        with suppress(ConnectionError):
            while part := await source.read(_PART):
                await whole.wait()
                sink.write(part)
                await sink.drain()
            await whole.wait()
    finally:
        sink.close()
