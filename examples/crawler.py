"""A crawler: many pages at once, one token for all of them: python -m examples.crawler [PAGES]."""

from __future__ import annotations

import asyncio
import sys

from aiohttp import ClientSession

from aio_token import (
    BearerMiddleware,
    ClientSecretBasic,
    FileTokenStore,
    RefreshTokenGrant,
    TokenEndpoint,
    TokenRepository,
)
from examples.servers import servers

AT_ONCE = 100


async def crawl(api: ClientSession, pages: range) -> int:
    """Fetch the pages, and return how many bytes they had."""
    numbers = iter(pages)

    async def fetch_on() -> int:
        size = 0
        for number in numbers:  # each fetcher takes the next page that is left
            async with api.get(f"/pages/{number}", raise_for_status=True) as response:
                size += len(await response.read())
        return size

    async with asyncio.TaskGroup() as group:
        fetchers = [group.create_task(fetch_on()) for _ in range(AT_ONCE)]
    return sum(fetcher.result() for fetcher in fetchers)


async def main(pages: int) -> None:
    """Crawl."""
    async with servers() as here:
        endpoint = TokenEndpoint(here.token_url, ClientSecretBasic(here.client_id, here.client_secret))
        tokens = TokenRepository(RefreshTokenGrant(endpoint, first=here.refresh_token), FileTokenStore(here.token_file))
        bearer = BearerMiddleware(tokens, here.api_url)
        async with tokens, ClientSession(here.api_url, middlewares=(bearer,)) as api:
            size = await crawl(api, range(pages))
        print(f"{pages} pages, {size} bytes")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000))
