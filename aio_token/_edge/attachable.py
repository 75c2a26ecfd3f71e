"""What a middleware is to those who hold it: something to put on a session, and no two of which look alike."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from aiohttp import ClientSession

from aio_token._arguments import demand_kind
from aio_token._token import Unpicklable

if TYPE_CHECKING:
    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

_numbers = count(1)


class Attachable(Unpicklable):
    """A middleware with a number that no other one gets in this process.

    Libraries key caches by the repr of what they are given, as fsspec does. Python's own shows an address in memory,
    which another user's middleware may have once this one is gone.
    """

    def __init__(self) -> None:
        self._number = next(_numbers)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._number}>"

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Send the request."""
        raise NotImplementedError  # each middleware's own

    def attach(self, session: ClientSession) -> None:
        """Put the middleware on a session that exists already, innermost; doing so again changes nothing.

        What the session's maker has put on it stays outside: it retries with a token that is current then, and logs
        none. Raises `ConfigurationError` for what is no `aiohttp.ClientSession`.
        """
        demand_kind(session, ClientSession, "attach takes an aiohttp.ClientSession")
        there = tuple(session._middlewares or ())  # noqa: SLF001  there is no other way
        if not any(each is self for each in there):
            session._middlewares = (*there, self)  # noqa: SLF001
