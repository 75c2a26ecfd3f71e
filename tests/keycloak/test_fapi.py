"""Clients by FAPI 2.0, before Keycloak with its own policies for that: it refuses whatever falls below them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from yarl import URL

from aio_token import BearerMiddleware, ConfigurationError, PrivateKeyJWT, Provider, RefreshTokenGrant, TokenRepository
from aio_token.grants import WebSignIn
from aio_token.oauth import CertificateMiddleware, DPoP, MutualTLS, Transport
from tests.keycloak.realm import PASSWORD
from tests.support.browser import Person

if TYPE_CHECKING:
    from aio_token import TokenEndpoint
    from aio_token.oauth import ClientCertificate
    from tests.keycloak.server import Keycloak

pytestmark = [pytest.mark.keycloak, pytest.mark.timeout(1_800)]  # seconds, the first download included


async def conforming(keycloak: Keycloak, client_id: str, certificate: ClientCertificate) -> TokenEndpoint:
    """Return the endpoint, as the policy of the client demands it."""
    provider = await Provider.discover(keycloak.secure_issuer, transport=Transport(certificate=certificate))
    if client_id == "fapi-mtls":
        return provider.token_endpoint(MutualTLS(client_id), fapi2=True)
    client = PrivateKeyJWT(client_id, keycloak.signing_key, alg="ES256", kid="signer")
    return provider.token_endpoint(client, fapi2=True, dpop=DPoP())


@pytest.mark.parametrize("client_id", ["fapi-mtls", "fapi-dpop"])
async def test_a_web_application_conforms(client_id: str, keycloak: Keycloak) -> None:
    """FAPI 2.0: pushed, agreed to, redeemed, refreshed; the user-info endpoint wants the certificate or the key."""
    certificate = keycloak.authority.issue(client_id)
    endpoint = await conforming(keycloak, client_id, certificate)
    trusted, callback = keycloak.authority.client_context(), URL(keycloak.callback)
    sign_in = WebSignIn(endpoint, keycloak.callback, scope="openid")
    begun = await sign_in.begin()

    async def finish(request: web.Request) -> web.Response:
        await tokens.sign_in(await sign_in.finish(request.query_string, begun.state))
        return web.Response(text="welcome")

    application = web.Application()
    application.router.add_get(callback.path, finish)
    server = TestServer(application, port=callback.port or 0)
    userinfo = f"{keycloak.secure_issuer}/protocol/openid-connect/userinfo"
    async with TokenRepository(RefreshTokenGrant(endpoint)) as tokens:
        await server.start_server(ssl=keycloak.authority.server_context())
        async with Person(keycloak.secure_url, PASSWORD, trusted) as alice:
            assert (await alice.sign_in_at(begun.address)).text == "welcome"
        await server.close()
        first = await tokens.token()
        assert await tokens.token(rejected=first) != first
        bearer = BearerMiddleware(tokens, keycloak.secure_url)
        presenting = CertificateMiddleware(certificate, keycloak.secure_url)
        async with ClientSession(middlewares=(bearer, presenting)) as session, session.get(userinfo) as response:
            assert (await response.json())["preferred_username"] == "alice"
        stolen = {"Authorization": f"Bearer {(await tokens.token()).access_token}"}
        async with ClientSession() as thief, thief.get(userinfo, headers=stolen, ssl=trusted) as response:
            assert response.status in {400, 401}


async def test_the_policy_is_in_force(keycloak: Keycloak) -> None:
    """FAPI 2.0: what `fapi2=True` refuses, Keycloak refuses as well: a JWT that is for another receiver."""
    way = Transport(ssl=keycloak.authority.client_context())
    provider = await Provider.discover(keycloak.secure_issuer, transport=way)
    client = PrivateKeyJWT(
        "fapi-dpop", keycloak.signing_key, alg="ES256", kid="signer", audience=provider.token_endpoint_url
    )
    with pytest.raises(ConfigurationError, match="falls below the FAPI"):
        provider.token_endpoint(client, fapi2=True, dpop=DPoP())
    below = provider.token_endpoint(client, dpop=DPoP(), push_authorization=True)
    with pytest.raises(ConfigurationError, match="invalid audience"):
        await WebSignIn(below, keycloak.callback).begin()
