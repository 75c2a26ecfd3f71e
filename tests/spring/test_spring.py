"""Spring Authorization Server: confidential clients throughout, as it gives a public one no refresh token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession
from yarl import URL

from aio_token import AuthorizationCodeGrant, BearerMiddleware, RefreshTokenGrant, SignInRequired, TokenRepository
from aio_token.events import TokensEndEachOther
from aio_token.testing import RecordingObserver
from tests.support.acceptance import Acceptance, Exchanges

if TYPE_CHECKING:
    from aio_token import Provider, TokenEndpoint
    from tests.support.browser import Person


@pytest.mark.spring
@pytest.mark.timeout(1_800)  # seconds, the first download included
class TestSpring(Exchanges, Acceptance):
    """What has to work with every server, and what this one asks beside it."""

    async def test_a_person_does_not_agree_in_the_browser(self, stranger: TokenEndpoint, alice: Person) -> None:
        """RFC 6749 section 4.1.2.1: it is `access_denied`, and no one is signed in."""
        async with TokenRepository(RefreshTokenGrant(stranger)) as tokens:
            with pytest.raises(SignInRequired, match="access_denied"):
                await tokens.sign_in(AuthorizationCodeGrant(stranger, scope="openid email", show=alice.decline_at))

    async def test_two_tokens_of_a_session_in_turn(
        self, provider: Provider, people: TokenEndpoint, alice: Person
    ) -> None:
        """Law E5: it holds one access token of a session at a time; each request succeeds, and that is told once."""
        heard, address = RecordingObserver(), str(provider.userinfo_endpoint)
        async with TokenRepository(RefreshTokenGrant(people), observer=heard) as tokens:
            await tokens.sign_in(AuthorizationCodeGrant(people, scope="openid email", show=alice.sign_in_at))
            for source in (tokens, tokens.narrowed(scope="openid")) * 3:
                bearer = BearerMiddleware(source, URL(address).origin())
                async with (
                    ClientSession(middlewares=(bearer,)) as session,
                    session.get(address, allow_redirects=False) as response,
                ):
                    assert response.status == 200
        assert len(heard.of(TokensEndEachOther)) == 1
