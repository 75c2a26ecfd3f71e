"""Lets a client prove who it is on each attempt of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aio_token.oauth.client_auth import ClientAuthentication
    from aio_token.oauth.form import Request


class Signer:
    """Signs each attempt anew, as servers take a client's JWT only once, and keeps what no message may repeat."""

    __slots__ = ("_audience", "_client", "secrets")

    def __init__(self, client: ClientAuthentication, audience: str) -> None:
        self._client = client
        self._audience = audience
        self.secrets: tuple[str, ...] = ()

    async def __call__(self, request: Request) -> Request:
        """Return the request with the client's proof on it."""
        signed = await self._client.authenticate(request, self._audience)
        self.secrets += signed.secrets
        return signed
