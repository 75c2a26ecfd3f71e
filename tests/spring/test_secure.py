"""Clients with certificates, and clients by FAPI 2.0, before a Spring Authorization Server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession

from aio_token import (
    AuthorizationCodeGrant,
    BearerMiddleware,
    ClientCredentialsGrant,
    ConfigurationError,
    Provider,
    RefreshTokenGrant,
    TokenRepository,
)
from aio_token.oauth import CertificateMiddleware, DPoP, DPoPToken, MutualTLS, ProofKey, Transport
from tests.spring.server import PASSWORD
from tests.support.browser import Person

if TYPE_CHECKING:
    from aio_token import Token, TokenEndpoint
    from aio_token.oauth import ClientCertificate
    from tests.spring.server import Spring

pytestmark = [pytest.mark.spring, pytest.mark.timeout(1_800)]  # seconds, the first download included


async def discovered(server: Spring, certificate: ClientCertificate | None) -> Provider:
    """Begin with discovery over TLS; a certificate brings its own context."""
    trusted = True if certificate else server.authority.client_context()
    transport = Transport(certificate=certificate, ssl=trusted)
    return await Provider.discover(f"{server.secure_issuer}/.well-known/openid-configuration", transport=transport)


async def bound_to(endpoint: TokenEndpoint, token: Token) -> object:
    """Return what the server says that a token is bound to."""
    return (await endpoint.introspect(token))["cnf"]


async def test_a_certificate_proves_a_client_and_binds_its_tokens(server: Spring) -> None:
    """Law K2: by its subject; the token after a renewal of the certificate is bound to the new one."""
    provider = await discovered(server, server.issue("cert"))
    endpoint = provider.token_endpoint(MutualTLS("cert"))
    thumbprints = []
    async with TokenRepository(ClientCredentialsGrant(endpoint)) as tokens:
        token = None
        for _ in range(2):
            server.issue("cert")
            thumbprints.append(server.authority.thumbprint("cert"))
            token = await tokens.token(rejected=token)
            assert await bound_to(endpoint, token) == {"x5t#S256": thumbprints[-1]}
    assert len(set(thumbprints)) == 2


async def test_a_self_signed_certificate_proves_a_client_and_binds_its_tokens(server: Spring) -> None:
    """Law K2: it is published among the client's keys."""
    endpoint = (await discovered(server, server.self_signed)).token_endpoint(MutualTLS("self-signed"))
    async with TokenRepository(ClientCredentialsGrant(endpoint)) as tokens:
        thumbprint = server.authority.thumbprint("self-signed")
        assert await bound_to(endpoint, await tokens.token()) == {"x5t#S256": thumbprint}


@pytest.mark.parametrize("client_id", ["cert", "self-signed"])
async def test_another_certificate_is_refused(server: Spring, client_id: str) -> None:
    """Law K2: it is a matter of configuration."""
    other = server.issue("somebody") if client_id == "cert" else server.unpublished
    provider = await discovered(server, other)
    async with TokenRepository(ClientCredentialsGrant(provider.token_endpoint(MutualTLS(client_id)))) as tokens:
        with pytest.raises(ConfigurationError, match="invalid_client"):
            await tokens.token()


async def conforming(server: Spring, client_id: str, certificate: ClientCertificate) -> tuple[Provider, TokenEndpoint]:
    """Return the server and the endpoint, for a client that proves itself by the certificate or by its key."""
    if client_id == "fapi-mtls":
        provider = await discovered(server, certificate)
        return provider, provider.token_endpoint(MutualTLS(client_id), fapi2=True)
    provider = await discovered(server, None)
    return provider, provider.token_endpoint(server.fapi_signer, fapi2=True, dpop=DPoP())


@pytest.mark.parametrize("client_id", ["fapi-mtls", "fapi-dpop"])
async def test_a_person_s_client_conforms(client_id: str, server: Spring) -> None:
    """FAPI 2.0: pushed, redeemed, refreshed; the user-info endpoint wants the certificate or the key."""
    certificate, url = server.issue(client_id), server.secure_issuer
    provider, endpoint = await conforming(server, client_id, certificate)
    userinfo = str(provider.userinfo_endpoint)
    async with (
        TokenRepository(RefreshTokenGrant(endpoint)) as tokens,
        Person(url, PASSWORD, server.authority.client_context()) as alice,
    ):
        first = await tokens.sign_in(AuthorizationCodeGrant(endpoint, scope="openid", show=alice.sign_in_at))
        token = await tokens.token(rejected=first)
        assert token != first
        ours = (BearerMiddleware(tokens, url), CertificateMiddleware(certificate, url))
        async with ClientSession(middlewares=ours) as session, session.get(userinfo, allow_redirects=False) as response:
            assert (await response.json())["sub"] == "alice"
    found = DPoPToken(access_token=token.access_token, key=ProofKey.new()) if isinstance(token, DPoPToken) else token
    thieves = CertificateMiddleware(server.issue("somebody"), url)
    async with (
        ClientSession(middlewares=(thieves,), headers=found.headers("GET", userinfo)) as session,
        session.get(userinfo, allow_redirects=False) as response,
    ):
        assert response.status == 401
