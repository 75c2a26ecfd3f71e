"""Spring Authorization Server: confidential clients throughout, as it gives a public one no refresh token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aio_token import AuthorizationCodeGrant, RefreshTokenGrant, SignInRequired, TokenRepository
from tests.support.acceptance import Acceptance

if TYPE_CHECKING:
    from aio_token import TokenEndpoint
    from tests.support.browser import Person


@pytest.mark.spring
@pytest.mark.timeout(1_800)  # seconds, the first download included
class TestSpring(Acceptance):
    """What has to work with every server, and what this one asks beside it."""

    async def test_a_person_does_not_agree_in_the_browser(self, stranger: TokenEndpoint, alice: Person) -> None:
        """RFC 6749 section 4.1.2.1: it is `access_denied`, and no one is signed in."""
        async with TokenRepository(RefreshTokenGrant(stranger)) as tokens:
            with pytest.raises(SignInRequired, match="access_denied"):
                await tokens.sign_in(AuthorizationCodeGrant(stranger, scope="openid email", show=alice.decline_at))
