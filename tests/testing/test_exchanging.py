"""What the kit's authorization server gives for another token, and for an assertion; the real grants ask."""

from __future__ import annotations

from dataclasses import replace

import pytest
from joserfc.jwk import ECKey

from aio_token import (
    ClientSecretBasic,
    ConfigurationError,
    JWTBearerGrant,
    PublicClient,
    TokenEndpoint,
    TokenExchangeGrant,
    TokenRepository,
)
from aio_token.grants import SignedJWT
from aio_token.testing import AuthorizationServer, RegisteredClient
from tests.support.plain_client import as_bot, ask, call, client_credentials

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
TYPES = "urn:ietf:params:oauth:token-type:"
KEY = ECKey.generate_key("P-256", {"kid": "signer"})


def endpoint_of(server: AuthorizationServer) -> TokenEndpoint:
    """Return the token endpoint, for the confidential client."""
    return TokenEndpoint(
        server.token_url, ClientSecretBasic("bot", server.client.secret or ""), revocation_url=server.revocation_url
    )


def signed(server: AuthorizationServer, **more: str) -> SignedJWT:
    """Return what the client `signer` says about itself, or the one that is named."""
    server.register(RegisteredClient("signer", public_key=dict(KEY.as_dict(private=False))))
    signer = SignedJWT(key=KEY.as_pem(private=True), issuer="signer", audience=server.issuer, alg="ES256")
    return replace(signer, **more)  # type: ignore[arg-type]  # whatever the test gives


async def test_a_user_s_token_is_exchanged_for_another_audience() -> None:
    """RFC 8693: the new token is the same user's, cannot be refreshed, and names its type and scope."""
    async with AuthorizationServer() as server:
        subject = server.issue(user="ada")["access_token"]
        grant = TokenExchangeGrant(endpoint_of(server), subject, actor_token=subject, scope="read", audience="orders")
        async with TokenRepository(grant) as tokens:
            token = await tokens.token()
            assert not tokens.status.has_refresh_token
        _, me = await call(server.userinfo_url, token.access_token)
    assert me == {"sub": "ada"}
    assert (token.scope, token.extra["issued_token_type"]) == ("read", f"{TYPES}access_token")
    assert server.requests == {EXCHANGE: 1}


async def test_a_service_s_own_token_is_exchanged_from_repository_to_repository() -> None:
    """The subject is the client where no user has signed in."""
    async with AuthorizationServer() as server:
        _, own = await client_credentials(server)
        async with TokenRepository(TokenExchangeGrant(endpoint_of(server), own["access_token"])) as tokens:
            _, me = await call(server.userinfo_url, (await tokens.token()).access_token)
    assert me == {"sub": "bot"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"subject_token": "made-up"},
        {"subject_token_type": f"{TYPES}saml2"},
        {"actor_token": "made-up", "actor_token_type": f"{TYPES}access_token"},
        {"requested_token_type": f"{TYPES}refresh_token"},
    ],
    ids=min,
)
async def test_what_cannot_be_exchanged_is_an_invalid_request(wrong: dict[str, str]) -> None:
    """RFC 8693 section 2.2.2: so it is for a token that is not this server's, and for types that it does not have."""
    async with AuthorizationServer() as server:
        subject = server.issue()["access_token"]
        right = {"grant_type": EXCHANGE, "subject_token": subject, "subject_token_type": f"{TYPES}access_token"}
        assert (await ask(server.token_url, right, as_bot(server)))[0] == 200
        status, answer = await ask(server.token_url, right | wrong, as_bot(server))
        assert (status, answer["error"]) == (400, "invalid_request")
        with pytest.raises(ConfigurationError, match="invalid_request"):
            await TokenExchangeGrant(endpoint_of(server), "made-up").obtain(None)


@pytest.mark.parametrize(("more", "who"), [({}, "signer"), ({"subject": "ada"}, "ada")], ids=["itself", "a user"])
async def test_an_assertion_is_worth_a_token(more: dict[str, str], who: str) -> None:
    """RFC 7523: for the signer, or the user whom it speaks for."""
    async with AuthorizationServer() as server:
        grant = JWTBearerGrant(TokenEndpoint(server.token_url, PublicClient("signer")), signed(server, **more))
        async with TokenRepository(grant) as tokens:
            _, me = await call(server.userinfo_url, (await tokens.token()).access_token)
    assert me == {"sub": who}


@pytest.mark.parametrize(
    "more",
    [{"audience": "https://other.example"}, {"subject": "nobody"}, {"issuer": "stranger"}],
    ids=["for another server", "about nobody", "by a stranger"],
)
async def test_an_assertion_that_is_wrong_is_refused(more: dict[str, str]) -> None:
    """RFC 7523 section 3.1: it is an invalid grant."""
    async with AuthorizationServer() as server:
        grant = JWTBearerGrant(TokenEndpoint(server.token_url, PublicClient("signer")), signed(server, **more))
        with pytest.raises(ConfigurationError, match="invalid_grant"):
            await grant.obtain(None)


@pytest.mark.parametrize(
    ("change", "subject"),
    [({"grants": {"refresh_token"}}, "signer"), ({"public_key": None}, "signer"), ({}, "app")],
    ids=["not this grant", "no key", "for another client"],
)
async def test_a_client_presents_what_it_may(change: dict[str, object], subject: str) -> None:
    """A client without this grant or without a key is refused, and so is one that speaks for another."""
    async with AuthorizationServer() as server:
        assertion = signed(server, subject=subject)
        server.register(replace(server.clients["signer"], **change))  # type: ignore[arg-type]  # as above
        endpoint = TokenEndpoint(server.token_url, PublicClient("signer"))
        with pytest.raises(ConfigurationError):
            await JWTBearerGrant(endpoint, assertion).obtain(None)


async def test_an_exchange_is_for_clients_that_may() -> None:
    """A client that is registered for another grant is refused."""
    client = RegisteredClient("picky", "p" * 32, grants={"refresh_token"})
    async with AuthorizationServer(clients={"picky": client}) as server:
        endpoint = TokenEndpoint(server.token_url, ClientSecretBasic("picky", "p" * 32))
        with pytest.raises(ConfigurationError, match="unauthorized_client"):
            await TokenExchangeGrant(endpoint, "whatever").obtain(None)
