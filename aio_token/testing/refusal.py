"""How an API says no: APIs differ in this, and so does the body that comes with it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aiohttp import web

from aio_token._ground.public import public

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE = b"no. " * 4_096  # 16 kB


@public
@dataclass(frozen=True)
class Refusal:
    """An answer to a request whose token is refused.

    `challenges` become one `WWW-Authenticate` header each. `size` is the body's, in bytes; it is announced unless
    `chunked`. An `endless` body is chunked and goes on until the client hangs up. `pause` is the number of seconds
    before each 16 kB.
    """

    status: int = 401
    challenges: tuple[str, ...] = ()
    size: int = 4
    chunked: bool = False
    endless: bool = False
    pause: float = 0.0

    async def respond(self, request: web.Request) -> web.StreamResponse:
        """Answer the request."""
        response = web.StreamResponse(status=self.status)
        for challenge in self.challenges:
            response.headers.add("WWW-Authenticate", challenge)
        if self.chunked or self.endless:
            response.enable_chunked_encoding()
        else:
            response.content_length = self.size
        try:
            await response.prepare(request)
            for piece in () if request.method == "HEAD" else self._pieces():
                await asyncio.sleep(self.pause)
                await response.write(piece)
            await response.write_eof()
        except ConnectionError:
            pass  # the client has seen enough
        return response

    def pointing_to(self, metadata_url: str) -> Refusal:
        """Return the refusal with challenges that say where the resource's metadata is (RFC 9728 section 5.1)."""
        pointer = f'resource_metadata="{metadata_url}"'
        told = (f"{one}{',' * (' ' in one)} {pointer}" if one.startswith("Bearer") else one for one in self.challenges)
        return replace(self, challenges=tuple(told))

    def _pieces(self) -> Iterator[bytes]:
        left = self.size
        while self.endless or left > 0:
            yield _PIECE if self.endless else _PIECE[:left]
            left -= len(_PIECE)


INVALID_TOKEN = Refusal(challenges=('Bearer realm="api", error="invalid_token", error_description="The token ended"',))
"""What RFC 6750 section 3.1 asks for."""

NO_TOKEN = Refusal(challenges=('Bearer realm="api"',))
"""What RFC 6750 section 3 asks for where no token came."""

NO_CHALLENGE = Refusal()
"""A 401 without `WWW-Authenticate`, which RFC 9110 forbids and servers send."""

TWO_HEADERS = Refusal(challenges=('Basic realm="old, but loved"', 'Bearer realm="api", error="invalid_token"'))
"""Two challenges, on two lines."""

INSUFFICIENT_SCOPE = Refusal(status=403, challenges=('Bearer error="insufficient_scope", scope="write"',))
"""The token is good, and not enough (RFC 6750 section 3.1)."""
