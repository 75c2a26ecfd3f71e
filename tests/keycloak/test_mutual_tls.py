"""Clients with certificates, before Keycloak (RFC 8705)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession

from aio_token import (
    BearerMiddleware,
    ClientCredentialsGrant,
    ConfigurationError,
    Limits,
    Provider,
    TokenRepository,
)
from aio_token.oauth import CertificateMiddleware, MutualTLS, Transport

if TYPE_CHECKING:
    from tests.keycloak.server import Keycloak

PATIENT = Limits(obtain=120.0, lock=150.0)
"""A server that has just begun, on a machine that is busy, may take longer than is waited for by default."""

pytestmark = [pytest.mark.keycloak, pytest.mark.timeout(1_800)]  # seconds, the first download included


async def test_a_certificate_proves_a_client_and_binds_its_tokens(keycloak: Keycloak) -> None:
    """Law K2: the user-info endpoint is an API that looks at the binding; a renewed certificate costs one refresh."""
    certificate = keycloak.authority.issue("cert")
    transport = Transport(certificate=certificate, timeout=60.0)
    provider = await Provider.discover(keycloak.secure_issuer, transport=transport)
    grant = ClientCredentialsGrant(provider.token_endpoint(MutualTLS("cert")), scope="openid")
    presenting = CertificateMiddleware(certificate, keycloak.secure_url)
    async with TokenRepository(grant, limits=PATIENT) as tokens:
        bearer = BearerMiddleware(tokens, keycloak.secure_url)
        async with ClientSession(middlewares=(bearer, presenting)) as session:
            async with session.get(provider.userinfo_endpoint or "") as response:
                assert response.status == 200
            before = await tokens.token()
            keycloak.authority.issue("cert")
            async with session.get(provider.userinfo_endpoint or "") as response:
                assert response.status == 200
            assert await tokens.token() != before
            used = await tokens.token()
            without = {"Authorization": f"Bearer {used.access_token}"}
            bare = keycloak.authority.client_context()
            async with (
                ClientSession() as other,
                other.get(provider.userinfo_endpoint or "", headers=without, ssl=bare) as response,
            ):
                assert response.status == 401


async def test_another_certificate_is_refused(keycloak: Keycloak) -> None:
    """Law K2: it is a matter of configuration; so is none at all."""
    for transport in (
        Transport(certificate=keycloak.authority.issue("somebody"), timeout=60.0),
        Transport(ssl=keycloak.authority.client_context(), timeout=60.0),
    ):
        provider = await Provider.discover(keycloak.secure_issuer, transport=transport)
        grant = ClientCredentialsGrant(provider.token_endpoint(MutualTLS("cert")))
        async with TokenRepository(grant, limits=PATIENT) as tokens:
            with pytest.raises(ConfigurationError, match=r"invalid_client|unauthorized_client"):
                await tokens.token()
