"""A bot that holds a WebSocket: its handshake carries the token, and a renewed token means a new connection.

python -m examples.bot [CONNECTIONS] ends after so many connections; without the number it goes on for ever.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING

from aiohttp import ClientSession, WSMsgType

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

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aio_token import TokenSource

LOOK_EVERY = 0.2  # seconds; to ask for the token costs nothing, and renews it when that is due


async def hold(api: ClientSession, tokens: TokenSource, connections: Iterable[int]) -> None:
    """Keep a connection, with a new one whenever the token is renewed, by this bot or by another that shares it."""
    for number in connections:
        token = await tokens.token()
        async with api.ws_connect("/ws") as socket:
            await socket.send_str(f"connection {number}, token {token.fingerprint}")
            while not socket.closed and await tokens.token() == token:
                with suppress(TimeoutError):
                    message = await socket.receive(timeout=LOOK_EVERY)
                    if message.type is WSMsgType.TEXT:
                        print(f"heard: {message.data}", flush=True)


async def main(connections: Iterable[int]) -> None:
    """Run the bot."""
    async with servers(lifetime=2.0) as here:
        endpoint = TokenEndpoint(here.token_url, ClientSecretBasic(here.client_id, here.client_secret))
        tokens = TokenRepository(RefreshTokenGrant(endpoint, first=here.refresh_token), FileTokenStore(here.token_file))
        bearer = BearerMiddleware(tokens, here.api_url)
        async with tokens, ClientSession(here.api_url, middlewares=(bearer,)) as api:
            await hold(api, tokens, connections)


if __name__ == "__main__":
    ending.run(main(range(1, int(sys.argv[1]) + 1) if len(sys.argv) > 1 else count(1)))
