"""A session's tokens: from its store if they are good, from the server otherwise."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aio_token._bound.token import DPoPToken
from aio_token._errors import ConfigurationError
from aio_token._repository import TokenRepository
from aio_token._wish import NO_WISH
from aio_token.cli._id_token import id_token_of
from aio_token.cli._server import SessionGrant
from aio_token.cli._session import Session
from aio_token.cli._terminal import say
from aio_token.events import Unsaved

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_token._token import Token
    from aio_token._wish import Wish
    from aio_token.events import Event


@asynccontextmanager
async def tokens_of(session: Session) -> AsyncIterator[TokenRepository]:
    """Open the session's repository, and say at the end if what it renewed could not be saved."""
    events: list[Event] = []
    tokens = TokenRepository(SessionGrant(session), session.store, observer=events.append)
    try:
        async with tokens:
            yield tokens
    finally:
        if tokens.status.unsaved:
            why = next((event.message for event in reversed(events) if isinstance(event, Unsaved)), "it was stopped")
            say(f"aio-token: the new token is not saved, so that you may have to sign in again: {why}")


async def token_of(
    name: str, *, min_valid: float = 0.0, force: bool = False, id_token: bool = False, wish: Wish = NO_WISH
) -> Token:
    """Return the token of a profile, valid for `min_valid` seconds if the server allows; `force` renews it.

    `id_token` returns the ID token that came with it. What is wished for is a token beside the usual one, which stays.
    Raises `TokenError`, such as `ConfigurationError` for a token that no other program can use.
    """
    token = await _token_of(name, min_valid=min_valid, force=force, id_token=id_token, wish=wish)
    if isinstance(token, DPoPToken):
        message = (
            f"the token of the profile {name} is bound to a key that stays here (DPoP), so that no other program can "
            f"use it; run: aio-token request METHOD URL --profile {name}"
        )
        raise ConfigurationError(message)
    return token


async def _token_of(name: str, *, min_valid: float, force: bool, id_token: bool, wish: Wish) -> Token:
    session = Session.load(name)
    with session.advice():
        if wish != NO_WISH and session.profile.grant == "client_credentials":
            return await _another(session, wish)
        async with tokens_of(session) as whole:
            tokens = whole if wish == NO_WISH else _narrowed(whole, wish)
            token = await (tokens.renew() if force else tokens.token(min_valid_for=min_valid))
            if not id_token:
                return token
            return await id_token_of(token, tokens.renew, now=time.time(), min_valid=min_valid)


def _narrowed(tokens: TokenRepository, wish: Wish) -> TokenRepository:
    """Return another token of a person's session, within what was agreed to (law E5). Raises `ConfigurationError`."""
    return tokens.narrowed(scope=wish.scope, resource=wish.resource, audience=wish.audience)


async def _another(session: Session, wish: Wish) -> Token:
    """Return a service account's token that is kept nowhere. Raises `TokenError`."""
    token = (await SessionGrant(session).obtain(None, wish)).token
    assert token is not None  # noqa: S101  a grant without one has raised
    return token
