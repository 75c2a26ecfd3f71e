"""A session's authorization server: what it is asked, and how those requests leave.

Nothing of the network is imported before a request has to be made: a valid token comes from the disk alone.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from aio_token._wish import NO_WISH, Wish
from aio_token.cli._assertion import assertion_of
from aio_token.cli._client_secret import key_of, secret_of
from aio_token.cli._network import transport_of
from aio_token.cli._secret_file import text_of
from aio_token.oauth.client_auth import (
    ClientAssertion,
    ClientSecretBasic,
    ClientSecretPost,
    PrivateKeyJWT,
    PublicClient,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    from aio_token._bound.key import ProofKey
    from aio_token._credential import Credential, IssuedBy
    from aio_token._token import Token
    from aio_token.cli._network import Way
    from aio_token.cli._session import Session
    from aio_token.grants.client_credentials import ClientCredentialsGrant
    from aio_token.grants.refresh_token import RefreshTokenGrant
    from aio_token.oauth.client_auth import ClientAuthentication
    from aio_token.oauth.dpop import DPoP
    from aio_token.oauth.endpoint import TokenEndpoint
    from aio_token.oauth.exchange import Reply
    from aio_token.oauth.provider import EndpointOptions, Provider
    from aio_token.oauth.secret import Revealed, Secret
    from aio_token.oauth.transport import Transport

    class Given(Way, Protocol):
        """Where a server is, as far as that was said: by options, or by a profile."""

        @property
        def issuer(self) -> str | None: ...
        @property
        def metadata_url(self) -> str | None: ...
        @property
        def token_url(self) -> str | None: ...
        @property
        def authorization_url(self) -> str | None: ...
        @property
        def device_url(self) -> str | None: ...
        @property
        def revocation_url(self) -> str | None: ...
        @property
        def push_url(self) -> str | None: ...


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

    def new_key(self) -> ProofKey | None:
        """Return a key for a session that is bound to none yet, None where tokens are not to be bound."""
        dpop = _dpop_of(self._session)
        return None if dpop is None else dpop.new_key()

    async def obtain(self, credential: Credential | None, wish: Wish = NO_WISH) -> Credential:
        """Ask the server. Raises `TokenError`."""
        resource = wish.resource or self._session.profile.resource  # in every request (RFC 8707 section 2.2)
        return await self._grant().obtain(credential, replace(wish, resource=resource))

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
            return ClientCredentialsGrant(
                endpoint,
                scope=profile.scope,
                audience=profile.audience,
                resource=profile.resource,
                authorization_details=profile.details,
            )
        return RefreshTokenGrant(endpoint)


async def discover(given: Given) -> Provider:
    """Return what the issuer says about itself; what was given by hand comes first. Raises `TokenError`.

    A server whose token endpoint was given by hand is not asked.
    """
    from aio_token.oauth.provider import Provider

    by_hand = {
        "token_endpoint": given.token_url,
        "authorization_endpoint": given.authorization_url,
        "device_authorization_endpoint": given.device_url,
        "revocation_endpoint": given.revocation_url,
        "pushed_authorization_request_endpoint": given.push_url,
    }
    by_hand = {name: url for name, url in by_hand.items() if url is not None}
    way = transport_of(given)
    if given.token_url is not None:
        return Provider(given.issuer or "", by_hand, transport=way)
    found = await Provider.discover(given.issuer or "", metadata_url=given.metadata_url, transport=way)
    return replace(found, metadata={**found.metadata, **by_hand})


def endpoint_at(provider: Provider, session: Session, typed: Revealed[str] | None) -> TokenEndpoint:
    """Return the provider's endpoint; `typed` is a client's secret that is not stored yet."""
    asked: EndpointOptions = {"dpop": _dpop_of(session)}
    if session.profile.push:
        asked["push_authorization"] = True
    return provider.token_endpoint(_client_of(session, typed), **asked)


def proofs_of(session: Session) -> Iterator[tuple[str, Secret]]:
    """Return what the client proves itself with, and what it is called."""
    profile = session.profile
    if profile.client_secret is not None:
        yield "client's secret", secret_of(session)
    if profile.client_key is not None:
        yield "client's key", key_of(session)
    if profile.client_certificate is not None:
        yield "key's certificate", partial(text_of, profile.client_certificate, "the key's certificate")
    if profile.assertion is not None:
        yield "client's assertion", assertion_of(profile)


async def answer_to_nothing(url: str, to: str, transport: Transport) -> Reply:
    """Return the answer to an empty form, posted as the token endpoint wants it; `to` names it in messages.

    Raises `TokenError`.
    """
    from aio_token.oauth.form import Request
    from aio_token.oauth.sending import send

    return await send(Request(to=to, url=url), transport)


async def told_by(url: str, transport: Transport, token: Token) -> Reply:
    """Return what an endpoint of the issuer's says that takes the token. Raises `TokenError`."""
    from aio_token.oauth.form import Request
    from aio_token.oauth.sending import send
    from aio_token.oauth.url import origin_of

    to = f"the user-info endpoint of {origin_of(url)}"
    return await send(Request(to=to, url=url, method="GET", headers=token.headers("GET", url)), transport)


def _endpoint_of(session: Session) -> TokenEndpoint:
    from aio_token.oauth.endpoint import TokenEndpoint

    profile = session.profile
    aliases = {"token_endpoint": profile.token_alias, "revocation_endpoint": profile.revocation_alias}
    return TokenEndpoint(
        session.profile.token_endpoint,
        _client_of(session),
        revocation_url=session.profile.revocation_endpoint,
        mtls_aliases={name: url for name, url in aliases.items() if url is not None},
        issuer=session.profile.issuer,
        transport=transport_of(session.profile),
        dpop=_dpop_of(session),
    )


def _dpop_of(session: Session) -> DPoP | None:
    from aio_token.oauth.dpop import DPoP

    return DPoP() if session.profile.dpop else None


def _client_of(session: Session, typed: Revealed[str] | None = None) -> ClientAuthentication:
    profile = session.profile
    chain = profile.client_certificate
    if profile.client_key is not None:
        return PrivateKeyJWT(
            profile.client_id,
            key_of(session),
            alg=profile.client_key_alg or "RS256",
            kid=profile.client_key_id,
            certificate=None if chain is None else partial(text_of, chain, "the key's certificate"),
        )
    if profile.assertion is not None:
        return ClientAssertion(profile.client_id, assertion_of(profile))
    if profile.client_secret is None and profile.certificate is not None:
        from aio_token.oauth.mutual_tls import MutualTLS

        return MutualTLS(profile.client_id)
    if profile.client_secret is None:
        return PublicClient(profile.client_id)
    secret = secret_of(session) if typed is None else lambda: typed.value
    kind = ClientSecretPost if profile.client_auth == "client_secret_post" else ClientSecretBasic
    return kind(profile.client_id, secret)
