"""A bot with many users over one pool of connections, each with a session and cookies of its own.

python -m examples.many_users
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from aiohttp import ClientSession, TCPConnector

from aio_token import (
    Accounts,
    BearerMiddleware,
    ClientSecretBasic,
    RefreshTokenGrant,
    TokenEndpoint,
    TokenError,
    UnknownAccount,
)
from aio_token.stores import DirectoryTokenStores
from examples import ending
from examples.servers import servers

STRANGER = "mallory"


async def main() -> None:
    """Sign the users in who are not yet, and answer all who write to the bot, at once."""
    async with servers() as here, AsyncExitStack() as stack:
        endpoint = TokenEndpoint(here.token_url, ClientSecretBasic(here.client_id, here.client_secret))
        stores = DirectoryTokenStores(here.token_file.with_name("accounts"))
        accounts = Accounts(lambda _: RefreshTokenGrant(endpoint), stores)
        await stack.enter_async_context(accounts)
        await stack.enter_async_context(accounts.keep_fresh())
        connections = await stack.enter_async_context(TCPConnector())

        known = {name async for name in accounts.names()}
        for user in here.refresh_tokens.keys() - known:  # in earnest they sign in by a browser or a code
            await accounts[user].sign_in(RefreshTokenGrant(endpoint, first=here.refresh_tokens[user]))

        async def answer(user: str) -> None:
            bearer = BearerMiddleware(accounts[user], here.api_url)
            session = ClientSession(here.api_url, middlewares=(bearer,), connector=connections, connector_owner=False)
            async with session as api:
                try:
                    async with api.get(f"/of/{user}") as response:
                        print(f"{user}: {response.status}")
                except UnknownAccount:
                    print(f"{user}: who are you? sign in first")
                except TokenError as error:  # this user's trouble: the others' tasks go on
                    print(f"{user}: {error}")

        async with asyncio.TaskGroup() as group:
            for user in (*here.refresh_tokens, STRANGER):
                group.create_task(answer(user))


if __name__ == "__main__":
    ending.run(main())
