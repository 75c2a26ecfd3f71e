"""The JWT bearer grant (RFC 7523 section 2.1): a signed statement about somebody, for a token."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aio_token._errors import ConfigurationError
from aio_token._public import public
from aio_token._token import Unpicklable
from aio_token.grants._asked_anew import AskedAnew
from aio_token.oauth.client_auth import ASSERTION_LIFETIME, private_key
from aio_token.oauth.form import Form
from aio_token.oauth.secret import Revealed, reveal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aio_token.oauth.client_auth import Key
    from aio_token.oauth.endpoint import TokenEndpoint
    from aio_token.oauth.secret import Secret


@public
@dataclass(frozen=True, slots=True, kw_only=True)
class SignedJWT(Unpicklable):
    """Makes an assertion for `JWTBearerGrant`, signed anew each time (RFC 7523 section 3).

    `issuer` is who signs, `subject` whom the token shall be for, by default whoever signs; `audience` is the server, by
    the name that it knows itself by. `lifetime` is in seconds. `claims` are further ones, such as the `scope` that some
    servers want there. The key is PEM or JWK, or a function that returns it; `kid` names it, by default as its JWK
    does.
    """

    key: Key = field(repr=False, hash=False)
    issuer: str
    audience: str
    subject: str | None = None
    alg: str = "RS256"
    kid: str | None = None
    lifetime: int = ASSERTION_LIFETIME
    claims: Mapping[str, Any] = field(default_factory=dict, hash=False)

    async def __call__(self) -> str:
        """Return an assertion. Raises `ConfigurationError` if the key is none for the algorithm."""
        from authlib.oauth2.rfc7523.assertion import (  # noqa: PLC0415  slow to import, needed by few
            sign_jwt_bearer_assertion,
        )

        name = f"the private key of {self.issuer!r}"
        key = Revealed(await private_key(self.key, self.alg, name))
        kid = self.kid or key.value.kid
        try:
            return str(
                sign_jwt_bearer_assertion(
                    key.value,
                    self.issuer,
                    self.audience,
                    self.subject or self.issuer,
                    expires_at=int(time.time()) + self.lifetime,
                    claims=dict(self.claims),
                    header={"kid": kid} if kid else None,
                    alg=self.alg,
                )
            )
        except Exception as error:  # noqa: BLE001  whatever a library raises may quote the key
            problem = type(error).__name__
        message = f"{name} cannot sign with {self.alg} ({problem}); check that key and algorithm fit, and the claims"
        raise ConfigurationError(message)


@public
class JWTBearerGrant(AskedAnew):
    """Obtains a token for a signed assertion, anew each time: no person is needed, so nothing can be lost.

    `assertion` is a `SignedJWT`, or another function, asynchronous or not, that returns one; or the text of one, which
    is good for as long as it lives. `audience` and `resource` are as with `ClientCredentialsGrant`.
    """

    _grant_type = "urn:ietf:params:oauth:grant-type:jwt-bearer"

    def __init__(
        self,
        endpoint: TokenEndpoint,
        assertion: Secret,
        *,
        scope: str | None = None,
        audience: str | None = None,
        resource: str | Sequence[str] | None = None,
    ) -> None:
        super().__init__(endpoint, scope=scope, audience=audience, resource=resource)
        self._assertion = assertion

    async def _evidence(self) -> Form:
        return Form(assertion=(await reveal(self._assertion, "the assertion")).value)
