"""A session's authorization server: what it is asked, and how those requests leave.

Nothing of the network is imported before a request has to be made: a valid token comes from the disk alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aio_token._errors import ConfigurationError
from aio_token._wish import NO_WISH
from aio_token.cli._client_secret import secret_of
from aio_token.oauth.client_auth import ClientSecretBasic, ClientSecretPost, PublicClient

if TYPE_CHECKING:
    from aio_token._credential import Credential, IssuedBy
    from aio_token._wish import Wish
    from aio_token.cli._session import Session
    from aio_token.grants.client_credentials import ClientCredentialsGrant
    from aio_token.grants.refresh_token import RefreshTokenGrant
    from aio_token.oauth.client_auth import ClientAuthentication
    from aio_token.oauth.endpoint import TokenEndpoint
    from aio_token.oauth.exchange import Reply
    from aio_token.oauth.provider import Provider
    from aio_token.oauth.secret import Revealed
    from aio_token.oauth.transport import Transport


class SessionGrant:
    """Renews as the profile says."""

    revocation_ends_grant = True  # on some servers it does, and a command is not told on which

    def __init__(self, session: Session) -> None:
        self._session = session
        self.revoked = False

    @property
    def issued_by(self) -> IssuedBy:
        """What the profile says, without asking any server."""
        return self._session.profile.issued_by

    def spends(self, credential: Credential | None) -> bool:
        """Whether a refresh token would be presented that may be single-use (law F8)."""
        if (
            credential is None
            or credential.refresh_token is None
            or self._session.profile.grant == "client_credentials"
        ):
            return False
        return not credential.reusable

    async def obtain(self, credential: Credential | None, wish: Wish = NO_WISH) -> Credential:
        """Ask the server. Raises `TokenError`."""
        return await self._grant().obtain(credential, wish)

    async def fingerprint(self, salt: bytes) -> str:
        """Return a digest of what the client proves itself with. Raises `TokenError`."""
        return await self._grant().fingerprint(salt)

    async def revoke(self, credential: Credential) -> None:
        """Tell the server, and remember that it was told. Raises `TokenError`."""
        await self._grant().revoke(credential)
        self.revoked = True

    def _grant(self) -> ClientCredentialsGrant | RefreshTokenGrant:
        from aio_token.grants.client_credentials import ClientCredentialsGrant
        from aio_token.grants.refresh_token import RefreshTokenGrant

        profile, endpoint = self._session.profile, _endpoint_of(self._session)
        if profile.grant == "client_credentials":
            return ClientCredentialsGrant(endpoint, scope=profile.scope, audience=profile.audience)
        return RefreshTokenGrant(endpoint)


async def discover(issuer: str) -> Provider:
    """Read the issuer's metadata. Raises `TokenError`."""
    from aio_token.oauth.provider import Provider

    return await Provider.discover(issuer, transport=_transport())


def endpoint_at(provider: Provider, session: Session, typed: Revealed[str] | None) -> TokenEndpoint:
    """Return the provider's endpoint; `typed` is a client's secret that is not stored yet."""
    return provider.token_endpoint(_client_of(session, typed))


async def answer_to_nothing(url: str, to: str) -> Reply:
    """Return the answer to an empty form, posted as the token endpoint wants it; `to` names it in messages.

    Raises `TokenError`.
    """
    from aio_token.oauth.form import Request
    from aio_token.oauth.sending import send

    return await send(Request(to=to, url=url), _transport())


def proxy_for(url: str) -> str | None:
    """Return the environment's proxy. With aiohttp's `trust_env` passwords would come from ~/.netrc as well."""
    try:
        return _transport().proxy_for(url)
    except ValueError:
        message = "the proxy of the environment does not speak HTTP"
        raise ConfigurationError(message) from None


def _transport() -> Transport:
    from aio_token.oauth.transport import Transport

    return Transport(trust_env=True)


def _endpoint_of(session: Session) -> TokenEndpoint:
    from aio_token.oauth.endpoint import TokenEndpoint

    return TokenEndpoint(
        session.profile.token_endpoint,
        _client_of(session),
        revocation_url=session.profile.revocation_endpoint,
        issuer=session.profile.issuer,
        transport=_transport(),
    )


def _client_of(session: Session, typed: Revealed[str] | None = None) -> ClientAuthentication:
    profile = session.profile
    if profile.client_secret is None:
        return PublicClient(profile.client_id)
    secret = secret_of(session) if typed is None else lambda: typed.value
    kind = ClientSecretPost if profile.client_auth == "client_secret_post" else ClientSecretBasic
    return kind(profile.client_id, secret)
