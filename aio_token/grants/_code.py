"""An authorization code: how it is asked for, and the grant that redeems it (RFC 6749 section 4.1, RFC 7636)."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aio_token._credential import Credential
from aio_token._errors import SignInRequired, TokenError
from aio_token._token import Unpicklable
from aio_token._wish import NO_WISH
from aio_token.grants._wish import issued_for
from aio_token.oauth.details import details_text
from aio_token.oauth.extra import bounded
from aio_token.oauth.form import Form
from aio_token.oauth.secret import Revealed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aio_token._bound.key import ProofKey
    from aio_token._credential import IssuedBy
    from aio_token._wish import Wish
    from aio_token.grants._callback import Callback
    from aio_token.grants._redeemed import Redeemed
    from aio_token.oauth.endpoint import TokenEndpoint

_ENTROPY = 32  # bytes, of the state and of the verifier (RFC 7636 section 4.1)

RESERVED = frozenset(
    {
        "authorization_details",
        "client_id",
        "code_challenge",
        "code_challenge_method",
        "dpop_jkt",
        "redirect_uri",
        "request",
        "request_uri",
        "resource",
        "response_type",
        "scope",
        "state",
    }
)
"""Parameters of an authorization request that the library writes itself."""


def secret_text() -> Revealed[str]:
    """Make a state or a verifier that no one guesses."""
    return Revealed(secrets.token_urlsafe(_ENTROPY))


def verifier_for(endpoint: TokenEndpoint) -> Revealed[str]:
    """Make a verifier (RFC 7636 section 4.1), "" for a server that breaks on it."""
    return secret_text() if endpoint.dialect.pkce else Revealed("")


def key_for(endpoint: TokenEndpoint) -> ProofKey | None:
    """Make the key that the session is bound to from its beginning, None if it is not to be bound."""
    return endpoint.dpop.new_key() if endpoint.dpop is not None else None


def challenge(verifier: Revealed[str]) -> Form:
    """Return what shows a server that the verifier is known, without showing it (RFC 7636 section 4.2)."""
    if not verifier.value:
        return Form()
    from authlib.oauth2.rfc7636 import create_s256_code_challenge  # noqa: PLC0415  slow to import

    digest: str = create_s256_code_challenge(verifier.value)  # type: ignore[no-untyped-call]  # types-authlib leaves it out
    return Form(code_challenge=digest, code_challenge_method="S256")


def authorized(
    scope: str | None,
    resource: str | Sequence[str] | None,
    authorization_details: Sequence[Mapping[str, Any]] | None,
    parameters: Mapping[str, str | Sequence[str]] | None,
) -> Form:
    """Return what a grant asks a person to agree to."""
    details = details_text(authorization_details)
    return Form(scope=scope, resource=resource, authorization_details=details).over(Form(**(parameters or {})))


def authorization_request(
    endpoint: TokenEndpoint,
    asked: Form,
    *,
    redirect_uri: str,
    state: Revealed[str],
    verifier: Revealed[str],
    key: ProofKey | None,
) -> Form:
    """Return all that an authorization request says, whichever way it takes (RFC 6749 section 4.1.1).

    The code is for those who prove the key, if there is one (RFC 9449 section 10).
    """
    own = Form(response_type="code", client_id=endpoint.client_id, redirect_uri=redirect_uri, state=state.value)
    bound = Form(dpop_jkt=key.thumbprint if key is not None else None)
    return own.over(challenge(verifier)).over(bound).over(asked)


class CodeInHand(Unpicklable):
    """The grant that redeems an authorization code, once; `redeemed` remembers that it was, by the callback's state.

    `key` is what the session will be bound to, if it is.
    """

    def __init__(
        self,
        endpoint: TokenEndpoint,
        callback: Callback,
        asked: Form,
        *,
        redirect_uri: str,
        verifier: Revealed[str],
        redeemed: Redeemed,
        key: ProofKey | None,
    ) -> None:
        self._endpoint = endpoint
        self._callback = callback
        self._asked = asked
        self._redirect_uri = redirect_uri
        self._verifier = verifier
        self._redeemed = redeemed
        self._key = key

    def __repr__(self) -> str:
        return f"<CodeInHand for {self._endpoint!r}>"

    @property
    def issued_by(self) -> IssuedBy:
        """The endpoint, the client, the scope and the audience (resources included); "" where none was asked for."""
        return issued_for(self._endpoint, self._asked)

    async def obtain(self, credential: Credential | None, wish: Wish = NO_WISH) -> Credential:
        """Redeem the code; what was wished was said when it was asked for.

        Raises `SignInRequired` if it was presented before: servers revoke what they gave for a code that comes twice
        (RFC 6749 section 4.1.2).
        """
        del wish
        self._endpoint.check_issued_here(credential)
        if not self._redeemed.claim(self._callback["state"]):
            message = "the authorization code was presented before; sign in again"
            raise SignInRequired(message)
        form = Form(
            code=self._callback["code"],
            redirect_uri=self._redirect_uri,
            code_verifier=self._verifier.value,
            resource=self._asked.values("resource"),  # here too (RFC 8707 section 2.2)
        )
        try:
            extra, key = self._callback.extra, self._key
            answer = await self._endpoint.request("authorization_code", form, repeatable=False, extra=extra, key=key)
        except TokenError as error:
            if not getattr(error, "outcome_unknown", False):  # then it has not left
                self._redeemed.release(self._callback["state"])
            raise
        return self._with_what_came_back(answer.credential(Credential(issued_by=self.issued_by)))

    def _with_what_came_back(self, credential: Credential) -> Credential:
        """Keep what the server told the browser, such as a realm: it is told nowhere else."""
        token, extra = credential.token, self._callback.extra
        if token is None or not extra:
            return credential
        return replace(credential, token=replace(token, extra=bounded({**extra, **token.extra})))
