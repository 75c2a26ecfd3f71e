"""Small named stand-ins for the seams, used by the tests of the core."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from aio_token import Credential, MemoryTokenStore, Token

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_token import Wish
    from aio_token._clock import Clock
    from aio_token.grants import IssuedBy


class RotatingGrant:
    """Gives `access-1`, `access-2`, ... with `refresh-1`, ...; fails with whatever is in `errors` first."""

    def __init__(self, clock: Clock, *, lifetime: float | None = 60.0, issued_by: IssuedBy | None = None) -> None:
        self.clock = clock
        self.lifetime = lifetime
        self.issued_by = issued_by
        self.errors: list[BaseException] = []
        self.calls = 0
        self.presented: list[str | None] = []
        self.revoked: list[Credential] = []
        self.arrived = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()

    async def obtain(self, credential: Credential | None, wish: Wish) -> Credential:
        """Rotate."""
        self.calls += 1
        number = self.calls
        now = self.clock.time()
        self.presented.append(credential.refresh_token if credential is not None else None)
        self.arrived.set()
        await self.go.wait()
        if self.errors:
            raise self.errors.pop(0)
        expires_at = None if self.lifetime is None else now + self.lifetime
        return Credential(
            token=Token(access_token=f"access-{number}", expires_at=expires_at),
            obtained_at=now,
            refresh_token=f"refresh-{number}",
            issued_by=self.issued_by,
        )


class RevocableGrant(RotatingGrant):
    """A rotating grant that can revoke, and fails with `revocation_error` if that is set."""

    revocation_error: Exception | None = None

    async def revoke(self, credential: Credential) -> None:
        """Note what is revoked."""
        if self.revocation_error is not None:
            raise self.revocation_error
        self.revoked.append(credential)


class FaultyStore(MemoryTokenStore):
    """A memory store whose steps raise or wait on request: `faults["save"] = OSError()`, or an `asyncio.Event`."""

    def __init__(self, credential: Credential | None = None) -> None:
        super().__init__(credential)
        self.faults: dict[str, Exception | asyncio.Event] = {}
        self.steps: list[str] = []

    async def load(self) -> Credential | None:
        """Load, or fail."""
        await self._step("load")
        return await super().load()

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[FaultyStore]:
        """Hold, or fail."""
        await self._step("exclusive")
        async with super().exclusive():
            yield self

    async def save(self, credential: Credential) -> None:
        """Save, or fail."""
        await self._step("save")
        await super().save(credential)

    async def delete(self) -> None:
        """Delete, or fail."""
        await self._step("delete")
        await super().delete()

    async def _step(self, name: str) -> None:
        self.steps.append(name)
        await asyncio.sleep(0)
        fault = self.faults.get(name)
        if isinstance(fault, asyncio.Event):
            await fault.wait()
        elif fault is not None:
            raise fault


class PlainStore:
    """Knows no word that a store may do without: neither `may_lose` nor `lasts`, and no `probe`."""

    def __init__(self) -> None:
        self.kept: Credential | None = None
        self.lock = asyncio.Lock()

    async def load(self) -> Credential | None:
        """Return what is kept."""
        return self.kept

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[PlainStore]:
        """Let one in."""
        async with self.lock:
            yield self

    async def save(self, credential: Credential) -> None:
        """Keep it."""
        self.kept = credential

    async def delete(self) -> None:
        """Keep nothing."""
        self.kept = None


def stored(clock: Clock, name: str, *, left: float = 60.0, lifetime: float = 60.0) -> Credential:
    """Return a credential as another process would have left it: `left` seconds of its token's `lifetime` remain."""
    now = clock.time()
    token = Token(access_token=f"access-{name}", expires_at=now + left)
    return replace(Credential(token=token, refresh_token=f"refresh-{name}"), obtained_at=now + left - lifetime)
