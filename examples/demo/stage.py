"""Where a crawl happens: an authorization server, an API, and an account of the crawl's own."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from aio_token import ClientSecretPost, ConfigurationError, PasswordGrant, Provider, PublicClient, TokenEndpoint
from aio_token.testing import AuthorizationServer, ProtectedAPI, Slow
from examples.demo.arguments import CLIENT_SECRET, PASSWORD, REFRESH_TOKEN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from examples.demo.arguments import Settings

LIFETIME = 2.0  # seconds, of the embedded server's tokens
API_TAKES = 0.75  # seconds, of the embedded API for an answer


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What a crawl needs to know; `server` is the embedded one, if it is that."""

    token_url: str
    client_id: str
    client_secret: str | None = field(repr=False)
    refresh_token: str | None = field(repr=False)
    api: str
    scope: str | None = None
    server: AuthorizationServer | None = None

    @property
    def endpoint(self) -> TokenEndpoint:
        """The token endpoint for aio_token."""
        client = ClientSecretPost(self.client_id, self.client_secret) if self.client_secret else None
        return TokenEndpoint(self.token_url, client or PublicClient(self.client_id))

    @contextmanager
    def renewal(self, quickest: float) -> Iterator[Callable[[], Awaitable[object]]]:
        """Give something to wait for that ends when a renewal is half over: the server has acted, no answer has come.

        The embedded server keeps its answers back while the block lasts; from a real one they take `quickest` seconds.
        """
        if self.server is None:
            yield lambda: asyncio.sleep(quickest / 2)
        else:
            with self.server.hold(after=True) as hold:
                yield hold.arrived.wait


@asynccontextmanager
async def embedded() -> AsyncIterator[Stage]:
    """Set servers up on loopback, with a user who has signed in."""
    async with AuthorizationServer(lifetime=LIFETIME) as server, ProtectedAPI(server) as api:
        api.inject(Slow(after=API_TAKES))
        yield Stage(
            token_url=server.token_url,
            client_id=server.client.client_id,
            client_secret=server.client.secret,
            refresh_token=server.sign_in(),
            api=f"{api.url}/page",
            server=server,
        )


@asynccontextmanager
async def real(settings: Settings) -> AsyncIterator[Stage]:
    """Go to the server that the arguments name, and sign in."""
    provider = await Provider.discover(settings.issuer or "")
    api = settings.api or provider.userinfo_endpoint
    if api is None:
        message = "the issuer has no user-info endpoint; pass --api"
        raise ConfigurationError(message)
    account = Stage(
        token_url=provider.token_endpoint_url,
        client_id=settings.client_id,
        client_secret=os.environ.get(CLIENT_SECRET),
        refresh_token=os.environ.get(REFRESH_TOKEN),
        api=api,
        scope=settings.scope if settings.api else settings.scope or "openid",
    )
    if settings.username:
        grant = PasswordGrant(account.endpoint, settings.username, lambda: os.environ[PASSWORD], scope=account.scope)
        signed_in = await grant.obtain(None)
        account = replace(account, refresh_token=signed_in.refresh_token)
    yield account
