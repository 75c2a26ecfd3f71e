"""The servers of a crawl, in a process of their own: they say in JSON where they are, and at the end what they saw.

`python -m benchmarks._crawl_server LIFETIME LATENCY` serves until its standard input ends (all in seconds).
"""

from __future__ import annotations

import asyncio
import json
import sys

from aio_token.testing import AuthorizationServer, ProtectedAPI, Slow

STATIC = "a-token-that-never-ends"


class Check:
    """Good is what the server issued, and the token that never ends."""

    def __init__(self, server: AuthorizationServer) -> None:
        self.server = server

    def accepts(self, access_token: str) -> bool:
        """Whether the access token counts."""
        return access_token == STATIC or self.server.accepts(access_token)


async def main(lifetime: float, latency: float) -> None:
    """Serve."""
    async with AuthorizationServer(lifetime=lifetime) as server, ProtectedAPI(Check(server)) as api:
        server.inject(Slow(before=latency), endpoint="token")
        firsts = [server.sign_in() for _ in range(2)]
        client = server.client
        here = {"token_url": server.token_url, "api": api.url, "client_id": client.client_id, "secret": client.secret}
        print(json.dumps({**here, "refresh_tokens": firsts}), flush=True)
        await asyncio.to_thread(sys.stdin.read)
        seen = {
            "refresh requests": server.refreshes,
            "refresh tokens presented twice": server.reused,
            "requests to refuse": api.refused,
        }
        print(json.dumps(seen), flush=True)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), float(sys.argv[2])))
