"""What services have today for a session on Redis that hosts share, written here from the idea of each.

Both read Redis at each call, as their models do: the token in memory is another host's yesterday.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

MARGIN = 0.5  # seconds before its end that a token is renewed
LOCK = 10  # seconds that the lock lasts
LOOKS_APART = 0.05


class InstallationStore:
    """Find, rotate if it is about to end, save, as slack-bolt does on an installation store: without any lock."""

    def __init__(
        self, address: str, name: str, first: str, refresh: Callable[[str], Awaitable[dict[str, Any]]]
    ) -> None:
        self._redis: Any = Redis.from_url(address)
        self._key, self._first, self._refresh = f"contrast:{name}", first, refresh

    async def token(self) -> str:
        """Return a token that is good."""
        kept = await self._kept()
        return str((kept if _is_good(kept) else await self._renewed(kept))["access_token"])

    async def aclose(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _kept(self) -> dict[str, Any]:
        kept = await self._redis.get(self._key)
        return dict(json.loads(kept)) if kept is not None else {"refresh_token": self._first}

    async def _renewed(self, kept: dict[str, Any]) -> dict[str, Any]:
        asked = time.time()
        answer = await self._refresh(kept["refresh_token"])
        new = kept | answer | {"expires_at": asked + answer["expires_in"]}
        await self._redis.set(self._key, json.dumps(new))
        return new


class LockInRedis(InstallationStore):
    """The same within SET NX EX and a second look, and DEL in the end, as blogs show it."""

    async def _renewed(self, kept: dict[str, Any]) -> dict[str, Any]:
        while not await self._redis.set(f"{self._key}:lock", "1", nx=True, ex=LOCK):  # noqa: ASYNC110  as it is shown
            await asyncio.sleep(LOOKS_APART)
        try:
            kept = await self._kept()
            return kept if _is_good(kept) else await super()._renewed(kept)
        finally:
            await self._redis.delete(f"{self._key}:lock")


def _is_good(kept: dict[str, Any]) -> bool:
    return bool(kept.get("expires_at", 0.0) > time.time() + MARGIN)


CONTRASTS = {"as slack-bolt's installation store": InstallationStore, "a lock as blogs show it": LockInRedis}
