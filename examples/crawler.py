"""A crawler: many pages at once, one token for all of them: python -m examples.crawler [PAGES]."""

from __future__ import annotations

import asyncio
import sys
from itertools import count

from aiohttp import ClientError, ClientSession

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
from examples import ending
from examples.servers import servers

AT_ONCE = 100
ATTEMPTS = 5  # to get a token for a page
SOON, LATE = 1.0, 60.0  # seconds between them: unless the server says how long, and at most


class Crawl:
    """Fetches pages, and goes on where one of them fails: an error that left a fetcher would end all the others."""

    def __init__(self, api: ClientSession, pages: range) -> None:
        self._api = api
        self._numbers = iter(pages)
        self.fetched = 0
        self.size = 0
        self.failed: dict[int, str] = {}

    async def run(self) -> None:
        """Fetch the pages."""
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._fetch_on())

    async def _fetch_on(self) -> None:
        for number in self._numbers:  # each fetcher takes the next page that is left
            try:
                size = await self._page(number)  # apart: what `+=` had read before the wait, others have changed since
                self.size += size
                self.fetched += 1
            except (ClientError, TimeoutError, TokenError) as error:  # 404; no connection; no token, and what helps
                self.failed[number] = str(error)

    async def _page(self, number: int) -> int:
        for attempt in count(1):
            try:
                async with self._api.get(f"/pages/{number}", raise_for_status=True) as response:
                    return len(await response.read())
            except ServerUnavailable as error:  # no token for now: wait, instead of failing all the pages that are left
                if attempt == ATTEMPTS:
                    raise
                await asyncio.sleep(min(error.retry_after or SOON, LATE))
        raise AssertionError


async def main(pages: int) -> None:
    """Crawl."""
    async with servers() as here:
        endpoint = TokenEndpoint(here.token_url, ClientSecretBasic(here.client_id, here.client_secret))
        tokens = TokenRepository(RefreshTokenGrant(endpoint, first=here.refresh_token), FileTokenStore(here.token_file))
        bearer = BearerMiddleware(tokens, here.api_url)
        async with tokens, ClientSession(here.api_url, middlewares=(bearer,)) as api:
            crawl = Crawl(api, range(pages))
            await crawl.run()
        print(f"{crawl.fetched} pages, {crawl.size} bytes")
        for number, why in list(crawl.failed.items())[:10]:
            print(f"page {number}: {why}")


if __name__ == "__main__":
    ending.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000))
