"""Connections of a store's own, by psycopg: a few for each event loop, and none that can hang a caller."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from aio_token._errors import ConfigurationError, raise_alone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import AsyncConnection

_AT_ONCE = 8
"""Connections for each event loop."""

_PATIENCE = 5.0
"""Seconds for a statement, a connection for it included."""


_PLACE = re.compile(r"[A-Za-z0-9_.-]{1,253}:[0-9]{1,5}")


class Connections:
    """Runs statements, each in a transaction of its own; `place` is the host and port, if they may be shown."""

    def __init__(self, address: str) -> None:
        self._address, self.place = _checked(address)
        self._of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _Connections] = WeakKeyDictionary()

    async def run(self, statement: str, parameters: Sequence[object]) -> Sequence[object] | None:
        """Run a statement and return its first row, if any. Raises what psycopg does, and TimeoutError."""
        loop = asyncio.get_running_loop()
        here = self._of_loops.get(loop)
        if here is None:
            here = self._of_loops[loop] = _Connections(self._address)
        return await here.run(statement, parameters)

    async def aclose(self) -> None:
        """Close those of the event loop that runs."""
        here = self._of_loops.pop(asyncio.get_running_loop(), None)
        if here is not None:
            here.close()


class _Connections:
    """Those of one event loop."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._idle: list[AsyncConnection] = []
        self._permits = asyncio.Semaphore(_AT_ONCE)
        self._given_up: set[asyncio.Task[Sequence[object] | None]] = set()

    def close(self) -> None:
        """Close what is idle, without a word to the server."""
        for connection in self._idle:
            connection.pgconn.finish()
        self._idle.clear()

    __del__ = close  # the event loop is gone

    async def run(self, statement: str, parameters: Sequence[object]) -> Sequence[object] | None:
        """Run a statement within the patience; psycopg itself waits for a server that it has asked to cancel."""
        async with self._permits:
            working = asyncio.create_task(self._work(statement, parameters), name="aio_token: a statement")
            try:
                await asyncio.wait((working,), timeout=_PATIENCE)
            finally:
                if not working.done():
                    working.cancel()
                    self._given_up.add(working)
                    working.add_done_callback(self._forget)
            if not working.done():
                raise TimeoutError
            return working.result()

    def _forget(self, working: asyncio.Task[Sequence[object] | None]) -> None:
        self._given_up.discard(working)
        _ = working.cancelled() or working.exception()  # looked at, so that nothing is reported as never retrieved

    async def _work(self, statement: str, parameters: Sequence[object]) -> Sequence[object] | None:
        from psycopg import OperationalError  # noqa: PLC0415  an extra

        while self._idle:
            connection = self._idle.pop()
            try:
                return await self._execute(connection, statement, parameters)
            except OperationalError:  # the server was restarted since; every statement may be run twice
                continue
        return await self._execute(await self._connected(), statement, parameters)

    async def _execute(
        self, connection: AsyncConnection, statement: str, parameters: Sequence[object]
    ) -> Sequence[object] | None:
        from psycopg import AsyncRawCursor  # noqa: PLC0415

        try:
            async with AsyncRawCursor(connection) as cursor:
                await cursor.execute(statement, parameters)
                row = await cursor.fetchone() if cursor.description is not None else None
        except BaseException:
            connection.pgconn.finish()
            raise
        self._idle.append(connection)
        return row

    async def _connected(self) -> AsyncConnection:
        from psycopg import AsyncConnection  # noqa: PLC0415

        return await AsyncConnection.connect(
            self._address,
            autocommit=True,
            prepare_threshold=None,  # a pool before the server gives each transaction another connection
            connect_timeout=int(_PATIENCE),
            application_name="aio_token",
        )


def _checked(address: str) -> tuple[str, str | None]:
    """Return the address, and host and port if they may be shown. Raises `ConfigurationError`, without psycopg too."""
    try:
        from psycopg import ProgrammingError  # noqa: PLC0415
        from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415
    except ImportError as error:
        message = "an address of a database needs psycopg: pip install 'aio-token[postgres]'"
        raise ConfigurationError(message) from error
    try:
        parts = conninfo_to_dict(address)
    except ProgrammingError:
        raise_alone(ConfigurationError("this is no address of a PostgreSQL database, such as postgresql://host/name"))
    shown = f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}"
    # A password whose signs were not percent-encoded may end there, and has an @ behind it.
    is_plain = _PLACE.fullmatch(shown) and "@" not in str(parts.get("dbname", ""))
    return address, shown if is_plain else None
