"""A web service on aiohttp that calls a protected API: python -m examples.service_aiohttp [PORT]."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from aiohttp import ClientSession, web

from aio_token import (
    BearerMiddleware,
    ClientSecretBasic,
    FileTokenStore,
    RefreshTokenGrant,
    ServerUnavailable,
    TokenEndpoint,
    TokenError,
    TokenRepository,
)
from examples.servers import servers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp.typedefs import Handler

API = web.AppKey("API", ClientSession)


async def call_api(app: web.Application) -> AsyncIterator[None]:
    """Open what the handlers share, and close it when the service stops: a renewal under way is waited for."""
    async with servers() as here:
        endpoint = TokenEndpoint(here.token_url, ClientSecretBasic(here.client_id, here.client_secret))
        tokens = TokenRepository(RefreshTokenGrant(endpoint, first=here.refresh_token), FileTokenStore(here.token_file))
        bearer = BearerMiddleware(tokens, here.api_url)
        async with tokens, ClientSession(here.api_url, middlewares=(bearer,)) as app[API]:
            yield


@web.middleware
async def no_token(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Say what to do when there is no token; the error's text holds no secret."""
    try:
        return await handler(request)
    except ServerUnavailable as error:
        headers = {"Retry-After": f"{error.retry_after:.0f}"} if error.retry_after else {}
        return web.json_response({"problem": str(error)}, status=503, headers=headers)
    except TokenError as error:
        return web.json_response({"problem": str(error)}, status=502)


async def item(request: web.Request) -> web.Response:
    """Answer with what the API says."""
    async with request.app[API].get(f"/items/{request.match_info['number']}") as response:
        return web.json_response(await response.json(), status=response.status)


def application() -> web.Application:
    """Make the service."""
    app = web.Application(middlewares=[no_token])
    app.cleanup_ctx.append(call_api)
    app.router.add_get("/items/{number}", item)
    return app


if __name__ == "__main__":
    web.run_app(application(), host="127.0.0.1", port=int(sys.argv[1]) if len(sys.argv) > 1 else 8080)
