"""One host of a fleet, as a process: it asks for a token again and again, and tells how that went, a line each.

It is told where to stop itself once (SIGSTOP): `sending`, when the request is made and not written yet, or `saving`,
when the answer is there and not saved yet.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aio_token import ClientSecretBasic, Limits, RefreshTokenGrant, TokenEndpoint, TokenError, TokenRepository
from aio_token.stores import RedisTokenStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_token import Credential, Slot

PAUSE = 0.05  # seconds between two calls


@dataclass(frozen=True, kw_only=True)
class Orders:
    """What a host is told."""

    store_url: str
    name: str
    token_url: str
    client_id: str
    secret: str
    lease: float
    obtain: float
    save: float
    stop_at: str = ""


class Stop:
    """Stops this process once."""

    def __init__(self, where: str) -> None:
        self._where = where

    def at(self, where: str) -> None:
        """Stand still, if this is the place."""
        if where == self._where:
            self._where = ""
            _tell(stopped=where)
            os.kill(os.getpid(), signal.SIGSTOP)


def _tell(**words: object) -> None:
    print(json.dumps(words), flush=True)


class StoppingStore(RedisTokenStore):
    """A store whose holder may stop before it saves an answer."""

    stop = Stop("")

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[Slot]:
        """Hold as ever."""
        async with super().exclusive() as slot:
            yield StoppingSlot(slot, self.stop)


class StoppingSlot:
    """What is held."""

    def __init__(self, slot: Slot, stop: Stop) -> None:
        self._slot, self._stop = slot, stop

    @property
    def lasts(self) -> float | None:
        """As long as ever."""
        return self._slot.lasts

    async def load(self) -> Credential | None:
        """Load."""
        return await self._slot.load()

    async def save(self, credential: Credential) -> None:
        """Stop where it is an answer, and save."""
        if credential.spending_since is None and credential.token is not None:
            self._stop.at("saving")
        await self._slot.save(credential)

    async def delete(self) -> None:
        """Delete."""
        await self._slot.delete()


async def main(orders: Orders) -> None:
    """Ask until the process is ended."""
    stop = Stop(orders.stop_at)

    def secret() -> str:
        stop.at("sending")
        return orders.secret

    store = StoppingStore(orders.store_url, orders.name, lease=orders.lease, check_server=False)
    store.stop = stop
    endpoint = TokenEndpoint(orders.token_url, ClientSecretBasic(orders.client_id, secret))
    limits = Limits(lock=orders.obtain + orders.save + 20, obtain=orders.obtain, save=orders.save)
    tokens = TokenRepository(RefreshTokenGrant(endpoint), store, limits=limits, observer=None)
    while True:
        began = time.monotonic()
        try:
            token = await tokens.token()
        except TokenError as error:
            _tell(failed=type(error).__name__, sentence=str(error), took=time.monotonic() - began)
        else:
            _tell(token=token.fingerprint, took=time.monotonic() - began)
        await asyncio.sleep(PAUSE)


if __name__ == "__main__":
    asyncio.run(main(Orders(**json.loads(sys.argv[1]))))
