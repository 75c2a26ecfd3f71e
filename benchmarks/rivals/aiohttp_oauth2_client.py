"""aiohttp-oauth2-client: its grant and its middleware, as its README shows them.

Its margin before a token's end is 30 s, and no option changes that.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp_oauth2_client.grant.client_credentials import ClientCredentialsGrant
from aiohttp_oauth2_client.middleware import OAuth2Middleware

from benchmarks.rivals._rival import Rival

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import ClientMiddlewareType

    from benchmarks._serving import Place


@asynccontextmanager
async def make(place: Place) -> AsyncIterator[ClientMiddlewareType]:
    """Yield the middleware."""
    grant = ClientCredentialsGrant(
        token_url=place.token_url, client_id=place.client_id, client_secret=place.client_secret
    )
    async with grant:
        yield OAuth2Middleware(grant)


RIVAL = Rival("aiohttp-oauth2-client", "aiohttp", "client credentials", make, margin=30.0)
