"""Many users over one pool of connections, each with session and cookies of its own: python -m examples.many_users."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from aiohttp import ClientSession, TCPConnector

from aio_token import (
    BearerMiddleware,
    ClientSecretBasic,
    FileTokenStore,
    RefreshTokenGrant,
    TokenEndpoint,
    TokenRepository,
)
from examples import ending
from examples.servers import servers


async def main() -> None:
    """Fetch something for every user, at once, over one pool of connections."""
    async with servers() as here, AsyncExitStack() as stack:
        endpoint = TokenEndpoint(here.token_url, ClientSecretBasic(here.client_id, here.client_secret))
        connections = await stack.enter_async_context(TCPConnector())

        async def fetch(user: str, refresh_token: str) -> None:
            store = FileTokenStore(here.token_file.with_name(f"{user}.json"))
            tokens = TokenRepository(RefreshTokenGrant(endpoint, first=refresh_token), store, name=user)
            bearer = BearerMiddleware(tokens, here.api_url)
            session = ClientSession(here.api_url, middlewares=(bearer,), connector=connections, connector_owner=False)
            async with tokens, session as api, api.get(f"/of/{user}") as response:
                print(f"{user}: {response.status}")

        async with asyncio.TaskGroup() as group:
            for user, refresh_token in here.refresh_tokens.items():
                group.create_task(fetch(user, refresh_token))


if __name__ == "__main__":
    ending.run(main())
