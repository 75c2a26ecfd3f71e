"""Refusals, as those see them who share a store: what is asked again and when, and what the next process is told."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from aio_token import (
    ClientCredentialsGrant,
    ClientSecretBasic,
    ClientSecretPost,
    ConfigurationError,
    FileTokenStore,
    GrantRefused,
    Pace,
    PasswordGrant,
    PublicClient,
    RefreshTokenGrant,
    ServerUnavailable,
    SignInRequired,
    TokenEndpoint,
    TokenError,
    TokenRepository,
)
from aio_token.grants import JWTBearerGrant
from aio_token.testing import AuthorizationServer, ManualClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aio_token import Grant
    from aio_token.oauth import ClientAuthentication

DAY = 86_400


class Refusing:
    """A token endpoint that answers every request alike, and counts them."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.url = ""
        self.error = "invalid_grant"
        self.posts = 0

    async def answer(self, request: web.Request) -> web.Response:
        """Refuse."""
        await request.read()
        self.posts += 1
        if not self.error:
            return web.json_response({"access_token": f"access-{self.posts}", "expires_in": 60})
        members = {"error": self.error, "error_description": "since it is Thursday"}
        return web.json_response(members, status=401 if self.error == "invalid_client" else 400)

    def endpoint(self, client: ClientAuthentication | None = None) -> TokenEndpoint:
        """Return the endpoint as a client sees it."""
        return TokenEndpoint(self.url, client or ClientSecretPost("bot", "secret"), clock=self.clock)

    def grant(self, name: str) -> Grant:
        """Return a grant of each kind."""
        match name:
            case "password":
                return PasswordGrant(self.endpoint(), "ada", "an old password")
            case "jwt-bearer":
                return JWTBearerGrant(self.endpoint(), "eyJ.eyJ.sig")
            case "client_credentials":
                return ClientCredentialsGrant(self.endpoint())
        return RefreshTokenGrant(self.endpoint(PublicClient("app")), first="refresh-0")


@pytest.fixture
async def server() -> AsyncIterator[Refusing]:
    """Run the endpoint."""
    refusing = Refusing(ManualClock())
    app = web.Application()
    app.router.add_post("/token", refusing.answer)
    async with TestServer(app) as running:
        refusing.url = str(running.make_url("/token"))
        yield refusing


@pytest.mark.parametrize(
    ("name", "error", "kind"),
    [
        ("password", "invalid_grant", GrantRefused),
        ("password", "invalid_client", ConfigurationError),
        ("jwt-bearer", "invalid_grant", ConfigurationError),
        ("client_credentials", "invalid_grant", ConfigurationError),
        ("client_credentials", "access_denied", ConfigurationError),
        ("client_credentials", "unknown_trouble", ConfigurationError),
        ("refresh", "interaction_required", SignInRequired),
        ("refresh", "consent_required", SignInRequired),
        ("refresh", "invalid_scope", ConfigurationError),
        ("refresh", "invalid_client", ConfigurationError),
    ],
)
async def test_a_refusal_is_asked_again_after_minutes_by_one_process(
    name: str, error: str, kind: type[TokenError], server: Refusing, tmp_path: Path
) -> None:
    """Law D8, E1: three processes that ask for ten minutes ask four times in all, and say what is wrong each time."""
    server.error, clock, pace = error, server.clock, Pace()
    grant, path = server.grant(name), tmp_path / "token.json"
    processes = [TokenRepository(grant, FileTokenStore(path), clock=clock, pace=pace, observer=None) for _ in range(3)]
    heard: set[type[TokenError]] = set()
    moments = []
    for _ in range(120):
        for process in processes:
            before = server.posts
            with pytest.raises(TokenError) as failure:
                await process.token()
            heard.add(type(failure.value))
            assert error in str(failure.value)
            assert "since it is Thursday" in str(failure.value)
            if server.posts > before:
                moments.append(clock.time())
        clock.advance(5)
    assert heard == {kind}
    assert [round((later - moments[0]) / 60) for later in moments] == [0, 1, 3, 7]


@pytest.mark.parametrize("error", ["invalid_grant", "bad_refresh_token"])
async def test_a_refused_refresh_token_is_asked_about_no_more(error: str, server: Refusing, tmp_path: Path) -> None:
    """Law E1: not in a day, and every process says what the server has said."""
    server.error = error
    for _ in range(5):
        store = FileTokenStore(tmp_path / "token.json")
        tokens = TokenRepository(server.grant("refresh"), store, clock=server.clock, observer=None)
        with pytest.raises(GrantRefused, match="since it is Thursday"):
            await tokens.token()
        server.clock.advance(DAY)
    assert server.posts == 1


async def test_a_refused_password_leaves_a_refresh_token_alone(server: Refusing, tmp_path: Path) -> None:
    """Law E1: a grant without a person never latches; a session that came by the password may go on without it."""
    server.error = ""
    path, clock = tmp_path / "token.json", server.clock
    tokens = TokenRepository(server.grant("password"), FileTokenStore(path), clock=clock, observer=None)
    await tokens.token()
    server.error = "invalid_grant"
    clock.advance(120)
    with pytest.raises(GrantRefused):
        await tokens.token()
    kept = await FileTokenStore(path).load()
    assert kept is not None
    assert (kept.refused, kept.failures, kept.failure) == (None, 1, "GrantRefused")


async def test_an_explicit_wish_passes_a_refusal(server: Refusing) -> None:
    """Law D8: who has repaired it at the server says so."""
    tokens = TokenRepository(server.grant("client_credentials"), clock=server.clock, observer=None)
    with pytest.raises(ConfigurationError):
        await tokens.token()
    server.error = ""
    server.clock.advance(5)
    with pytest.raises(ConfigurationError, match="since it is Thursday"):
        await tokens.token()
    assert (await tokens.renew()).access_token == "access-2"


async def test_a_corrected_secret_waits_for_nothing(tmp_path: Path) -> None:
    """Law D8: whatever was wrong with the client, what is presented now is tried now."""
    path, clock = tmp_path / "token.json", ManualClock()
    async with AuthorizationServer(clock=clock) as server:
        right = server.client
        secret = right.secret or ""

        async def ask(client: ClientAuthentication, scope: str | None = None) -> None:
            grant = ClientCredentialsGrant(TokenEndpoint(server.token_url, client, clock=clock), scope=scope)
            await TokenRepository(grant, FileTokenStore(path), clock=clock, pace=Pace(), observer=None).token()

        wrong = ClientSecretBasic(right.client_id, "wrong")
        for client in (
            wrong,
            ClientSecretBasic("misspelt", secret),
            ClientSecretPost(right.client_id, "wrong"),
            ClientSecretBasic(right.client_id, lambda: "wrong as well"),
        ):
            before = server.requests.total()
            for _ in range(5):
                with pytest.raises(ConfigurationError):
                    await ask(client)
            assert server.requests.total() == before + 1
        await ask(ClientSecretBasic(right.client_id, lambda: secret))


async def test_a_secret_that_is_read_again_each_time_is_compared_each_time(server: Refusing) -> None:
    """Law D8: a mounted secret is corrected under a running service; a secret that cannot be read is another one."""
    texts: dict[str, str] = {}
    server.error = "invalid_client"
    client = ClientSecretPost("bot", lambda: texts["secret"])
    grant = ClientCredentialsGrant(server.endpoint(client))
    tokens = TokenRepository(grant, clock=server.clock, observer=None)

    async def ask() -> int:
        server.clock.advance(1.1)
        with pytest.raises(ConfigurationError):
            await tokens.token()
        return server.posts

    assert await ask() == 0
    texts["secret"] = "wrong"
    assert [await ask(), await ask()] == [1, 1]
    texts["secret"] = "right"
    server.error = ""
    server.clock.advance(1.1)
    assert (await tokens.token()).access_token == "access-2"


async def test_a_new_assertion_is_no_change(server: Refusing) -> None:
    """Law D8: it is made anew for each request; who is refused with one is refused with the next."""
    made = 0

    def assertion() -> str:
        nonlocal made
        made += 1
        return f"eyJ.eyJ.{made}"

    grant = JWTBearerGrant(server.endpoint(), assertion)
    tokens = TokenRepository(grant, clock=server.clock, observer=None)
    for _ in range(50):
        with suppress(ConfigurationError):
            await tokens.token()
        server.clock.advance(1.1)
    assert server.posts == 1


async def test_a_corrected_password_waits_for_nothing(server: Refusing) -> None:
    """Law D8: the password is what the password grant proves itself with."""
    passwords = ["old", "old", "new"]
    grant = PasswordGrant(server.endpoint(), "ada", lambda: passwords[0])
    tokens = TokenRepository(grant, clock=server.clock, observer=None)
    for _ in range(2):
        with pytest.raises(GrantRefused):
            await tokens.token()
        server.clock.advance(1.1)
    assert server.posts == 1
    passwords[0], server.error = "new", ""
    assert (await tokens.token()).access_token == "access-2"


async def test_a_misspelt_client_leaves_nothing_that_must_be_removed(server: Refusing, tmp_path: Path) -> None:
    """Law E4: a record that holds trouble alone belongs to no one; one with a session stays as it is."""
    path, clock = tmp_path / "token.json", server.clock

    def tokens(client_id: str) -> TokenRepository:
        grant = RefreshTokenGrant(server.endpoint(PublicClient(client_id)), first="refresh-0")
        return TokenRepository(grant, FileTokenStore(path), clock=clock, observer=None)

    server.error = "temporarily_unavailable"
    with pytest.raises(ServerUnavailable):
        await tokens("misspelt").token()
    server.error = ""
    assert (await tokens("app").token()).access_token == "access-2"
    clock.advance(120)
    with pytest.raises(ConfigurationError, match="another client"):
        await tokens("misspelt").token()


async def test_the_record_shows_no_secret(server: Refusing, tmp_path: Path) -> None:
    """Law G2: what a refusal leaves is a digest of four hex digits under a salt of its own, which confirms no guess."""
    proofs = set()
    for number in range(8):
        path = tmp_path / f"{number}.json"
        tokens = TokenRepository(
            server.grant("client_credentials"), FileTokenStore(path), clock=server.clock, pace=Pace(), observer=None
        )
        with pytest.raises(ConfigurationError):
            await tokens.token()
        kept = await FileTokenStore(path).load()
        assert kept is not None
        assert kept.proof is not None
        salt, kept_digits = kept.proof.split(":")
        assert (len(salt), len(kept_digits)) == (16, 4)
        proofs.add(kept.proof)
    assert len(proofs) == 8
