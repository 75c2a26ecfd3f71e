"""One host of a fleet, as a process: it asks for a token again and again, and tells how that went, a line each.

It is told where to stop itself once (SIGSTOP), in the order of a renewal: `entered`, when it holds the lease;
`marking`, before it writes that it will spend the refresh token; `sending`, when the request is made and not written
yet; `saving`, when the answer is there and not saved yet; `saved`, when it is and the lease not given back.
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

import aiohttp  # noqa: F401  a host at work has long imported it
import authlib.oauth2.rfc6749  # noqa: F401

from aio_token import ClientSecretBasic, Limits, RefreshTokenGrant, TokenEndpoint, TokenError, TokenRepository
from aio_token.stores import PostgresTokenStore, RedisTokenStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_token import Credential, Slot, TokenStore

PAUSE = 0.05  # seconds between two calls


@dataclass(frozen=True, kw_only=True)
class Orders:
    """What a host is told; times in seconds."""

    store: str
    address: str
    name: str
    token_url: str
    client_id: str
    secret: str
    lease: float
    obtain: float
    save: float
    may_lose: bool = True
    stop_at: str = ""
    clock_ahead: float = 0.0


class ClockAhead:
    """The wall clock of a machine on which it goes wrong."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def time(self) -> float:
        """Return POSIX seconds, as this machine takes them."""
        return time.time() + self._seconds

    def monotonic(self) -> float:
        """Return seconds since some moment."""
        return time.monotonic()


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


def opened(orders: Orders) -> RedisTokenStore | PostgresTokenStore:
    """Return the store that a host is told to use."""
    clock = ClockAhead(orders.clock_ahead)
    if orders.store == "redis":
        return RedisTokenStore(orders.address, orders.name, lease=orders.lease, check_server=False, clock=clock)
    return PostgresTokenStore(orders.address, orders.name, lease=orders.lease, may_lose=orders.may_lose, clock=clock)


class StoppingStore:
    """A store whose holder may stop at each step."""

    def __init__(self, store: TokenStore, stop: Stop) -> None:
        self._store, self._stop = store, stop

    @property
    def may_lose(self) -> bool:
        """What the store says."""
        return self._store.may_lose

    async def load(self) -> Credential | None:
        """Load."""
        return await self._store.load()

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[Slot]:
        """Hold as ever."""
        async with self._store.exclusive() as slot:
            self._stop.at("entered")
            yield StoppingSlot(slot, self._stop)


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
        """Stop before a mark, and before and after an answer."""
        is_answer = credential.spending_since is None and credential.token is not None
        self._stop.at("saving" if is_answer else "marking")
        await self._slot.save(credential)
        if is_answer:
            self._stop.at("saved")

    async def delete(self) -> None:
        """Delete."""
        await self._slot.delete()


async def main(orders: Orders) -> None:
    """Ask until the process is ended."""
    stop = Stop(orders.stop_at)

    def secret() -> str:
        stop.at("sending")
        return orders.secret

    clock = ClockAhead(orders.clock_ahead)
    store = StoppingStore(opened(orders), stop)
    endpoint = TokenEndpoint(orders.token_url, ClientSecretBasic(orders.client_id, secret), clock=clock)
    limits = Limits(lock=orders.obtain + orders.save + 20, obtain=orders.obtain, save=orders.save)
    tokens = TokenRepository(RefreshTokenGrant(endpoint), store, limits=limits, observer=None, clock=clock)
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
