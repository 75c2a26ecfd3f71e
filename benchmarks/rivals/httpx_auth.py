"""httpx-auth: `OAuth2ClientCredentials` on an httpx client, as its README shows it.

It asks for tokens with a blocking client, on the event loop's own thread. Its margin, 30 s by default, is set to what
the short tokens here allow.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from httpx import AsyncBaseTransport, AsyncClient, Client
from httpx_auth import OAuth2ClientCredentials

from benchmarks.rivals._rival import Rival

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from benchmarks._serving import Place

MARGIN = 0.2  # seconds


@asynccontextmanager
async def make(place: Place, transport: AsyncBaseTransport | None) -> AsyncIterator[AsyncClient]:
    """Yield the client."""
    with Client(trust_env=False) as asking:
        credentials = OAuth2ClientCredentials(
            place.token_url, place.client_id, place.client_secret, early_expiry=MARGIN, client=asking
        )
        async with AsyncClient(auth=credentials, transport=transport, trust_env=False, timeout=60) as client:
            yield client


RIVAL = Rival("httpx-auth", "httpx", "client credentials", make)
