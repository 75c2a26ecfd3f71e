"""A service of many workers on one client credential: the client asks for itself, and all workers share the token.

python -m examples.workers 4   starts four of them, against servers of its own
python -m examples.workers     is one worker, against the servers that the environment names

A worker could obtain a token of its own at no cost. They share one where the server counts tokens, charges for them, or
ends the first when it gives a second. STORE_URL says where: see shared_store.py.
"""

from __future__ import annotations

import asyncio
import os
import sys

from aiohttp import ClientSession

from aio_token import BearerMiddleware, ClientCredentialsGrant, ClientSecretBasic, TokenEndpoint, TokenRepository
from examples import ending
from examples.hosts import servers_that_count, several
from examples.servers import of_environment
from examples.shared_store import make_ready, store_of

REQUESTS = 50


async def worker() -> int:
    """Do the work of one, and return its exit code."""
    here = of_environment()
    endpoint = TokenEndpoint(here.token_url, ClientSecretBasic(here.client_id, here.client_secret))
    # The first of the workers asks the server; the others find its token in the store.
    tokens = TokenRepository(ClientCredentialsGrant(endpoint), store_of("service", here.token_file.parent))
    bearer = BearerMiddleware(tokens, here.api_url)
    async with tokens, ClientSession(here.api_url, middlewares=(bearer,)) as api:

        async def job(number: int) -> int:
            async with api.get(f"/jobs/{number}") as response:
                return response.status

        answers = await asyncio.gather(*(job(number) for number in range(REQUESTS)))
    print(f"worker {os.getpid()}: {answers.count(200)} of {REQUESTS} jobs done")
    return 0 if answers.count(200) == REQUESTS else 1


async def all_of(count: int) -> int:
    """Start so many workers, and return an exit code."""
    async with servers_that_count() as here:
        await make_ready(store_of("service", here.token_file.parent))
        return await several("examples.workers", count=count, here=here)


if __name__ == "__main__":
    sys.exit(ending.run(all_of(int(sys.argv[1])) if len(sys.argv) > 1 else worker()))
