"""JWT bearer: what is signed, what is sent, and what is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from aio_token import ConfigurationError, Credential, JWTBearerGrant, PublicClient, TokenEndpoint
from aio_token.grants import IssuedBy, Revocable, SignedJWT
from aio_token.testing import ManualClock
from tests.support.certificates import certificate_of
from tests.support.exposure import exposure
from tests.support.token_server import GRANTED, says, token_server

if TYPE_CHECKING:
    from tests.support.token_server import TokenServer

CLOCK = ManualClock()
KEY = ECKey.generate_key("P-256", {"kid": "of its JWK"})
PEM = KEY.as_pem(private=True)
CERTIFICATE = certificate_of(KEY)
CANARY = "canary-5ecret"


def endpoint_of(server: TokenServer) -> TokenEndpoint:
    """Return the server's token endpoint."""
    return TokenEndpoint(f"{server.url}/token", PublicClient("bot"), revocation_url=f"{server.url}/revoke", clock=CLOCK)


async def test_an_assertion_is_signed_anew_for_each_token() -> None:
    """RFC 7523 section 3: issuer, subject, audience, an end and a name of its own; the server checks the signature."""
    assertion = SignedJWT(
        key=PEM,
        issuer="bot",
        audience="https://id.example",
        subject="ada",
        alg="ES256",
        kid="k1",
        claims={"scope": "x"},
        certificate=CERTIFICATE,
    )
    async with token_server(says(GRANTED), says(GRANTED)) as server:
        grant = JWTBearerGrant(endpoint_of(server), assertion, scope="read")
        credential = await grant.obtain(None)
        await grant.obtain(credential)
    forms = [one.form for one in server.received]
    first, second = (jwt.decode(str(form["assertion"]), KEY, algorithms=["ES256"]) for form in forms)
    assert first.header["kid"] == "k1"
    assert len(first.header["x5t#S256"]) == 43
    assert [first.claims[name] for name in ("iss", "sub", "aud", "scope")] == ["bot", "ada", "https://id.example", "x"]
    assert (first.claims["iat"], first.claims["exp"]) == (CLOCK.time(), CLOCK.time() + 60)
    assert first.claims["jti"] != second.claims["jti"]
    assert {name: text for name, text in forms[0].items() if name != "assertion"} == {
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "scope": "read",
        "client_id": "bot",
    }
    assert credential.token
    assert credential.token.access_token == "access-1"
    assert credential.issued_by == grant.issued_by


async def test_who_signs_is_whom_it_is_for_unless_said_otherwise() -> None:
    """A service asks for itself; a JWK names its key."""
    text = await SignedJWT(key=KEY.as_dict(private=True), issuer="bot", audience="here", alg="ES256", lifetime=5)()
    signed = jwt.decode(text, KEY, algorithms=["ES256"])
    assert signed.claims["sub"] == "bot"
    assert signed.header["kid"] == "of its JWK"
    assert (
        "kid"
        not in jwt.decode(
            await SignedJWT(key=PEM, issuer="bot", audience="here", alg="ES256")(), KEY, algorithms=["ES256"]
        ).header
    )


async def test_a_text_is_presented_as_it_is_and_what_is_asked_for_is_told() -> None:
    """Another may sign; audience and resources are a part of what a token is for."""
    async with token_server(says(GRANTED)) as server:
        grant = JWTBearerGrant(endpoint_of(server), "a.b.c", audience="orders", resource="https://orders.example")
        await grant.obtain(None)
    form = server.received[0].form
    assert (form["assertion"], form["audience"], form["resource"]) == ("a.b.c", "orders", "https://orders.example")
    assert grant.issued_by.audience == "orders https://orders.example"


@pytest.mark.parametrize(
    ("alg", "problem"),
    [("HS256", "no algorithm for a private key"), ("RS256", "private RSA key"), ("ES384", "cannot sign with ES384")],
)
async def test_a_key_that_cannot_sign_is_an_error_that_says_so(alg: str, problem: str) -> None:
    """Law G1: the message names the key and never shows it."""
    with pytest.raises(ConfigurationError, match=problem) as caught:
        await SignedJWT(key=PEM, issuer="bot", audience="here", alg=alg)()
    secret = str(KEY.as_dict(private=True)["d"])
    assert secret not in exposure(caught.value)
    assert PEM.decode().splitlines()[1] not in exposure(caught.value)


async def test_neither_an_error_nor_a_repr_shows_a_secret() -> None:
    """Law G1: the server may quote the assertion."""
    quoting = says({"error": "invalid_grant", "error_description": f"{CANARY} is none"}, status=400)
    async with token_server(quoting) as server:
        grant = JWTBearerGrant(endpoint_of(server), CANARY)
        with pytest.raises(ConfigurationError, match="no person can help") as caught:
            await grant.obtain(Credential(failures=1))
    assert CANARY not in exposure(caught.value)
    assert CANARY not in repr(grant) + repr(SignedJWT(key=CANARY, issuer="bot", audience="here"))


async def test_what_belongs_to_another_client_is_left_alone() -> None:
    """Law E4: nothing is sent, so nothing can be overwritten."""
    async with token_server(says(GRANTED)) as server:
        with pytest.raises(ConfigurationError):
            await JWTBearerGrant(endpoint_of(server), "a.b.c").obtain(
                Credential(issued_by=IssuedBy(token_endpoint="https://other.example", client_id="bot"))
            )
    assert server.received == []


async def test_it_can_be_revoked() -> None:
    """Signing out tells the server."""
    async with token_server(says(GRANTED), says({})) as server:
        grant = JWTBearerGrant(endpoint_of(server), "a.b.c")
        assert isinstance(grant, Revocable)
        await grant.revoke(await grant.obtain(None))
    assert server.received[1].form["token"] == "access-1"
