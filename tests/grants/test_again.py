"""A gateway that fails once at a cold start fails no request (law D7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aio_token import (
    ClientCredentialsGrant,
    Credential,
    JWTBearerGrant,
    PasswordGrant,
    PublicClient,
    RefreshTokenGrant,
    ServerUnavailable,
    TokenEndpoint,
    TokenExchangeGrant,
    TokenRepository,
)
from aio_token.grants import SignedJWT
from tests.support.token_server import GRANTED, says, sends, token_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from aio_token import Grant


def key() -> str:
    """Return a private key that no one else has."""
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    pem = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem.decode()


SPENDS_NOTHING: list[Callable[[TokenEndpoint], Grant]] = [
    ClientCredentialsGrant,
    lambda endpoint: JWTBearerGrant(endpoint, SignedJWT(key=key(), issuer="i", audience="a", alg="ES256")),
    lambda endpoint: TokenExchangeGrant(endpoint, "subject"),
    lambda endpoint: PasswordGrant(endpoint, "ada", "lovelace"),
]


@pytest.mark.parametrize("status", [502, 503, 504])
@pytest.mark.parametrize("make", SPENDS_NOTHING)
async def test_a_grant_that_spends_nothing_is_asked_again_at_once(
    make: Callable[[TokenEndpoint], Grant], status: int
) -> None:
    """Law D7: once, by a request that is signed anew, and no caller hears of it."""
    async with token_server(sends(b"<h1>Bad Gateway</h1>", status=status), says(GRANTED)) as server:
        token = await TokenRepository(make(TokenEndpoint(server.url, PublicClient("bot")))).token()
    assert token.access_token == GRANTED["access_token"]
    first, again = (received.form for received in server.received)
    assert first.keys() == again.keys()
    assert (first.get("assertion") is None) or first["assertion"] != again["assertion"]


async def test_a_refresh_token_that_is_not_spent_may_be_presented_again() -> None:
    """Law D7: the server has shown that it takes the same one again; any other is presented once."""
    for reusable, posts in ((True, 2), (False, 1)):
        async with token_server(sends(status=502)) as server:
            grant = RefreshTokenGrant(TokenEndpoint(server.url, PublicClient("bot")))
            with pytest.raises(ServerUnavailable):
                await grant.obtain(Credential(refresh_token="r", reusable=reusable))
        assert len(server.received) == posts


@pytest.mark.parametrize(
    ("answer", "credential", "posts"),
    [
        (sends(status=502), None, 2),
        (sends(status=502), Credential(failures=1), 1),
        (sends(status=503, headers={"Retry-After": "9"}), None, 1),
        (sends(status=503, headers={"Retry-After": "0"}), None, 2),
        (sends(status=500), None, 1),
        (sends(status=429), None, 1),
    ],
)
async def test_only_a_first_blip_is_asked_about_again(
    answer: Callable[..., object], credential: Credential | None, posts: int
) -> None:
    """Laws D7 and D8: a server that fails for a while, or says when to come again, is left alone."""
    async with token_server(answer) as server:  # type: ignore[arg-type]
        grant = ClientCredentialsGrant(TokenEndpoint(server.url, PublicClient("bot")))
        with pytest.raises(ServerUnavailable):
            await grant.obtain(credential)
    assert len(server.received) == posts
