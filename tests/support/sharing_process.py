"""One of several processes that share a sign-in; the arguments are those of `main`."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING

from aiohttp import ClientSession

from aio_token import (
    BearerMiddleware,
    FileTokenStore,
    Limits,
    PublicClient,
    RefreshTokenGrant,
    TokenEndpoint,
    TokenRepository,
)

if TYPE_CHECKING:
    from aio_token.events import Event

PAUSE = 0.03  # seconds between two calls
LIMITS = Limits(lock=90.0, save=30.0)  # a busy machine takes seconds to save a file


async def main(token_url: str, api_url: str, path: str, first: str, calls: int) -> dict[str, object]:
    """Make the calls; return what came of them and what was observed."""
    events: list[Event] = []
    grant = RefreshTokenGrant(TokenEndpoint(token_url, PublicClient("app")), first=first)
    tokens = TokenRepository(grant, FileTokenStore(path), limits=LIMITS, observer=events.append)
    succeeded = 0
    async with tokens, ClientSession(middlewares=(BearerMiddleware(tokens, api_url),)) as api:
        for _ in range(calls):
            async with api.get(api_url) as response:
                succeeded += response.status == 200
            await asyncio.sleep(PAUSE)
    return {"succeeded": succeeded, "events": [{"event": type(event).__name__, **event.members()} for event in events]}


if __name__ == "__main__":
    _, endpoint, api, file, refresh_token, count = sys.argv
    print(json.dumps(asyncio.run(main(endpoint, api, file, refresh_token, int(count)))))  # noqa: T201
