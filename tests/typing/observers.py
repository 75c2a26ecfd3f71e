"""Observers, sign-out and a grant of one's own, as users spell them; each line is right for every strict checker."""

from __future__ import annotations

from typing import assert_type

from aio_token import BearerMiddleware, Credential, Grant, Token, TokenRepository, Wish
from aio_token.events import Event, Observer, RenewalFailed, Renewed, SignedOut
from aio_token.grants import IssuedBy
from aio_token.observe import log_event


class FromTheVault:
    """A grant whose `issued_by` is a plain attribute."""

    issued_by = IssuedBy(token_endpoint="https://vault.example", client_id="bot")

    async def obtain(self, credential: Credential | None, wish: Wish) -> Credential:
        """Read the vault."""
        return credential or Credential(token=Token(access_token="token"), issued_by=self.issued_by)


def counted(event: Event) -> None:
    """Tell events apart by their class."""
    if isinstance(event, Renewed):
        assert_type(event.duration, float)
        assert_type(event.fingerprint, str)
    elif isinstance(event, RenewalFailed):
        assert_type(event.retry_at, float | None)
        assert_type(event.name, str | None)
    assert_type(event.severity, int)
    assert_type(event.members(), dict[str, object])
    log_event(event)


async def observed() -> None:
    """A function is an observer, and None is none."""
    observer: Observer = counted
    vault: Grant = FromTheVault()
    tokens = TokenRepository(vault, observer=observer)
    BearerMiddleware(tokens, "https://api.example", observer=None)
    ended = await tokens.sign_out()
    assert_type(ended, SignedOut)
    assert_type(ended.revoked, bool)
    assert_type(ended.message, str | None)
