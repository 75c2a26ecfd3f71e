"""What Keycloak has besides what every server has (see `test_acceptance.py`): what it takes, and what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession

from aio_token import (
    AuthorizationCodeGrant,
    BearerMiddleware,
    ClientSecretBasic,
    ConfigurationError,
    JWTBearerGrant,
    PasswordGrant,
    Provider,
    PublicClient,
    RefreshTokenGrant,
    TokenExchangeGrant,
    TokenRepository,
)
from aio_token.grants import SignedJWT
from tests.keycloak.realm import BOT_SECRET, PASSWORD

if TYPE_CHECKING:
    from aio_token import TokenEndpoint
    from tests.keycloak.api import IntrospectingAPI
    from tests.keycloak.server import Keycloak
    from tests.support.browser import Page, Person

pytestmark = [pytest.mark.keycloak, pytest.mark.timeout(1_800)]  # seconds, the first download included


@pytest.fixture
async def provider(keycloak: Keycloak) -> Provider:
    """Read the realm's own metadata."""
    return await Provider.discover(keycloak.issuer)


@pytest.fixture
def cli(provider: Provider) -> TokenEndpoint:
    """Be a public client, for people."""
    return provider.token_endpoint(PublicClient("cli"))


@pytest.fixture
def bot(provider: Provider) -> TokenEndpoint:
    """Be a service, which may exchange tokens and present assertions of `https://partner.example`."""
    return provider.token_endpoint(ClientSecretBasic("bot", BOT_SECRET))


def signed_for(subject: str, keycloak: Keycloak) -> SignedJWT:
    """Return what the partner says about a user of its own."""
    return SignedJWT(
        key=keycloak.signing_key,
        issuer="https://partner.example",
        subject=subject,
        audience=keycloak.issuer,
        alg="ES256",
    )


async def whose(tokens: TokenRepository, keycloak: Keycloak) -> str:
    """Ask the user-info endpoint, which wants a token of scope openid."""
    address = f"{keycloak.issuer}/protocol/openid-connect/userinfo"
    async with (
        ClientSession(middlewares=(BearerMiddleware(tokens, keycloak.url),), raise_for_status=True) as session,
        session.get(address) as response,
    ):
        return str((await response.json())["preferred_username"])


async def test_a_person_comes_back_from_the_browser(cli: TokenEndpoint, keycloak: Keycloak, alice: Person) -> None:
    """RFC 8252 and RFC 7636: Keycloak takes any port of 127.0.0.1 and the proof key, and names itself (RFC 9207)."""
    pages: list[Page] = []

    async def show(address: str) -> None:
        pages.append(await alice.sign_in_at(address))

    async with TokenRepository(RefreshTokenGrant(cli)) as tokens:
        first = await tokens.sign_in(AuthorizationCodeGrant(cli, scope="openid", show=show))
        assert await tokens.token(rejected=first) != first
        assert await whose(tokens, keycloak) == "alice"
    assert pages[0].url.query["iss"] == keycloak.issuer


async def test_a_service_exchanges_a_person_s_token(
    cli: TokenEndpoint, bot: TokenEndpoint, keycloak: Keycloak, api: IntrospectingAPI
) -> None:
    """RFC 8693: the bot gets tokens of its own for Alice, each for the one that counts then, and the API takes them."""
    async with TokenRepository(RefreshTokenGrant(cli)) as alices:
        await alices.sign_in(PasswordGrant(cli, "alice", PASSWORD, scope="openid"))
        exchange = TokenExchangeGrant(bot, alices, scope="openid", audience="api")
        async with TokenRepository(exchange) as tokens:
            first = await tokens.token()
            assert await tokens.token(rejected=first) != first
            assert await whose(tokens, keycloak) == "alice"
            bearer = BearerMiddleware(tokens, api.url)
            async with ClientSession(middlewares=(bearer,)) as session, session.get(api.url) as response:
                assert response.status == 200


@pytest.mark.parametrize(
    ("audience", "said"),
    [
        ("signer", "invalid_request: Requested audience not available: signer"),
        ("nobody", "invalid_client: Audience not found"),
    ],
)
async def test_an_audience_that_the_service_may_not_ask_for(
    audience: str, said: str, cli: TokenEndpoint, bot: TokenEndpoint
) -> None:
    """The exchange downgrades and never widens: an audience has to be one of the client's mappers."""
    async with TokenRepository(RefreshTokenGrant(cli)) as alices:
        await alices.sign_in(PasswordGrant(cli, "alice", PASSWORD))
        async with TokenRepository(TokenExchangeGrant(bot, alices, audience=audience)) as tokens:
            with pytest.raises(ConfigurationError, match=said):
                await tokens.token()


async def test_a_client_that_may_not_exchange(cli: TokenEndpoint) -> None:
    """A public client never may; it is a matter of the client's settings."""
    async with TokenRepository(RefreshTokenGrant(cli)) as alices:
        await alices.sign_in(PasswordGrant(cli, "alice", PASSWORD))
        async with TokenRepository(TokenExchangeGrant(cli, alices)) as tokens:
            with pytest.raises(ConfigurationError, match="Standard token exchange is not enabled"):
                await tokens.token()


async def test_an_issuer_that_is_trusted_vouches_for_a_user(
    bot: TokenEndpoint, keycloak: Keycloak, api: IntrospectingAPI
) -> None:
    """RFC 7523: an assertion that is signed anew each time gives a token of the user who is linked to its subject."""
    async with TokenRepository(JWTBearerGrant(bot, signed_for("4711", keycloak), scope="openid")) as tokens:
        first = await tokens.token()
        assert await tokens.token(rejected=first) != first
        assert await whose(tokens, keycloak) == "alice"
        bearer = BearerMiddleware(tokens, api.url)
        async with ClientSession(middlewares=(bearer,)) as session, session.get(api.url) as response:
            assert response.status == 200


async def test_an_assertion_about_somebody_who_is_not_known(bot: TokenEndpoint, keycloak: Keycloak) -> None:
    """It is `invalid_grant`."""
    async with TokenRepository(JWTBearerGrant(bot, signed_for("nobody", keycloak))) as tokens:
        with pytest.raises(ConfigurationError, match="User not found"):
            await tokens.token()


async def test_an_assertion_is_good_for_one_token(bot: TokenEndpoint, keycloak: Keycloak) -> None:
    """Keycloak remembers its `jti`: the text of one serves once, so renewals want a function that signs."""
    async with TokenRepository(JWTBearerGrant(bot, await signed_for("4711", keycloak)())) as tokens:
        first = await tokens.token()
        with pytest.raises(ConfigurationError, match="Token reuse detected"):
            await tokens.token(rejected=first)
