"""Lets a client prove who it is on each attempt of a request."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

if TYPE_CHECKING:
    from collections.abc import Callable

    from aio_token.oauth.client_auth import ClientAuthentication
    from aio_token.oauth.dialect import Dialect
    from aio_token.oauth.dpop import Prover
    from aio_token.oauth.form import Request


class Signer:
    """Signs each attempt anew, as servers take a client's JWT only once, and keeps what no message may repeat.

    `now` is the server's time as far as it is known (law D14), and `dialect` how the server wants requests written.
    `prover` puts the proof of a key beside that of the client, if the token is to be bound to one.
    """

    __slots__ = ("_audience", "_client", "_now", "dialect", "has_asserted", "prover", "secrets")

    def __init__(
        self,
        client: ClientAuthentication,
        audience: str,
        now: Callable[[], float],
        dialect: Dialect,
        prover: Prover | None,
    ) -> None:
        self._client = client
        self._audience = audience
        self._now = now
        self.dialect: Dialect = dialect
        self.prover: Prover | None = prover
        self.secrets: tuple[str, ...] = ()
        self.has_asserted: bool = False

    async def __call__(self, request: Request) -> Request:
        """Return the request with the client's proof on it, as the server reads it."""
        signed = await self._client.authenticate(replace(request, sent_at=self._now()), self._audience)
        self.has_asserted = "client_assertion=" in signed.body
        if "client_id=" in request.body:
            signed = replace(signed, body=_named_once(signed.body))
        written = self.dialect.written(signed)
        if self.prover is not None:
            written = self.prover.prove(written, self._now())
        self.secrets += written.secrets
        return written


def _named_once(body: str) -> str:
    """Leave out what is said twice: a pushed request names the client (RFC 9126), and so do some proofs of it."""
    return urlencode([*dict.fromkeys(parse_qsl(body, keep_blank_values=True))])
