"""What a middleware says once, at debug level: which requests get no token, though they may be meant to have one."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from aio_token._edge.ambient import filled_in_by_client

if TYPE_CHECKING:
    from aiohttp import ClientRequest
    from yarl import URL

_MOST = 100  # origins; who looks for a missing token has found the line by then

_logger = logging.getLogger("aio_token")


class Notices:
    """The lines of one middleware."""

    __slots__ = ("_own", "_strangers")

    def __init__(self) -> None:
        self._strangers: set[str] = set()
        self._own = False

    def passed_by(self, url: URL) -> None:
        """Say once for each origin that it is none of the middleware's."""
        if len(self._strangers) < _MOST and (origin := _shown(url)) not in self._strangers:
            self._strangers.add(origin)
            _logger.debug("no token for %s, which is not among the origins of this middleware", origin)

    async def is_callers_own(self, request: ClientRequest, header: str) -> bool:
        """Whether the header that is there already is the caller's own, which is never replaced (law A4).

        Said once: a library that sends a dummy key gets 401 for ever.
        """
        if await filled_in_by_client(request, header):
            return False
        if not self._own:
            self._own = True
            _logger.debug("no token for a request to %s, which has %s of its own", _shown(request.url), header)
        return True


def _shown(url: URL) -> str:
    return f"{url.scheme}://{url.raw_authority.rpartition('@')[2]}"
