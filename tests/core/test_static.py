"""A token that is kept elsewhere."""

from __future__ import annotations

import pytest

from aio_token import ConfigurationError, StaticToken
from tests.support.exposure import exposure


async def test_a_static_token_is_always_the_same() -> None:
    """A source that has nothing better returns the rejected token again."""
    source = StaticToken("canary-5ecret")
    token = await source.token()
    assert token.authorization == "Bearer canary-5ecret"
    assert await source.token(rejected=token, min_valid_for=60) is token
    assert "canary" not in repr(source)


@pytest.mark.parametrize("text", ["", "canary-5ecret\n", "canary 5ecret", "canary-5ecret" * 10_000])
def test_a_text_that_cannot_stand_in_a_header_is_refused(text: str) -> None:
    """Laws A5 and G1: at once, and without showing it."""
    with pytest.raises(ConfigurationError, match="the access token is") as caught:
        StaticToken(text)
    assert "canary" not in exposure(caught.value)
