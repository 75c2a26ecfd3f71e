"""The resource owner password credentials grant (RFC 6749 section 4.3), for servers that still have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aio_token._credential import Credential
from aio_token._errors import ConfigurationError
from aio_token._ground.public import public
from aio_token._pacing.proof import digest
from aio_token._wish import NO_WISH
from aio_token.grants._again import asked_again_over_a_blip
from aio_token.grants._wish import issued_for, written
from aio_token.oauth.arguments import check_endpoint, check_scope, check_secret, check_text, judged
from aio_token.oauth.form import Form
from aio_token.oauth.secret import reveal

if TYPE_CHECKING:
    from aio_token._credential import IssuedBy
    from aio_token._wish import Wish
    from aio_token.oauth.endpoint import TokenEndpoint
    from aio_token.oauth.secret import Secret


@public
@judged
class PasswordGrant:
    """Signs in with a user's name and password, or a function that returns the password.

    Meant for `sign_in`: a `RefreshTokenGrant` of the same endpoint goes on from there.
    """

    def __init__(self, endpoint: TokenEndpoint, username: str, password: Secret, *, scope: str | None = None) -> None:
        check_endpoint(endpoint)
        if endpoint.fapi2:
            message = "FAPI 2.0 has no grant for passwords; use AuthorizationCodeGrant or WebSignIn"
            raise ConfigurationError(message)
        check_text("username", username)
        check_secret("the password", password)
        check_scope(scope)
        self._endpoint = endpoint
        self._username = username
        self._password = password
        self._scope = scope

    def __repr__(self) -> str:
        return f"PasswordGrant({self._endpoint!r}, {self._username!r}, scope={self._scope!r})"

    @property
    def issued_by(self) -> IssuedBy:
        """The endpoint, the client and the scope, "" where none is asked for."""
        return self._endpoint.issued_by(scope=self._scope or "", audience="")

    async def obtain(self, credential: Credential | None, wish: Wish = NO_WISH) -> Credential:
        """Sign in; what is wished comes before the grant's own scope.

        Raises `GrantRefused` for a wrong password, and `ConfigurationError` if what is stored belongs to another
        endpoint or client: it is not overwritten.
        """
        self._endpoint.check_issued_here(credential)
        password = await reveal(self._password, "the password")
        asked = written(wish).over(Form(scope=self._scope))
        form = Form(username=self._username, password=password.value).over(asked)
        answer = await asked_again_over_a_blip(lambda: self._endpoint.request("password", form), credential)
        return answer.credential(Credential(issued_by=issued_for(self._endpoint, asked)))

    async def fingerprint(self, salt: bytes) -> str:
        """Return a digest of what the client proves itself with, of the name and the password."""
        password = await reveal(self._password, "the password")
        return digest(salt, await self._endpoint.fingerprint(salt), self._username, password.value)

    async def revoke(self, credential: Credential) -> None:
        """Revoke the refresh token, or the access token where there is none. Raises `TokenError`."""
        await self._endpoint.revoke(credential)
