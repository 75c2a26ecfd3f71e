"""When a request goes out: the connection has a limit of its own, and before that nothing can have happened."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp

from aio_token._errors import ServerUnavailable
from aio_token._limits import within

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_token._limits import Limit


class NoConnection(aiohttp.ConnectionTimeoutError):
    """No connection was there within the limit, and nothing was written."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no connection within {seconds:g} seconds")


class Departure:
    """The going out of one request, over all attempts to send it.

    `seconds` bounds each connection. `is_certainly_ahead` is true only while it is known that nothing was written yet.
    """

    is_certainly_ahead: bool = False
    _limit: Limit

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._has_been = self._is_out = False

    @asynccontextmanager
    async def within_limit(self) -> AsyncIterator[None]:
        """Bound what is done inside until the request goes out. Raises `NoConnection`.

        A limit on the answer, which another party may have set on the session, is a TimeoutError.
        """
        late = ServerUnavailable(str(NoConnection(self.seconds)))
        self.is_certainly_ahead, self._is_out = not self._has_been, False
        try:
            async with within(self.seconds, late) as self._limit:
                yield
        except ServerUnavailable as error:
            if error is not late:
                raise
            raise (TimeoutError() if self._is_out else NoConnection(self.seconds)) from None

    def happens(self) -> None:
        """Note that the request is about to be written, which ends the limit."""
        self._has_been = self._is_out = True
        self.is_certainly_ahead = False
        self._limit.lift()
