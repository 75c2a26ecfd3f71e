"""The client credentials grant (RFC 6749 section 4.4): the client asks for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aio_token._credential import Credential
from aio_token._form import Form

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aio_token._credential import IssuedBy
    from aio_token._endpoint import TokenEndpoint


class ClientCredentialsGrant:
    """Obtains a token for the client itself, anew each time: no person is needed, so nothing can be lost.

    `audience` is the parameter of that name that several servers know; `resource` is RFC 8707's, one URI or several.
    A stored token for another scope, audience or resource is not used: a new one is obtained.
    """

    def __init__(
        self,
        endpoint: TokenEndpoint,
        *,
        scope: str | None = None,
        audience: str | None = None,
        resource: str | Sequence[str] | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._form = Form(scope=scope, audience=audience, resource=resource)
        resources = (resource,) if isinstance(resource, str) else resource or ()
        self._issued_by = endpoint.issued_by(scope=scope or "", audience=" ".join((audience or "", *resources)).strip())

    def __repr__(self) -> str:
        asked = self._issued_by
        return f"ClientCredentialsGrant({self._endpoint!r}, scope={asked.scope!r}, audience={asked.audience!r})"

    @property
    def issued_by(self) -> IssuedBy:
        """The endpoint, the client, the scope and the audience (resources included); "" where none is asked for."""
        return self._issued_by

    async def obtain(self, credential: Credential | None) -> Credential:
        """Ask for a new token.

        Raises `ConfigurationError` if what is stored belongs to another endpoint or client: it is not overwritten.
        """
        self._endpoint.check_issued_here(credential)
        first_try = credential is None or not credential.failures  # see the refresh token grant
        answer = await self._endpoint.request("client_credentials", self._form, repeatable=first_try)
        return answer.credential(Credential(issued_by=self._issued_by))

    async def revoke(self, credential: Credential) -> None:
        """Revoke the token. Raises `TokenError`."""
        await self._endpoint.revoke(credential)
