"""Names that lead to servers on loopback, so that a test can use hosts that do not exist."""

from __future__ import annotations

import socket

from aiohttp import TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult


class Names(AbstractResolver):
    """Leads each (host, port) of `places` to its port on 127.0.0.1, and all others to `elsewhere`."""

    def __init__(self, places: dict[tuple[str, int], int], *, elsewhere: int) -> None:
        self._places = places
        self._elsewhere = elsewhere

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Find the place."""
        place = self._places.get((host, port), self._elsewhere)
        return [
            ResolveResult(
                hostname=host,
                host="127.0.0.1",
                port=place,
                family=socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """Nothing is open."""


def connector(places: dict[tuple[str, int], int], *, elsewhere: int) -> TCPConnector:
    """Return a connector that knows these names."""
    return TCPConnector(resolver=Names(places, elsewhere=elsewhere), use_dns_cache=False)
