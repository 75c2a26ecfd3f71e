"""azure-identity: an async credential behind `get_bearer_token_provider`, its way for clients other than Azure's own.

It refuses an authority without TLS, so its token requests go to the server's port with a certificate.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from azure.identity.aio import ClientSecretCredential, get_bearer_token_provider

from benchmarks.rivals._rival import Rival

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import ClientHandlerType, ClientMiddlewareType, ClientRequest, ClientResponse

    from benchmarks._serving import Place


@asynccontextmanager
async def make(place: Place) -> AsyncIterator[ClientMiddlewareType]:
    """Yield the middleware."""
    credential = ClientSecretCredential(
        "tenant",
        place.client_id,
        place.client_secret,
        authority=place.sealed_authority,
        connection_verify=place.certificate,
    )
    async with credential:
        provider = get_bearer_token_provider(credential, "api/.default")

        async def middleware(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
            request.headers["Authorization"] = "Bearer " + await provider()
            return await handler(request)

        yield middleware


RIVAL = Rival("azure-identity", "aiohttp", "client credentials, over TLS", make)
