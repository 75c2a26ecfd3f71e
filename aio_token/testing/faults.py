"""What can be wrong with a server: each fault is an aiohttp server middleware, and so is any that a test writes itself.

`after=True` means that the server does what it was asked, rotates the refresh token for example, and fails then.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from aio_token._ground.public import public

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiohttp.typedefs import Handler


@public
@dataclass(frozen=True, kw_only=True)
class Slow:
    """Takes its time: seconds before and after the request is carried out."""

    before: float = 0.0
    after: float = 0.0

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer the request."""
        await asyncio.sleep(self.before)
        response = await handler(request)
        await asyncio.sleep(self.after)
        return response


@public
@dataclass(frozen=True, kw_only=True)
class Broken:
    """Answers something else; `body` is bytes to be sent as they are, or an object to be sent as JSON."""

    status: int = 500
    body: object = b"<h1>Internal Server Error</h1>"
    content_type: str = "text/html"
    headers: Mapping[str, str] = field(default_factory=dict)
    after: bool = False

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer the request."""
        if self.after:
            await handler(request)
        if isinstance(self.body, bytes):
            body, content_type = self.body, self.content_type
        else:
            body, content_type = json.dumps(self.body).encode(), "application/json"
        headers = {"Content-Type": content_type, **self.headers}
        return web.Response(status=self.status, body=body, headers=headers)


@public
@dataclass(frozen=True, kw_only=True)
class RateLimited:
    """Answers 429; `retry_after` is seconds or an HTTP date, None sends no such header."""

    retry_after: float | str | None = 1

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer the request."""
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return web.json_response({"error": "slow_down"}, status=429, headers=headers)


@public
@dataclass(frozen=True, kw_only=True)
class Dropped:
    """Closes the connection instead of answering."""

    after: bool = False

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer the request."""
        if self.after:
            await handler(request)
        request.protocol.force_close()
        return web.Response()  # goes nowhere


@public
@dataclass(frozen=True, kw_only=True)
class Silent:
    """Never answers, and keeps the connection open until the server stops."""

    after: bool = False

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer the request."""
        if self.after:
            await handler(request)
        return await asyncio.Future[web.StreamResponse]()


@public
@dataclass(frozen=True)
class Altered:
    """Sends what `edit` makes of the members of the server's own good answer; an error goes out as it is."""

    edit: Callable[[dict[str, Any]], object]

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer the request."""
        response = await handler(request)
        if isinstance(response, web.Response) and response.status == web.HTTPOk.status_code:
            return web.json_response(self.edit(json.loads(response.text or "{}")))
        return response
