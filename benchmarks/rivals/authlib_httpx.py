"""Authlib's AsyncOAuth2Client, which is an httpx client: the token is fetched first, then renewed by itself.

Its margin, 60 s by default, is set to what the short tokens here allow.
"""

from __future__ import annotations

import warnings
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from authlib.deprecate import AuthlibDeprecationWarning

with warnings.catch_warnings():
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)  # it would rather have httpx's successor
    from authlib.integrations.httpx_client import AsyncOAuth2Client

from benchmarks.rivals._rival import Rival

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from httpx import AsyncBaseTransport, AsyncClient

    from benchmarks._serving import Place

MARGIN = 0.2  # seconds


@asynccontextmanager
async def make(place: Place, transport: AsyncBaseTransport | None) -> AsyncIterator[AsyncClient]:
    """Yield the client."""
    client = AsyncOAuth2Client(
        place.client_id,
        place.client_secret,
        token_endpoint=place.token_url,
        grant_type="client_credentials",
        leeway=MARGIN,
        transport=transport,
        trust_env=False,
        timeout=60,
    )
    async with client:
        await client.fetch_token(place.token_url, grant_type="client_credentials")
        yield client


RIVAL = Rival("Authlib", "httpx", "client credentials", make)
