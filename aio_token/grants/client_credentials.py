"""The client credentials grant (RFC 6749 section 4.4): the client asks for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aio_token._ground.public import public
from aio_token.grants._asked_anew import AskedAnew
from aio_token.oauth.arguments import judged
from aio_token.oauth.form import Form

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aio_token.oauth.endpoint import TokenEndpoint


@public
@judged
class ClientCredentialsGrant(AskedAnew):
    """Obtains a token for the client itself, anew each time: no person is needed, so nothing can be lost.

    `audience` is the parameter of that name that several servers know; `resource` is RFC 8707's, one URI or several.
    `authorization_details` say in full what the token is to allow (RFC 9396), as mappings with a type each; what was
    granted is in the token's `extra`. A stored token for another scope, audience, resource or for other details is not
    used: a new one is obtained.
    """

    _grant_type = "client_credentials"

    def __init__(
        self,
        endpoint: TokenEndpoint,
        *,
        scope: str | None = None,
        audience: str | None = None,
        resource: str | Sequence[str] | None = None,
        authorization_details: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        super().__init__(
            endpoint,
            scope=scope,
            audience=audience,
            resource=resource,
            authorization_details=authorization_details,
        )

    async def _evidence(self) -> Form:
        return Form()  # the client's own proof is all of it
