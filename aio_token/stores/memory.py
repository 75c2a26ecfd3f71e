"""A store that lasts as long as the process."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING

from aio_token._clock import SYSTEM_CLOCK
from aio_token._ground.public import public
from aio_token._token import fingerprint
from aio_token.stores._shared import OwnSlot
from aio_token.stores._turns import Turns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_token._credential import Credential

_logger = logging.getLogger("aio_token")


@public
class MemoryTokenStore(OwnSlot):
    """Keeps a credential in memory; repositories may share it, in several threads and event loops as well."""

    # A service may keep one for each of its users.
    __slots__ = ("__weakref__", "_credential", "_turns")

    def __init__(self, credential: Credential | None = None) -> None:
        self._credential = credential
        self._turns = Turns()

    def __repr__(self) -> str:
        return "MemoryTokenStore()"

    async def load(self) -> Credential | None:
        """Return what is kept."""
        if self._credential is not None and self._credential.has_passed(SYSTEM_CLOCK.time()):
            self._credential = None
        return self._credential

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[MemoryTokenStore]:
        """Exclude every other holder in this process."""
        async with self._turns.turn():
            yield self

    async def save(self, credential: Credential) -> None:
        """Keep the credential; that a refresh token was exchanged for one that ends with the process is told once."""
        warn_of_exchange(self._credential, credential)
        self._credential = credential

    async def delete(self) -> None:
        """Keep nothing, or a tombstone."""
        if self._credential is not None:
            self._credential = self._credential.tombstone(SYSTEM_CLOCK.time())


def warn_of_exchange(before: Credential | None, after: Credential) -> None:
    """Tell once that a refresh token was exchanged for one that ends with the process (law F13)."""
    if _is_exchanged(before, after):
        _warn()


def _is_exchanged(before: Credential | None, after: Credential) -> bool:
    """Whether a refresh token, or the one that a grant was given to begin with, has a successor now."""
    if after.refresh_token is None:
        return False
    presented = after.first
    if before is not None and before.refresh_token is not None:
        presented = fingerprint(before.refresh_token)
    return presented is not None and presented != fingerprint(after.refresh_token)


@cache
def _warn() -> None:
    """Say it once in this process, however many stores it has (law F13)."""
    _logger.warning(
        "a refresh token was exchanged for another one, which is kept in memory only: after the next start a person "
        "has to sign in again; to avoid that, give the repository a store, such as FileTokenStore(path)"
    )
