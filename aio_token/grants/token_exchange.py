"""Token exchange (RFC 8693): a token for another one, on behalf of whom the first is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aio_token._credential import Credential
from aio_token._form import Form
from aio_token._secret import Revealed, reveal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aio_token._credential import IssuedBy
    from aio_token._endpoint import TokenEndpoint
    from aio_token._interfaces import TokenSource
    from aio_token._secret import Secret

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
_TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


class TokenExchangeGrant:
    """Exchanges `subject_token` for a token of another audience, anew each time: no person is needed.

    The subject token, and the actor's who acts for the subject, is a text, a function that returns it, or a source of
    tokens such as a `TokenRepository`, which is asked each time. The types are URIs of RFC 8693 section 3. `audience`
    and `resource` are one or several. The type of what was issued is in the token's `extra`, as `issued_token_type`.
    """

    def __init__(  # noqa: PLR0913  RFC 8693 section 2.1 has as many parameters
        self,
        endpoint: TokenEndpoint,
        subject_token: Secret | TokenSource,
        *,
        subject_token_type: str = ACCESS_TOKEN,
        actor_token: Secret | TokenSource | None = None,
        actor_token_type: str = ACCESS_TOKEN,
        requested_token_type: str | None = None,
        scope: str | None = None,
        audience: str | Sequence[str] | None = None,
        resource: str | Sequence[str] | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._subject, self._actor = subject_token, actor_token
        self._form = Form(
            subject_token_type=subject_token_type,
            actor_token_type=None if actor_token is None else actor_token_type,
            requested_token_type=requested_token_type,
            scope=scope,
            audience=audience,
            resource=resource,
        )
        asked = (*_several(audience), *_several(resource))
        self._issued_by = endpoint.issued_by(scope=scope or "", audience=" ".join(asked))

    def __repr__(self) -> str:
        asked = self._issued_by
        return f"TokenExchangeGrant({self._endpoint!r}, scope={asked.scope!r}, audience={asked.audience!r})"

    @property
    def issued_by(self) -> IssuedBy:
        """The endpoint, the client, the scope and the audience (resources included); "" where none is asked for."""
        return self._issued_by

    async def obtain(self, credential: Credential | None) -> Credential:
        """Exchange the subject token.

        Raises `TokenError` as the source of the subject token does, `GrantRefused` if that token is not taken, and
        `ConfigurationError` if what is stored belongs to another endpoint or client: it is not overwritten.
        """
        self._endpoint.check_issued_here(credential)
        subject = await _text_of(self._subject, "the subject token")
        actor = None if self._actor is None else await _text_of(self._actor, "the actor token")
        form = Form(subject_token=subject.value, actor_token=None if actor is None else actor.value).over(self._form)
        first_try = credential is None or not credential.failures  # see the refresh token grant
        answer = await self._endpoint.request(_TOKEN_EXCHANGE, form, repeatable=first_try)
        return answer.credential(Credential(issued_by=self._issued_by))

    async def revoke(self, credential: Credential) -> None:
        """Revoke the token. Raises `TokenError`."""
        await self._endpoint.revoke(credential)


def _several(given: str | Sequence[str] | None) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given or ())


async def _text_of(given: Secret | TokenSource, name: str) -> Revealed[str]:
    if isinstance(given, str) or callable(given):
        return await reveal(given, name)
    return Revealed((await given.token()).access_token)
