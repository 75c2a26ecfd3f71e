"""A profile's token: from its store if it is good, from the server otherwise."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from aio_token._errors import KeyUnavailable, SignInRequired, without_frames
from aio_token._repository import TokenRepository
from aio_token._wish import NO_WISH
from aio_token.cli import _profiles
from aio_token.cli._client import client_of
from aio_token.cli._keys import store_of
from aio_token.cli._people import say
from aio_token.cli._places import token_file
from aio_token.events import Unsaved

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from aio_token._credential import Credential, IssuedBy
    from aio_token._interfaces import Grant
    from aio_token._token import Token
    from aio_token._wish import Wish
    from aio_token.cli._profile import Profile
    from aio_token.events import Event, Observer
    from aio_token.grants.client_credentials import ClientCredentialsGrant
    from aio_token.grants.refresh_token import RefreshTokenGrant


class ProfileGrant:
    """Renews as the profile says; what that needs is imported when a server has to be asked."""

    def __init__(self, name: str, profile: Profile) -> None:
        self._name = name
        self._profile = profile
        self.revoked = False

    @property
    def issued_by(self) -> IssuedBy:
        """What the profile says, without any server's help."""
        return self._profile.issued_by

    async def obtain(self, credential: Credential | None, wish: Wish = NO_WISH) -> Credential:
        """Ask the server. Raises `TokenError`."""
        return await self._real().obtain(credential, wish)

    async def revoke(self, credential: Credential) -> None:
        """Tell the server, and remember that it was told. Raises `TokenError`."""
        await self._real().revoke(credential)
        self.revoked = True

    def _real(self) -> ClientCredentialsGrant | RefreshTokenGrant:
        from aio_token.grants.client_credentials import ClientCredentialsGrant  # noqa: PLC0415
        from aio_token.grants.refresh_token import RefreshTokenGrant  # noqa: PLC0415
        from aio_token.oauth.endpoint import TokenEndpoint  # noqa: PLC0415  brings aiohttp
        from aio_token.oauth.transport import Transport  # noqa: PLC0415

        profile = self._profile
        endpoint = TokenEndpoint(
            profile.token_endpoint,
            client_of(self._name, profile),
            revocation_url=profile.revocation_endpoint,
            issuer=profile.issuer,
            transport=Transport(trust_env=True),
        )
        if profile.grant == "client_credentials":
            return ClientCredentialsGrant(endpoint, scope=profile.scope, audience=profile.audience)
        return RefreshTokenGrant(endpoint)


def tokens_of(name: str, profile: Profile, grant: Grant, observer: Observer | None = None) -> TokenRepository:
    """Return the profile's repository."""
    return TokenRepository(grant, store_of(profile, token_file(name)), observer=observer)


@asynccontextmanager
async def session(name: str, profile: Profile) -> AsyncIterator[TokenRepository]:
    """Open the profile's repository, and tell people at the end if what it renewed could not be saved."""
    events: list[Event] = []
    tokens = tokens_of(name, profile, ProfileGrant(name, profile), events.append)
    try:
        async with tokens:
            yield tokens
    finally:
        if tokens.status.unsaved:
            why = next((event.message for event in reversed(events) if isinstance(event, Unsaved)), "it was stopped")
            say(f"aio-token: the new token is not saved, so that you may have to sign in again: {why}")


async def token_of(name: str, *, min_valid: float = 0.0, force: bool = False) -> Token:
    """Return the profile's token, good for `min_valid` seconds where that can be had; `force` renews it.

    Raises `TokenError`.
    """
    profile = _profiles.need(name)
    with what_helps(name):
        async with session(name, profile) as tokens:
            stored = await store_of(profile, token_file(name)).load() if force else None
            return await tokens.token(rejected=stored.token if stored else None, min_valid_for=min_valid)


@contextmanager
def what_helps(name: str) -> Iterator[None]:
    """Say which command mends it, where one does: another sign-in, or one after what nobody can read is gone."""
    try:
        yield
    except SignInRequired as error:
        message = f"{error}; run: aio-token login {name}"
        raise type(error)(message) from without_frames(error).__cause__
    except KeyUnavailable as error:
        message = f"{error}; if that key is lost run: aio-token logout {name} --local, then sign in again"
        raise type(error)(message) from without_frames(error).__cause__
