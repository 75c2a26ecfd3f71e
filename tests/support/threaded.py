"""A server in a thread, which outlives the event loops of its clients."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from aio_token.testing import AuthorizationServer

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

T = TypeVar("T")


@contextmanager
def served_by_a_thread() -> Iterator[tuple[AuthorizationServer, Callable[[], str]]]:
    """Run a server that outlives the event loops of its clients; also return what signs a user in."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = AuthorizationServer(lifetime=60.0)

    async def issue() -> str:
        return server.sign_in(client_id="app")

    def call(work: Coroutine[None, None, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, loop).result(10)

    call(server.__aenter__())
    try:
        yield server, lambda: call(issue())
    finally:
        call(server.__aexit__(None, None, None))
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
