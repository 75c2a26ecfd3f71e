"""One process of a fleet that is measured: the recipe of docs/prometheus.md, at work, until it is ended."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession
from prometheus_client import CollectorRegistry, start_http_server

from aio_token import BearerMiddleware, ClientSecretBasic, RefreshTokenGrant, TokenEndpoint, TokenError, TokenRepository
from aio_token.stores import RedisTokenStore
from tests.support.document import blocks

PAGE = Path(__file__).parents[2] / "docs" / "prometheus.md"
_CALLERS, _PAUSE = 4, 0.5  # seconds between two requests of one


def recipe() -> Any:
    """Return the page's `Metrics`."""
    (source,) = [
        source for _, _, source in blocks(PAGE.read_text(encoding="utf-8"), "python") if "class Metrics" in source
    ]
    shown: dict[str, Any] = {}
    exec(source, shown)  # noqa: S102  it is the recipe that is tested
    return shown["Metrics"]


async def main(orders: dict[str, Any]) -> None:
    """Ask the API without end."""
    registry = CollectorRegistry()
    metrics = recipe()(registry)
    start_http_server(orders["port"], "127.0.0.1", registry=registry)
    endpoint = TokenEndpoint(orders["token_url"], ClientSecretBasic(orders["client_id"], orders["secret"]))
    tokens = TokenRepository(RefreshTokenGrant(endpoint), RedisTokenStore(orders["store"], "bot"), observer=metrics)
    bearer = BearerMiddleware(tokens, orders["api"], observer=metrics)

    async def call(session: ClientSession) -> None:
        while True:
            with suppress(TokenError, ClientError):
                async with session.get(orders["api"]) as response:
                    await response.read()
            await asyncio.sleep(_PAUSE)

    async with tokens, ClientSession(middlewares=(bearer,)) as session, asyncio.TaskGroup() as group:
        for _ in range(_CALLERS):
            group.create_task(call(session))


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
