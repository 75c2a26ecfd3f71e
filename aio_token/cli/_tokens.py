"""A session's tokens: from its store if they are good, from the server otherwise."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aio_token._bound.token import DPoPToken
from aio_token._errors import ConfigurationError
from aio_token._ground.value import replace
from aio_token._repository import TokenRepository
from aio_token._wish import NO_WISH
from aio_token.cli._id_token import id_token_of
from aio_token.cli._server import SessionGrant
from aio_token.cli._session import Session
from aio_token.cli._terminal import say
from aio_token.events import Renewed, SignedIn, Unsaved

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_token._token import Token
    from aio_token._wish import Wish
    from aio_token.events import Event


@asynccontextmanager
async def tokens_of(session: Session, wish: Wish = NO_WISH) -> AsyncIterator[TokenRepository]:
    """Open the session's repository, and say at the end if what it renewed could not be saved.

    What is wished for is a token beside the usual one, which stays: another one of a person's session, within what was
    agreed to (law E5), or one of a service account's that is kept nowhere.
    """
    if wish != NO_WISH and session.profile.grant == "client_credentials":
        async with TokenRepository(SessionGrant(_wishing(session, wish))) as tokens:
            yield tokens
        return
    events: list[Event] = []
    tokens = TokenRepository(SessionGrant(session), session.store, observer=events.append)
    try:
        async with tokens:
            narrow = wish != NO_WISH
            yield (
                tokens.narrowed(scope=wish.scope, resource=wish.resource, audience=wish.audience) if narrow else tokens
            )
    finally:
        if tokens.status.unsaved:
            why = next((event.message for event in reversed(events) if isinstance(event, Unsaved)), "it was stopped")
            is_new = any(isinstance(event, Renewed | SignedIn) for event in events)
            lost = "the new token is not saved, so that you may have to sign in again" if is_new else "it is not noted"
            say(f"aio-token: {lost}: {why}")


async def token_of(
    name: str, *, min_valid: float = 0.0, force: bool = False, id_token: bool = False, wish: Wish = NO_WISH
) -> Token:
    """Return the token of a profile, valid for `min_valid` seconds if the server allows; `force` renews it.

    `id_token` returns the ID token that came with it, `wish` is as with `tokens_of`. Raises `TokenError`, such as
    `ConfigurationError` for a token that no other program can use.
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
    with session.advice(session.with_openid if id_token else ""):
        async with tokens_of(session, wish) as tokens:
            token = await (tokens.renew() if force else tokens.token(min_valid_for=min_valid))
            if not id_token:
                return token
            return await id_token_of(token, tokens.renew, now=time.time(), min_valid=min_valid)


def warn_if_short(token: Token, min_valid: float) -> None:
    """Say that a token ends sooner than was asked for."""
    left = None if token.expires_at is None else token.expires_at - time.time()
    if left is not None and left < min_valid:
        say(f"aio-token: the token is valid for {max(left, 0):.0f} s only; the server gives none for longer")


def _wishing(session: Session, wish: Wish) -> Session:
    """Return the session with a profile that asks for what is wished."""
    usual = session.profile
    profile = replace(
        usual,
        scope=wish.scope or usual.scope,
        audience=wish.audience or usual.audience,
        resource=wish.resource or usual.resource,
    )
    return Session(session.name, profile)
