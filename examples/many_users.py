"""Many users on one session: a middleware for each user, chosen with the request: python -m examples.many_users."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from aiohttp import ClientSession

from aio_token import BearerMiddleware, ClientSecretBasic, RefreshTokenGrant, TokenEndpoint, TokenRepository
from examples.servers import servers


async def main() -> None:
    """Fetch something for every user, at once, over one pool of connections."""
    async with servers() as here, AsyncExitStack() as stack:
        endpoint = TokenEndpoint(here.token_url, ClientSecretBasic(here.client_id, here.client_secret))
        bearers: dict[str, BearerMiddleware] = {}
        for user, refresh_token in here.refresh_tokens.items():
            tokens = TokenRepository(RefreshTokenGrant(endpoint, first=refresh_token))
            bearers[user] = BearerMiddleware(await stack.enter_async_context(tokens), here.api_url)
        api = await stack.enter_async_context(ClientSession())

        async def fetch(user: str) -> None:
            # Given with a request, middlewares take the place of the session's.
            async with api.get(f"{here.api_url}/of/{user}", middlewares=(bearers[user],)) as response:
                print(f"{user}: {response.status}")

        async with asyncio.TaskGroup() as group:
            for user in bearers:
                group.create_task(fetch(user))


if __name__ == "__main__":
    asyncio.run(main())
