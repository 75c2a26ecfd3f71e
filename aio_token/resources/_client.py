"""As whom a program meets an authorization server that it was not made for: by a document, or by a registration."""

from __future__ import annotations

import secrets
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aio_token._ground.value import Value, replace
from aio_token.grants._loopback import ADDRESSES
from aio_token.oauth.client_auth import PublicClient
from aio_token.resources._kept import RegisteredStore, kept_registration
from aio_token.resources._registration import ClientMetadata, Registration, register

if TYPE_CHECKING:
    from aio_token._clock import Clock
    from aio_token._interfaces import TokenStore
    from aio_token._limits import Limits
    from aio_token.oauth.client_auth import ClientAuthentication
    from aio_token.oauth.provider import Provider

_FIRST_PORT, _PORTS = 20_000, 12_000  # those that systems give to no connection by themselves
_TRIES = 20


class Introduced(Value):
    """The client, the store that keeps it, and where the browser comes back to."""

    client: ClientAuthentication
    store: TokenStore
    back: ClientMetadata


async def introduced(
    described: ClientMetadata,
    provider: Provider,
    store: TokenStore,
    *,
    scope: str | None,
    limits: Limits,
    clock: Clock,
) -> Introduced:
    """Return as whom the program goes on. Raises what `register` and `kept_registration` raise."""
    if described.url is not None and provider.metadata.get("client_id_metadata_document_supported") is True:
        return Introduced(client=PublicClient(described.url), store=store, back=described)

    async def make() -> Registration:
        return await register(provider, described, redirect_uri(described), scope)

    registration = await kept_registration(store, provider.issuer, make, limits, clock)
    parts = urlsplit(registration.redirect_uri)
    back = replace(described, host=parts.hostname, port=parts.port or 0, path=parts.path)
    return Introduced(client=registration.client, store=RegisteredStore(store, registration), back=back)


def redirect_uri(described: ClientMetadata) -> str:
    """Return where the browser comes back to, with a port: some servers compare it, which RFC 8252 spares others."""
    host = f"[{described.host}]" if ":" in described.host else described.host
    return f"http://{host}:{described.port or _free_port(ADDRESSES[described.host][0])}{described.path}"


def _free_port(address: str) -> int:
    """Return a port that no one has now, and that is not given to others by the system later."""
    ports = [_FIRST_PORT + secrets.randbelow(_PORTS) for _ in range(_TRIES)]
    return next((port for port in ports if _is_free(address, port)), ports[0])


def _is_free(address: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as listener:
        try:
            listener.bind((address, port))
        except OSError:
            return False
    return True
