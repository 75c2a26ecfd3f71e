"""aio_token, as the README shows it: every default, the log of its events included."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aio_token import (
    BearerMiddleware,
    ClientCredentialsGrant,
    ClientSecretBasic,
    RefreshTokenGrant,
    TokenEndpoint,
    TokenRepository,
)
from benchmarks.rivals._rival import Rival

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import ClientMiddlewareType

    from aio_token import Grant
    from benchmarks._serving import Place


def repository(place: Place) -> TokenRepository:
    """Return a repository: for a refresh token if there is one, else for client credentials."""
    endpoint = TokenEndpoint(place.token_url, ClientSecretBasic(place.client_id, place.client_secret))
    first = place.refresh_token
    grant: Grant = RefreshTokenGrant(endpoint, first=first) if first else ClientCredentialsGrant(endpoint)
    return TokenRepository(grant)


@asynccontextmanager
async def make(place: Place) -> AsyncIterator[ClientMiddlewareType]:
    """Yield the middleware."""
    async with repository(place) as tokens:
        yield BearerMiddleware(tokens, place.origin)


RIVAL = Rival("aio_token", "aiohttp", "client credentials", make)
