"""Secrets that are given as text or as something to call."""

from __future__ import annotations

from typing import Any

import pytest

from aio_token import ConfigurationError, StoreError
from aio_token.oauth.secret import reveal
from tests.support.exposure import exposure

CANARY = "canary-5ecret"


async def from_a_vault() -> str:
    """Return the secret later."""
    return CANARY


@pytest.mark.parametrize("secret", [CANARY, CANARY.__str__, from_a_vault, lambda: CANARY + "\r\n"])
async def test_a_secret_is_text_or_a_function(secret: Any) -> None:
    """Law D5: text, functions and coroutine functions give the secret, without the line break that files end in."""
    held = await reveal(secret, "the secret")
    assert held.value == CANARY
    assert CANARY not in repr(held)


@pytest.mark.parametrize("secret", ["", "\n", None, 7, CANARY.encode(), str, CANARY.encode])
async def test_what_is_no_secret_is_a_configuration_error(secret: Any) -> None:
    """Law G1: an empty or mistyped secret is named, not shown, not even as a local variable."""
    with pytest.raises(ConfigurationError, match=r"^the secret is empty or of the wrong type$") as caught:
        await reveal(secret, "the secret")
    assert CANARY not in exposure(caught.value)


async def test_a_function_that_fails_is_a_configuration_error() -> None:
    """The cause tells what failed, and its frames are taken off."""

    def fails() -> str:
        held = CANARY
        raise FileNotFoundError(2, "No such file", f"secret-of-{len(held)}")

    with pytest.raises(ConfigurationError, match="FileNotFoundError") as caught:
        await reveal(fails, "the secret")
    assert isinstance(caught.value.__cause__, FileNotFoundError)
    assert CANARY not in exposure(caught.value)


async def test_a_function_may_say_itself_what_to_do() -> None:
    """An error of ours passes as it is."""

    def fails() -> str:
        message = "unlock the keyring"
        raise StoreError(message)

    with pytest.raises(StoreError, match="unlock the keyring"):
        await reveal(fails, "the secret")
