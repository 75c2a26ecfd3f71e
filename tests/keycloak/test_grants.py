"""What Keycloak has besides what every server has (see `test_acceptance.py`): what it takes, and what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer, unused_port

from aio_token import (
    AuthorizationCodeGrant,
    BearerMiddleware,
    ClientSecretBasic,
    ConfigurationError,
    DeviceGrant,
    Encrypted,
    JWTBearerGrant,
    PasswordGrant,
    Provider,
    PublicClient,
    RefreshTokenGrant,
    SignInRequired,
    TokenExchangeGrant,
    TokenRepository,
)
from aio_token.grants import SignedJWT, WebSignIn
from aio_token.oauth import Dialect, Form
from aio_token.stores import EnvironmentKey, new_key
from tests.keycloak.realm import BOT_SECRET, PASSWORD

if TYPE_CHECKING:
    from aio_token import TokenEndpoint
    from aio_token.grants import DevicePrompt
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


@pytest.fixture(autouse=True)
def cookie_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a key for cookies into the environment."""
    monkeypatch.setenv("COOKIE_KEY", new_key())


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


async def test_a_proof_key_is_demanded_with_a_code_that_is_entered(
    provider: Provider, keycloak: Keycloak, alice: Person
) -> None:
    """RFC 7636 in the flow of RFC 8628: Keycloak refuses it without, where the client is set up so."""
    strict = provider.token_endpoint(PublicClient("strict"))
    refusal = await strict.ask("device authorization", Form(scope="openid"))
    assert "code_challenge_method" in str(refusal.failure())

    async def show(prompt: DevicePrompt) -> Page:
        return await alice.sign_in_at(prompt.verification_uri_complete or "")

    async with TokenRepository(RefreshTokenGrant(strict)) as tokens:
        first = await tokens.sign_in(DeviceGrant(strict, scope="openid", show=show))
        assert await tokens.token(rejected=first) != first
        assert await whose(tokens, keycloak) == "alice"


async def test_a_person_comes_back_to_localhost(provider: Provider, keycloak: Keycloak, alice: Person) -> None:
    """RFC 8252 section 8.3: where a client is registered with the name of this machine and a path of its own."""
    strict = provider.token_endpoint(PublicClient("strict"))
    async with TokenRepository(RefreshTokenGrant(strict)) as tokens:
        grant = AuthorizationCodeGrant(strict, scope="openid", show=alice.sign_in_at, host="localhost", path="/back")
        await tokens.sign_in(grant)
        assert await whose(tokens, keycloak) == "alice"


async def test_a_client_whose_requests_have_to_be_pushed(provider: Provider, keycloak: Keycloak, alice: Person) -> None:
    """Law K3: Keycloak demands it of a client, which its metadata does not say; so does whoever makes the endpoint."""
    assert provider.metadata["require_pushed_authorization_requests"] is False
    plain = provider.token_endpoint(PublicClient("pushing"))
    with pytest.raises(ConfigurationError, match="Pushed Authorization Request is only allowed"):
        await AuthorizationCodeGrant(plain, show=alice.open).obtain(None)
    pushing = provider.token_endpoint(PublicClient("pushing"), push_authorization=True)
    async with TokenRepository(RefreshTokenGrant(pushing)) as tokens:
        await tokens.sign_in(AuthorizationCodeGrant(pushing, scope="openid", show=alice.sign_in_at))
        assert await whose(tokens, keycloak) == "alice"


async def test_what_keycloak_says_to_a_request_that_is_pushed(provider: Provider, alice: Person) -> None:
    """The page in the browser and the caller have the server's own words."""
    pages: list[Page] = []

    async def show(address: str) -> None:
        pages.append(await alice.open(address))

    strict = provider.token_endpoint(PublicClient("strict"), push_authorization=True, dialect=Dialect(pkce=False))
    with pytest.raises(ConfigurationError, match="invalid_request: Missing parameter: code_challenge_method"):
        await AuthorizationCodeGrant(strict, show=show).obtain(None)
    assert "Missing parameter: code_challenge_method" in pages[0].text


async def test_a_person_signs_in_to_a_web_application(cli: TokenEndpoint, keycloak: Keycloak, alice: Person) -> None:
    """One page begins and another ends: the code is redeemed by the grant that comes of it, once."""
    port = unused_port()
    sign_in = WebSignIn(
        cli, f"http://127.0.0.1:{port}/callback", scope="openid", codec=Encrypted(EnvironmentKey("COOKIE_KEY"))
    )
    begun = await sign_in.begin()

    async def finish(request: web.Request) -> web.Response:
        await tokens.sign_in(await sign_in.finish(request.query_string, begun.state))
        return web.Response(text="welcome")

    application = web.Application()
    application.router.add_get("/callback", finish)
    async with TokenRepository(RefreshTokenGrant(cli)) as tokens, TestServer(application, port=port):
        page = await alice.sign_in_at(begun.address)
        assert page.text == "welcome"
        assert await whose(tokens, keycloak) == "alice"
        with pytest.raises(SignInRequired, match="has been completed already"):
            await sign_in.finish(page.url.query_string, begun.state)


async def test_a_second_session_of_a_browser(cli: TokenEndpoint, alice: Person) -> None:
    """Law E3: to Keycloak both are one session, which it names and would end for both: it is left alone, and lives."""

    async def again(address: str) -> None:
        await alice.open(address)  # she is signed in there

    async with TokenRepository(RefreshTokenGrant(cli)) as tokens:
        await tokens.sign_in(AuthorizationCodeGrant(cli, show=alice.sign_in_at))
        token = await tokens.sign_in(AuthorizationCodeGrant(cli, show=again))
        assert await tokens.token(rejected=token) != token


async def test_a_second_session_of_another_browser(cli: TokenEndpoint) -> None:
    """Law E3: to Keycloak these are two sessions; the one that was replaced is ended, and the new one lives."""
    async with TokenRepository(RefreshTokenGrant(cli)) as tokens:
        await tokens.sign_in(PasswordGrant(cli, "alice", PASSWORD))
        token = await tokens.sign_in(PasswordGrant(cli, "alice", PASSWORD))
        assert await tokens.token(rejected=token) != token


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
