"""A store that lasts as long as the process."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aio_token._public import public
from aio_token.stores._shared import Shared
from aio_token.stores._turns import Turns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_token._credential import Credential


@public
class MemoryTokenStore(Shared):
    """Keeps a credential in memory; repositories may share it, in several threads and event loops as well."""

    # A service may keep one for each of its users.
    __slots__ = ("__weakref__", "_credential", "_turns")

    def __init__(self, credential: Credential | None = None) -> None:
        self._credential = credential
        self._turns = Turns()

    def __repr__(self) -> str:
        return "MemoryTokenStore()"

    @property
    def may_lose(self) -> bool:
        """No: what is saved is there for as long as the process."""
        return False

    @property
    def lasts(self) -> float | None:
        """None: a hold lasts for as long as it is held."""
        return None

    async def load(self) -> Credential | None:
        """Return what is kept."""
        return self._credential

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[MemoryTokenStore]:
        """Exclude every other holder in this process."""
        async with self._turns.turn():
            yield self

    async def save(self, credential: Credential) -> None:
        """Keep the credential."""
        self._credential = credential

    async def delete(self) -> None:
        """Keep nothing."""
        self._credential = None
