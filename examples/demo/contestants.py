"""The two middlewares that crawl, each with a count of what it asks of the token endpoint."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from yarl import URL

from aio_token import BearerMiddleware, ClientCredentialsGrant, FileTokenStore, RefreshTokenGrant, TokenRepository
from examples.lock_and_double_check import LockAndDoubleCheck

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import ClientMiddlewareType

    from aio_token import Credential, Grant, Wish
    from aio_token.grants import IssuedBy
    from examples.demo.stage import Stage
    from examples.demo.tally import TokenRequests

OURS, CONTRAST = "aio_token", "lock and double check"


class _Counted:
    """A grant that counts."""

    def __init__(self, grant: Grant, first: str | None, count: TokenRequests) -> None:
        self._grant = grant
        self._first = first
        self._count = count

    @property
    def issued_by(self) -> IssuedBy | None:
        return self._grant.issued_by

    async def obtain(self, credential: Credential | None, wish: Wish) -> Credential:
        with self._count.one(credential.refresh_token if credential else self._first):
            new = await self._grant.obtain(credential, wish)
        if new.token is not None and new.token.expires_at is not None:
            self._count.came(new.token.expires_at, new.obtained_at or time.time())
        return new


class _CountedContrast(LockAndDoubleCheck):
    """The contrast, and it counts."""

    def __init__(self, stage: Stage, count: TokenRequests) -> None:
        super().__init__(stage.token_url, stage.client_id, stage.client_secret, stage.refresh_token, stage.scope)
        self._count = count

    async def renew(self) -> None:
        with self._count.one(self.refresh_token):
            await super().renew()
        self._count.came(self.expires_at, time.time())


@asynccontextmanager
async def ours(stage: Stage, count: TokenRequests) -> AsyncIterator[ClientMiddlewareType]:
    """Make aio_token's middleware."""
    endpoint, first = stage.endpoint, stage.refresh_token
    grant = RefreshTokenGrant(endpoint, first=first) if first else ClientCredentialsGrant(endpoint, scope=stage.scope)
    with TemporaryDirectory() as folder:
        store = FileTokenStore(Path(folder, "token.json"))
        async with TokenRepository(_Counted(grant, first, count), store) as tokens:
            yield BearerMiddleware(tokens, URL(stage.api).origin(), observer=None)  # rejections are counted, not logged


@asynccontextmanager
async def contrast(stage: Stage, count: TokenRequests) -> AsyncIterator[ClientMiddlewareType]:
    """Make the middleware that most people write."""
    yield _CountedContrast(stage, count)


MAKERS = {OURS: ours, CONTRAST: contrast}
