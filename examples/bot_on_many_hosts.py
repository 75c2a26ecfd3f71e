"""A bot with many users that runs on several hosts: whichever host a message comes to, the user's session is there.

python -m examples.bot_on_many_hosts 3   starts three hosts, against servers of its own
python -m examples.bot_on_many_hosts     is one host, against the servers that the environment names

STORE_URL=redis://... is where the sessions are; without it they are in a directory, which is one machine's.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import AsyncExitStack

from aiohttp import ClientSession, TCPConnector

from aio_token import Accounts, BearerMiddleware, ClientSecretBasic, RefreshTokenGrant, TokenEndpoint, TokenError
from examples import ending
from examples.hosts import servers_that_count, several
from examples.servers import of_environment
from examples.shared_store import make_ready, stores_in

MESSAGES = 5
"""Messages of each user that come to a host."""


async def host() -> int:
    """Answer the messages that come to one host, and return its exit code."""
    here = of_environment()
    endpoint = TokenEndpoint(here.token_url, ClientSecretBasic(here.client_id, here.client_secret))
    failed = 0
    async with (
        Accounts(lambda _: RefreshTokenGrant(endpoint), stores_in(here.token_file.parent)) as accounts,
        TCPConnector() as connections,
        AsyncExitStack() as stack,
    ):

        async def session_of(user: str) -> ClientSession:
            bearer = BearerMiddleware(accounts[user], here.api_url)
            session = ClientSession(here.api_url, middlewares=(bearer,), connector=connections, connector_owner=False)
            return await stack.enter_async_context(session)

        async def answer(api: ClientSession, user: str) -> None:
            nonlocal failed
            try:
                async with api.get(f"/of/{user}") as response:
                    failed += response.status != 200  # noqa: PLR2004  OK
            except TokenError as error:  # this user's trouble
                failed += 1
                print(f"host {os.getpid()}: {user}: {error}", file=sys.stderr)

        sessions = {name: await session_of(name) async for name in accounts.names()}
        await asyncio.gather(*(answer(api, name) for name, api in sessions.items() for _ in range(MESSAGES)))
    print(f"host {os.getpid()}: {len(sessions)} users, {len(sessions) * MESSAGES - failed} messages answered")
    return 1 if failed else 0


async def all_of(count: int) -> int:
    """Sign the users in, start so many hosts, and return an exit code."""
    async with servers_that_count() as here:
        stores = stores_in(here.token_file.parent)
        await make_ready(stores)
        endpoint = TokenEndpoint(here.token_url, ClientSecretBasic(here.client_id, here.client_secret))
        async with Accounts(lambda _: RefreshTokenGrant(endpoint), stores) as accounts:
            for user, refresh_token in here.refresh_tokens.items():  # in earnest they sign in by a browser or a code
                await accounts[user].sign_in(RefreshTokenGrant(endpoint, first=refresh_token))
        return await several("examples.bot_on_many_hosts", count=count, here=here)


if __name__ == "__main__":
    sys.exit(ending.run(all_of(int(sys.argv[1])) if len(sys.argv) > 1 else host()))
