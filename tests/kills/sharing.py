"""One of several processes that share a rotating credential: `python -m tests.kills.sharing DESIGN PATH SECONDS PLACE`.

It says when it is ready, begins when its standard input ends, and tells in JSON what it went through.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from aiohttp import ClientError, ClientSession

from aio_token import (
    BearerMiddleware,
    ClientSecretBasic,
    FileTokenStore,
    RefreshTokenGrant,
    TokenEndpoint,
    TokenError,
    TokenRepository,
)
from benchmarks._serving import Place
from tests.kills.race import DESIGNS

PAUSE = 0.03  # seconds between two calls


async def share(design: str, path: str, seconds: float, place: Place) -> dict[str, float]:
    """Make calls; return how they went."""
    endpoint = TokenEndpoint(place.token_url, ClientSecretBasic(place.client_id, place.client_secret))
    store = (DESIGNS | {"aio_token": FileTokenStore})[design](Path(path))
    began = time.perf_counter()
    tokens = TokenRepository(RefreshTokenGrant(endpoint, first=place.refresh_token), store, observer=None)
    succeeded = failed = 0
    first = 0.0
    middleware = BearerMiddleware(tokens, place.origin, observer=None)
    async with tokens, ClientSession(middlewares=(middleware,)) as api:
        while time.perf_counter() < began + seconds:
            try:
                await tokens.token()
                first = first or time.perf_counter() - began
                async with api.get(place.api) as response:
                    await response.read()
                succeeded += response.ok
                failed += not response.ok
            except (TokenError, ClientError):
                failed += 1
            await asyncio.sleep(PAUSE)
    return {"succeeded": succeeded, "failed": failed, "first_ms": first * 1e3}


if __name__ == "__main__":
    print("ready", flush=True)
    sys.stdin.read()
    design, path, seconds, place = sys.argv[1:]
    print(json.dumps(asyncio.run(share(design, path, float(seconds), Place(**json.loads(place))))))
