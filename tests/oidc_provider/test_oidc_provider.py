"""oidc-provider: tokens for one resource each (RFC 8707), and refresh tokens that end their session when used twice."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from yarl import URL

from aio_token import (
    AuthorizationCodeGrant,
    BearerMiddleware,
    ConfigurationError,
    Credential,
    FileTokenStore,
    GrantRefused,
    MemoryTokenStore,
    RefreshTokenGrant,
    SignInRequired,
    Token,
    TokenRepository,
)
from aio_token.events import RenewalFailed, Renewed
from aio_token.testing import RecordingObserver
from tests.support.acceptance import Acceptance
from tests.support.api import answered

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aio_token import TokenEndpoint
    from tests.support.browser import Person


@asynccontextmanager
async def api(address: str, service: TokenEndpoint) -> AsyncIterator[list[str]]:
    """Run an API that takes tokens for itself alone, as the server says of each; return what they were good for."""
    scopes: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        said = await service.introspect(Token(access_token=token))
        if not said["active"] or said.get("aud") != address:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
        scopes.append(str(said["scope"]))
        return web.Response(text=str(said["sub"]))

    application = web.Application()
    application.router.add_get("/", answer)
    async with TestServer(application, port=URL(address).port):
        yield scopes


@pytest.mark.oidc_provider
@pytest.mark.timeout(1_800)  # seconds, the first download included
class TestOIDCProvider(Acceptance):
    """What has to work with every server, and what this one has beside it."""

    @pytest.fixture
    def signing_in(
        self, people: TokenEndpoint, alice: Person, resources: tuple[str, str, str]
    ) -> AuthorizationCodeGrant:
        """Let Alice agree to tokens for two resources."""
        return AuthorizationCodeGrant(people, scope="read write", resource=resources[:2], show=alice.sign_in_at)

    async def test_one_session_has_a_token_for_each_resource(
        self,
        people: TokenEndpoint,
        service: TokenEndpoint,
        signing_in: AuthorizationCodeGrant,
        resources: tuple[str, str, str],
        tmp_path: Path,
    ) -> None:
        """Law E5: each is of use at its own API alone, with the scope that was asked for; renewals are in order."""
        mail, files, _ = resources
        heard, store = RecordingObserver(), FileTokenStore(tmp_path / "token.json")
        async with AsyncExitStack() as stack:
            of_mail, of_files = [await stack.enter_async_context(api(one, service)) for one in (mail, files)]
            tokens = await stack.enter_async_context(TokenRepository(RefreshTokenGrant(people), store, observer=heard))
            await tokens.sign_in(signing_in)
            for_mail, for_files = tokens.narrowed(resource=mail), tokens.narrowed(resource=files, scope="read")
            bearers = (BearerMiddleware(for_mail, mail), BearerMiddleware(for_files, files))
            session = await stack.enter_async_context(ClientSession(middlewares=bearers))
            for _ in range(3):
                answers = await asyncio.gather(*(answered(session.get(one)) for one in (mail, files) * 10))
                assert [answer.status for answer in answers] == [200] * 20
                await asyncio.gather(for_mail.renew(), for_files.renew())
            wrong = {"Authorization": f"Bearer {(await for_mail.token()).access_token}"}
            assert (await answered(session.get(files, headers=wrong))).status == 401
            assert (set(of_mail), set(of_files)) == ({"read write"}, {"read"})
        assert len(heard.of(Renewed)) == 8
        assert heard.of(RenewalFailed) == []

    async def test_a_session_that_ends_has_ended_for_each_resource(
        self,
        people: TokenEndpoint,
        service: TokenEndpoint,
        signing_in: AuthorizationCodeGrant,
        resources: tuple[str, str, str],
    ) -> None:
        """Laws E1 and E5: to revoke one token ends all here; the server is asked once, and each says what helps."""
        mail, files, _ = resources
        heard = RecordingObserver()
        async with TokenRepository(RefreshTokenGrant(people), observer=heard) as tokens, api(mail, service):
            await tokens.sign_in(signing_in)
            for_mail, for_files = tokens.narrowed(resource=mail), tokens.narrowed(resource=files)
            dead, other = await for_mail.token(), await for_files.token()
            await people.revoke(Credential(token=dead))
            async with ClientSession(middlewares=(BearerMiddleware(for_mail, mail),)) as session:
                with pytest.raises(SignInRequired, match="invalid_grant"):
                    await session.get(mail)
            with pytest.raises(SignInRequired, match="sign in again"):
                await for_files.token(rejected=other)
        said = [told.message for told in heard.of(RenewalFailed)]
        assert [message.count("answered 400") for message in said] == [1, 0]
        assert len(heard.of(Renewed)) == 2

    async def test_a_resource_that_the_server_does_not_know(
        self, people: TokenEndpoint, signing_in: AuthorizationCodeGrant, resources: tuple[str, str, str]
    ) -> None:
        """Law D11: `invalid_target` is a matter of configuration. This server has spent the refresh token before it
        looks at the resource, so the next token is for a person to bring.
        """
        mail, _, unknown = resources
        async with TokenRepository(RefreshTokenGrant(people)) as tokens:
            await tokens.sign_in(signing_in)
            with pytest.raises(ConfigurationError, match="invalid_target"):
                await tokens.narrowed(resource=unknown).token()
            with pytest.raises(SignInRequired, match="invalid_grant"):
                await tokens.narrowed(resource=mail).token()
            await tokens.sign_in(signing_in)
            assert (await tokens.narrowed(resource=mail).token()).scope == "read write"

    async def test_a_refresh_token_that_is_used_twice_ends_its_session(
        self, people: TokenEndpoint, alice: Person
    ) -> None:
        """Law E1: here it is so; who comes with the newest one is asked to sign in, and asks the server no more."""
        heard, store = RecordingObserver(), MemoryTokenStore()
        async with TokenRepository(RefreshTokenGrant(people), store, observer=heard) as tokens:
            token = await tokens.sign_in(AuthorizationCodeGrant(people, scope="openid", show=alice.sign_in_at))
            spent = await store.load()
            token = await tokens.token(rejected=token)
            assert spent is not None
            with pytest.raises(GrantRefused, match="invalid_grant"):
                await TokenRepository(RefreshTokenGrant(people, first=spent.refresh_token)).token()
            for _ in range(2):
                with pytest.raises(SignInRequired, match="invalid_grant"):
                    await tokens.token(rejected=token)
        assert len(heard.of(RenewalFailed)) == 1
