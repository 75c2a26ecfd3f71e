"""gcloud-aio-auth: `await token.get()` for each request, as its README shows it, in a middleware of three lines.

It knows no client credentials: an authorized user's refresh token, which it takes to work for ever, is the nearest. It
renews behind the requests from half of a token's life on, counted in whole seconds.
"""

from __future__ import annotations

import io
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from gcloud.aio.auth import Token

from benchmarks._issuing import STEADY
from benchmarks.rivals._rival import Rival

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import ClientHandlerType, ClientMiddlewareType, ClientRequest, ClientResponse

    from benchmarks._serving import Place


@asynccontextmanager
async def make(place: Place) -> AsyncIterator[ClientMiddlewareType]:
    """Yield the middleware."""
    user = {
        "type": "authorized_user",
        "token_uri": place.token_url,
        "client_id": place.client_id,
        "client_secret": place.client_secret,
        "refresh_token": STEADY + place.client_id,
    }
    async with Token(service_file=io.StringIO(json.dumps(user))) as token:

        async def middleware(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
            request.headers["Authorization"] = f"Bearer {await token.get()}"
            return await handler(request)

        yield middleware


RIVAL = Rival("gcloud-aio-auth", "aiohttp", "refresh token that does not rotate", make)
