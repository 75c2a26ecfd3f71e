"""The whole library and a real Keycloak, which rotates refresh tokens and ends the session when one is used twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession, TCPConnector
from yarl import URL

from aio_token import (
    BearerMiddleware,
    ClientCredentialsGrant,
    ClientSecretBasic,
    ClientSecretPost,
    ConfigurationError,
    FileTokenStore,
    GrantRefused,
    PasswordGrant,
    PrivateKeyJWT,
    Provider,
    PublicClient,
    RefreshTokenGrant,
    SignInRequired,
    TokenRepository,
    Windows,
)
from aio_token.events import RenewalFailed, Renewed, SignedIn
from aio_token.oauth import DPoP, DPoPToken, ProofKey
from tests.keycloak.realm import BOT_SECRET, PASSWORD

if TYPE_CHECKING:
    from pathlib import Path

    from aio_token.events import Event
    from aio_token.oauth.client_auth import ClientAuthentication
    from tests.keycloak.administration import Administration
    from tests.keycloak.api import IntrospectingAPI
    from tests.keycloak.server import Keycloak

pytestmark = [pytest.mark.keycloak, pytest.mark.timeout(1_800)]  # seconds, the first download included

CLI = PublicClient("cli")


@pytest.fixture
async def provider(keycloak: Keycloak) -> Provider:
    """Read the realm's own metadata: every test begins with discovery."""
    return await Provider.discover(keycloak.issuer)


def for_alice(provider: Provider, path: Path) -> tuple[TokenRepository, PasswordGrant]:
    """Return a repository for a person, and the grant that signs her in."""
    endpoint = provider.token_endpoint(CLI)
    tokens = TokenRepository(RefreshTokenGrant(endpoint), FileTokenStore(path))
    return tokens, PasswordGrant(endpoint, "alice", PASSWORD, scope="openid")


async def who_am_i(session: ClientSession, provider: Provider) -> str:
    """Ask the user-info endpoint, which wants a token of scope openid."""
    async with session.get(str(provider.userinfo_endpoint), raise_for_status=True) as response:
        return str((await response.json())["preferred_username"])


@pytest.mark.parametrize(
    ("windows", "early"), [(Windows(advisory=0, mandatory=0), 0.0), (Windows(), 1.0)], ids=["on expiry", "ahead of it"]
)
async def test_a_thousand_requests_across_five_expiries(
    provider: Provider,
    administration: Administration,
    api: IntrospectingAPI,
    tmp_path: Path,
    windows: Windows,
    early: float,
) -> None:
    """Laws B2, C1 and F5: one refresh per expiry, no refresh token presented twice, no request fails."""
    events: list[Event] = []
    endpoint = provider.token_endpoint(CLI)
    store = FileTokenStore(tmp_path / "token.json")
    tokens = TokenRepository(RefreshTokenGrant(endpoint), store, windows=windows, observer=events.append)
    await tokens.sign_in(PasswordGrant(endpoint, "alice", PASSWORD))
    statuses: set[int] = set()

    async def crawl(session: ClientSession) -> None:
        while sum(isinstance(event, Renewed) for event in events) < 5:
            async with session.get(api.url) as response:
                statuses.add(response.status)

    bearer = BearerMiddleware(tokens, api.url)
    async with (
        tokens,
        ClientSession(middlewares=(bearer,), connector=TCPConnector(limit=0)) as session,
        asyncio.TaskGroup() as crawlers,
    ):
        for _ in range(1_000):
            crawlers.create_task(crawl(session))

    assert statuses == {200}
    assert not [event for event in events if isinstance(event, RenewalFailed)]
    obtained = [event for event in events if isinstance(event, SignedIn | Renewed)]
    for before, after in pairwise(obtained):
        assert isinstance(after, Renewed)
        assert after.at - after.duration >= (before.expires_at or 0.0) - early
    assert await administration.token_requests() == {"LOGIN": 1, "REFRESH_TOKEN": len(obtained) - 1}


async def test_a_token_that_keycloak_refuses_is_renewed_once(
    keycloak: Keycloak, provider: Provider, administration: Administration, tmp_path: Path
) -> None:
    """Law B3: an access token that was revoked behind our back costs one refresh, and the request succeeds."""
    tokens, sign_in = for_alice(provider, tmp_path / "token.json")
    first = await tokens.sign_in(sign_in)
    bearer = BearerMiddleware(tokens, keycloak.url)
    async with tokens, ClientSession(middlewares=(bearer,)) as session:
        form = {"client_id": "cli", "token": first.access_token}
        async with session.post(
            str(provider.revocation_endpoint), data=form, headers={"requires-token": "false"}
        ) as gone:
            assert gone.status == 200
        assert await who_am_i(session, provider) == "alice"
        assert await administration.token_requests() == {"LOGIN": 1, "REFRESH_TOKEN": 1}


async def test_a_session_that_was_ended_needs_a_sign_in_and_then_there_is_silence(
    provider: Provider, administration: Administration, tmp_path: Path
) -> None:
    """Law E1: once Keycloak says `invalid_grant`, callers are told to sign in, and Keycloak hears no more."""
    tokens, sign_in = for_alice(provider, tmp_path / "token.json")
    after_a_restart, _ = for_alice(provider, tmp_path / "token.json")
    async with tokens, after_a_restart:
        token = await tokens.sign_in(sign_in)
        await administration.end_sessions_of("alice")
        with pytest.raises(GrantRefused):
            await tokens.token(rejected=token)
        outcomes = await asyncio.gather(*(tokens.token(rejected=token) for _ in range(100)), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {GrantRefused}
        with pytest.raises(SignInRequired):
            await after_a_restart.token(rejected=token)
        assert (await administration.token_requests())["REFRESH_TOKEN_ERROR"] == 1


async def test_a_sign_in_mends_an_ended_session(
    provider: Provider, administration: Administration, tmp_path: Path
) -> None:
    """Law E1: after a sign-in, renewals go on where they had stopped."""
    tokens, sign_in = for_alice(provider, tmp_path / "token.json")
    async with tokens:
        token = await tokens.sign_in(sign_in)
        await administration.end_sessions_of("alice")
        with pytest.raises(GrantRefused):
            await tokens.token(rejected=token)
        token = await tokens.sign_in(sign_in)
        assert await tokens.token(rejected=token) != token


async def test_two_repositories_share_a_file(
    provider: Provider, administration: Administration, tmp_path: Path
) -> None:
    """Laws C8 and F5: a second one rotates on, and the first one adopts what it finds."""
    first, sign_in = for_alice(provider, tmp_path / "token.json")
    second, _ = for_alice(provider, tmp_path / "token.json")
    async with first, second:
        token = await first.sign_in(sign_in)
        renewed = await second.token(rejected=token)
        assert await first.token(rejected=token) == renewed
        await first.token(rejected=renewed)
        assert await administration.token_requests() == {"LOGIN": 1, "REFRESH_TOKEN": 2}


async def test_signing_out_ends_the_session_at_keycloak(
    provider: Provider, administration: Administration, tmp_path: Path
) -> None:
    """Law E3: signing out revokes the refresh token, with which the session ends, and forgets it."""
    await administration.end_sessions_of("alice")
    tokens, sign_in = for_alice(provider, tmp_path / "token.json")
    async with tokens:
        await tokens.sign_in(sign_in)
        assert len(await administration.sessions_of("alice")) == 1
        await tokens.sign_out()
        assert await administration.sessions_of("alice") == []
        with pytest.raises(SignInRequired):
            await tokens.token()


@pytest.mark.parametrize("method", [ClientSecretBasic, ClientSecretPost])
async def test_a_service_account_asks_for_itself(
    provider: Provider, api: IntrospectingAPI, method: type[ClientSecretBasic | ClientSecretPost]
) -> None:
    """Law D5: client credentials give a token that the API takes, with a secret full of odd characters."""
    endpoint = provider.token_endpoint(method("bot", BOT_SECRET))
    async with (
        TokenRepository(ClientCredentialsGrant(endpoint)) as tokens,
        ClientSession(middlewares=(BearerMiddleware(tokens, api.url),)) as session,
        session.get(api.url) as response,
    ):
        assert response.status == 200


async def test_a_client_signs_instead_of_telling_a_secret(provider: Provider, keycloak: Keycloak) -> None:
    """Law D5: `private_key_jwt` is accepted, twice in a row with an assertion of its own each time."""
    client = PrivateKeyJWT("signer", keycloak.signing_key, alg="ES256", kid="signer")
    grant = ClientCredentialsGrant(provider.token_endpoint(client), scope="openid")
    async with (
        TokenRepository(grant) as tokens,
        ClientSession(middlewares=(BearerMiddleware(tokens, keycloak.url),)) as session,
    ):
        first = await tokens.token()
        assert await tokens.token(rejected=first) != first
        assert await who_am_i(session, provider) == "service-account-signer"


@pytest.mark.parametrize(
    ("client", "code"),
    [(ClientSecretBasic("bot", "wrong"), "unauthorized_client"), (ClientSecretPost("nobody", "-"), "invalid_client")],
    ids=["wrong secret", "unknown client"],
)
async def test_a_client_that_keycloak_does_not_take(
    provider: Provider, client: ClientAuthentication, code: str
) -> None:
    """Law D5: a wrong secret is `unauthorized_client` here, an unknown client `invalid_client`; both mean: fix it."""
    async with TokenRepository(ClientCredentialsGrant(provider.token_endpoint(client))) as tokens:
        with pytest.raises(ConfigurationError, match=code):
            await tokens.token()


async def test_a_wrong_password_stores_nothing(provider: Provider) -> None:
    """Keycloak answers `invalid_grant`, which the person who typed it can put right."""
    endpoint = provider.token_endpoint(CLI)
    async with TokenRepository(RefreshTokenGrant(endpoint)) as tokens:
        with pytest.raises(GrantRefused):
            await tokens.sign_in(PasswordGrant(endpoint, "alice", "wrong"))
        with pytest.raises(SignInRequired):
            await tokens.token()


async def test_a_client_whose_tokens_are_all_bound(provider: Provider, tmp_path: Path) -> None:
    """Law K1: Keycloak refuses it a bearer token, binds the refresh token too, and wants the key at its APIs."""
    bound = PublicClient("bound")
    unbound = provider.token_endpoint(bound)
    with pytest.raises(ConfigurationError, match="DPoP"):
        await PasswordGrant(unbound, "alice", PASSWORD).obtain(None)
    endpoint = provider.token_endpoint(bound, dpop=DPoP())
    store = FileTokenStore(tmp_path / "token.json")
    address = str(provider.userinfo_endpoint)
    async with TokenRepository(RefreshTokenGrant(endpoint), store) as tokens:
        await tokens.sign_in(PasswordGrant(endpoint, "alice", PASSWORD, scope="openid"))
        token = await tokens.renew()
        assert isinstance(token, DPoPToken)
        async with ClientSession(middlewares=(BearerMiddleware(tokens, URL(address).origin()),)) as session:
            assert await who_am_i(session, provider) == "alice"
        stolen = {"Authorization": f"Bearer {token.access_token}"}
        async with ClientSession() as thief, thief.get(address, headers=stolen) as response:
            assert response.status == 401
    stored = await store.load()
    assert stored is not None
    with pytest.raises((GrantRefused, ConfigurationError)):
        await RefreshTokenGrant(endpoint).obtain(replace(stored, dpop_key=ProofKey.new()))
