"""What a client proves itself with, told apart without being shown."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from aio_token import (
    ClientCredentialsGrant,
    ClientSecretBasic,
    ClientSecretPost,
    ConfigurationError,
    PasswordGrant,
    PrivateKeyJWT,
    PublicClient,
    RefreshTokenGrant,
    TokenEndpoint,
)
from aio_token.grants import Fingerprinting
from aio_token.oauth import ClientAssertion, ClientSecretJWT

if TYPE_CHECKING:
    from aio_token.oauth import ClientAuthentication
    from aio_token.oauth.form import Request

SALT = b"salt"
URL = "https://id.example/token"
CERTIFICATE = "-----BEGIN CERTIFICATE-----{}-----END CERTIFICATE-----"

DIFFERENT: list[Fingerprinting] = [
    PublicClient("app"),
    PublicClient("other"),
    ClientSecretBasic("app", "canary-1"),
    ClientSecretBasic("app", "canary-2"),
    ClientSecretBasic("other", "canary-1"),
    ClientSecretPost("app", "canary-1"),
    ClientSecretJWT("app", "canary-1"),
    ClientSecretJWT("app", "canary-1", alg="HS512"),
    ClientSecretJWT("app", "canary-1", audience="https://id.example"),
    PrivateKeyJWT("app", "canary-1"),
    PrivateKeyJWT("app", b"canary-1"),
    PrivateKeyJWT("app", {"k": "canary-1"}),
    PrivateKeyJWT("app", "canary-1", kid="1"),
    PrivateKeyJWT("app", "canary-1", alg="PS256"),
    PrivateKeyJWT("app", "canary-1", audience="https://id.example"),
    PrivateKeyJWT("app", "canary-1", certificate=CERTIFICATE.format("a")),
    PrivateKeyJWT("app", "canary-1", certificate=CERTIFICATE.format("b")),
    ClientAssertion("app", "canary-1"),
    ClientAssertion("app", "canary-2"),
]


class Strange:
    """A client authentication of another author, which tells nothing."""

    client_id = "app"

    async def authenticate(self, request: Request, audience: str) -> Request:
        """Prove nothing."""
        del audience
        return request


async def test_what_differs_is_told_apart() -> None:
    """Law D8: another id, secret or key, another way to authenticate, and whatever else may be corrected."""
    found = [await client.fingerprint(SALT) for client in DIFFERENT]
    assert all(one != other for one, other in combinations(found, 2))
    assert not [text for text in found if "canary" in text]


async def test_what_is_the_same_is_the_same_however_it_is_given() -> None:
    """Law D8: a secret from a function is what it returns; another salt hides even that."""
    given, read = ClientSecretBasic("app", "canary"), ClientSecretBasic("app", lambda: "canary\n")
    assert await given.fingerprint(SALT) == await read.fingerprint(SALT)
    assert await given.fingerprint(b"another") != await given.fingerprint(SALT)
    assert isinstance(given, Fingerprinting)


async def test_a_secret_that_cannot_be_read_is_said() -> None:
    """As where it is needed."""
    mounted: dict[str, str] = {}
    with pytest.raises(ConfigurationError, match="cannot be read"):
        await ClientSecretBasic("app", lambda: mounted["secret"]).fingerprint(SALT)


async def test_an_endpoint_adds_what_goes_with_every_request() -> None:
    """Law D8: parameters are corrected as well; a stranger's client authentication need not tell."""
    clients: list[ClientAuthentication] = [PublicClient("app"), Strange()]
    found = set()
    for client in clients:
        for tenant in ("", "a", "b"):
            endpoint = TokenEndpoint(URL, client, parameters={"tenant": tenant} if tenant else None)
            first = await endpoint.fingerprint(SALT)
            assert first == await endpoint.fingerprint(SALT)
            found.add(first)
    assert len(found) == 6


async def test_grants_tell_what_they_present_each_time() -> None:
    """Law D8: the client's proof; name and password of those that have them."""
    endpoint = TokenEndpoint(URL, PublicClient("app"))
    proof = await endpoint.fingerprint(SALT)
    for grant in (RefreshTokenGrant(endpoint), ClientCredentialsGrant(endpoint)):
        assert isinstance(grant, Fingerprinting)
        assert await grant.fingerprint(SALT) == proof
    people = [PasswordGrant(endpoint, name, password) for name in ("ada", "bob") for password in ("old", "new")]
    assert len({await person.fingerprint(SALT) for person in people} | {proof}) == 5
