"""Lets a client prove who it is on each attempt of a request."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from aio_token.oauth.client_auth import ClientAuthentication
    from aio_token.oauth.form import Request


class Signer:
    """Signs each attempt anew, as servers take a client's JWT only once, and keeps what no message may repeat.

    `now` is the server's time as far as it is known (law D14).
    """

    __slots__ = ("_audience", "_client", "_now", "has_asserted", "secrets")

    def __init__(self, client: ClientAuthentication, audience: str, now: Callable[[], float]) -> None:
        self._client = client
        self._audience = audience
        self._now = now
        self.secrets: tuple[str, ...] = ()
        self.has_asserted: bool = False

    async def __call__(self, request: Request) -> Request:
        """Return the request with the client's proof on it."""
        signed = await self._client.authenticate(replace(request, sent_at=self._now()), self._audience)
        self.secrets += signed.secrets
        self.has_asserted = "client_assertion=" in signed.body
        return signed
