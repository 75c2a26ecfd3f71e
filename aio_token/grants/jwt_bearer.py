"""The JWT bearer grant (RFC 7523 section 2.1): a signed statement about a subject, exchanged for a token."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aio_token._errors import ConfigurationError, raise_alone
from aio_token._ground.public import public
from aio_token._token import Unpicklable
from aio_token.grants._asked_anew import AskedAnew
from aio_token.oauth.arguments import check_header, check_kind, check_seconds, check_secret, check_text, judged
from aio_token.oauth.client_auth import ASSERTION_LIFETIME
from aio_token.oauth.form import Form
from aio_token.oauth.secret import Revealed, reveal
from aio_token.oauth.signing_key import header_for, private_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aio_token.oauth.endpoint import TokenEndpoint
    from aio_token.oauth.secret import Secret
    from aio_token.oauth.signing_key import Certificate, Key


@public
@judged
@dataclass(frozen=True, slots=True, kw_only=True)
class SignedJWT(Unpicklable):
    """Makes an assertion for `JWTBearerGrant`, signed anew each time (RFC 7523 section 3).

    `issuer` signs; `subject` is whom the token shall be for, by default the issuer; `audience` is the server, by the
    name that it knows itself by. `lifetime` is in seconds. `claims` are further ones, such as the `scope` that some
    servers want there. The key is PEM or JWK, or a function that returns it; `kid` names it, by default as its JWK
    does. `certificate` and `header` are as with `PrivateKeyJWT`.
    """

    key: Key = field(repr=False, hash=False)
    issuer: str
    audience: str
    subject: str | None = None
    alg: str = "RS256"
    kid: str | None = None
    lifetime: int = ASSERTION_LIFETIME
    claims: Mapping[str, Any] = field(default_factory=dict, hash=False)
    header: Mapping[str, Any] = field(default_factory=dict, hash=False)
    certificate: Certificate | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_secret("the private key", self.key, (str, bytes, Mapping))
        for name in ("issuer", "audience", "alg"):
            check_text(name, getattr(self, name))
        for name in ("subject", "kid"):
            check_text(name, getattr(self, name), optional=True)
        check_seconds("lifetime", self.lifetime)
        check_kind("claims", self.claims, (Mapping,), "a mapping of values by their names")
        check_header(self.header)
        if self.certificate is not None:
            check_secret("the certificate", self.certificate, (str, bytes))

    async def __call__(self) -> str:
        """Return an assertion. Raises `ConfigurationError` if the key does not fit the algorithm."""
        return await self.signed_at(time.time())

    async def signed_at(self, now: float) -> str:
        """Return an assertion for a server whose clock says `now` (POSIX seconds). Raises `ConfigurationError`."""
        from authlib.oauth2.rfc7523.assertion import (  # noqa: PLC0415  slow to import, needed by few
            sign_jwt_bearer_assertion,
        )

        name = f"the private key of {self.issuer!r}"
        key = Revealed(await private_key(self.key, self.alg, name))
        header = await header_for(key, self.kid, self.header, self.certificate, repr(self.issuer))
        try:
            return str(
                sign_jwt_bearer_assertion(
                    key.value,
                    self.issuer,
                    self.audience,
                    self.subject or self.issuer,
                    issued_at=int(now),
                    expires_at=int(now) + self.lifetime,
                    claims=dict(self.claims),
                    header=header,
                    alg=self.alg,
                )
            )
        except Exception as error:  # noqa: BLE001  whatever a library raises may quote the key
            why = f"({type(error).__name__}); check that key and algorithm fit, and the claims"
            raise_alone(ConfigurationError(f"{name} cannot sign with {self.alg} {why}"))


@public
@judged
class JWTBearerGrant(AskedAnew):
    """Obtains a token for a signed assertion, anew each time: no person is needed, so nothing can be lost.

    `assertion` is a `SignedJWT`, or another function, asynchronous or not, that returns one; or the text of one, which
    is good for as long as it lives. `audience`, `resource` and `authorization_details` are as with
    `ClientCredentialsGrant`.
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
        authorization_details: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        super().__init__(
            endpoint,
            scope=scope,
            audience=audience,
            resource=resource,
            authorization_details=authorization_details,
        )
        check_secret("the assertion", assertion)
        self._assertion = assertion

    async def _evidence(self) -> Form:
        assertion = self._assertion
        if isinstance(assertion, SignedJWT):
            return Form(assertion=await assertion.signed_at(self._endpoint.server_time()))
        return Form(assertion=(await reveal(assertion, "the assertion")).value)
