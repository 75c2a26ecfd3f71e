"""Token exchange (RFC 8693): one token for another, on behalf of the first one's subject."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aio_token._ground.public import public
from aio_token.grants._asked_anew import AskedAnew
from aio_token.oauth.arguments import check_secret, check_text, judged
from aio_token.oauth.form import Form
from aio_token.oauth.secret import Revealed, reveal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aio_token._interfaces import TokenSource
    from aio_token.oauth.endpoint import TokenEndpoint
    from aio_token.oauth.secret import Secret

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


@public
@judged
class TokenExchangeGrant(AskedAnew):
    """Exchanges `subject_token` for a token of another audience, anew each time: no person is needed.

    The subject token, and the actor's who acts for the subject, is a text, a function that returns it, or a source of
    tokens such as a `TokenRepository`, which is asked each time. The types are URIs of RFC 8693 section 3. `audience`
    and `resource` are one or several, `authorization_details` as with `ClientCredentialsGrant`. The type of what was
    issued is in the token's `extra`, as `issued_token_type`.
    """

    _grant_type = "urn:ietf:params:oauth:grant-type:token-exchange"

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
        authorization_details: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        super().__init__(
            endpoint,
            scope=scope,
            audience=audience,
            resource=resource,
            authorization_details=authorization_details,
        )
        _check_source("the subject token", subject_token)
        check_text("subject_token_type", subject_token_type)
        if actor_token is not None:
            _check_source("the actor token", actor_token)
            check_text("actor_token_type", actor_token_type)
        check_text("requested_token_type", requested_token_type, optional=True)
        self._subject, self._actor = subject_token, actor_token
        self._types = Form(
            subject_token_type=subject_token_type,
            actor_token_type=None if actor_token is None else actor_token_type,
            requested_token_type=requested_token_type,
        )

    async def _evidence(self) -> Form:
        subject = await _text_of(self._subject, "the subject token")
        actor = None if self._actor is None else await _text_of(self._actor, "the actor token")
        return Form(subject_token=subject.value, actor_token=None if actor is None else actor.value).over(self._types)


def _check_source(name: str, given: object) -> None:
    if not callable(getattr(given, "token", None)):
        check_secret(name, given)


async def _text_of(given: Secret | TokenSource, name: str) -> Revealed[str]:
    if isinstance(given, str) or callable(given):
        return await reveal(given, name)
    return Revealed((await given.token()).access_token)
