"""What grants have in common that obtain a token anew each time: no person is needed, so nothing can be lost."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from aio_token._credential import Credential
from aio_token._wish import NO_WISH
from aio_token.grants._again import asked_again_over_a_blip
from aio_token.grants._wish import issued_for, written
from aio_token.oauth.arguments import check_endpoint, check_scope, check_several
from aio_token.oauth.details import details_text
from aio_token.oauth.form import Form

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aio_token._credential import IssuedBy
    from aio_token._wish import Wish
    from aio_token.oauth.answer import Answer
    from aio_token.oauth.endpoint import TokenEndpoint


class AskedAnew(ABC):
    """A grant that presents its evidence for each token. A stored one for another scope or audience is not used."""

    _grant_type: ClassVar[str]

    needs_nothing_stored: ClassVar[bool] = True

    def __init__(
        self,
        endpoint: TokenEndpoint,
        *,
        scope: str | None,
        audience: str | Sequence[str] | None,
        resource: str | Sequence[str] | None,
        authorization_details: Sequence[Mapping[str, Any]] | None,
    ) -> None:
        check_endpoint(endpoint)
        check_scope(scope)
        check_several("audience", audience)
        check_several("resource", resource)
        self._endpoint = endpoint
        self._asked = Form(
            scope=scope,
            audience=audience,
            resource=resource,
            authorization_details=details_text(authorization_details),
        )
        self._issued_by = issued_for(endpoint, self._asked)

    def __repr__(self) -> str:
        asked = self._issued_by
        return f"{type(self).__name__}({self._endpoint!r}, scope={asked.scope!r}, audience={asked.audience!r})"

    @property
    def issued_by(self) -> IssuedBy:
        """The endpoint, the client, the scope and the audience (resources included); "" where none is asked for."""
        return self._issued_by

    async def obtain(self, credential: Credential | None, wish: Wish = NO_WISH) -> Credential:
        """Ask for a new token; what is wished comes before what the grant itself asks for.

        Raises `TokenError`, such as `ConfigurationError` if what is presented is not taken, as no person can help, or
        if what is stored belongs to another endpoint or client: it is not overwritten.
        """
        self._endpoint.check_issued_here(credential)
        asked = written(wish).over(self._asked)
        key = credential.dpop_key if credential is not None else None
        first_try = credential is None or not credential.failures  # see the refresh token grant

        async def ask() -> Answer:
            form = (await self._evidence()).over(asked)
            return await self._endpoint.request(self._grant_type, form, repeatable=first_try, key=key)

        answer = await asked_again_over_a_blip(ask, credential)
        return answer.credential(Credential(issued_by=issued_for(self._endpoint, asked)))

    async def fingerprint(self, salt: bytes) -> str:
        """Return a digest of what the client proves itself with, and not of the evidence, which may be made anew."""
        return await self._endpoint.fingerprint(salt)

    async def revoke(self, credential: Credential) -> None:
        """Revoke the token. Raises `TokenError`."""
        await self._endpoint.revoke(credential)

    @abstractmethod
    async def _evidence(self) -> Form:
        """Return what is presented, beside the client's own proof. Raises `TokenError`."""
