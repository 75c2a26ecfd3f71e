"""The middleware that most people write, from the examples of this project."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from benchmarks.rivals._rival import Rival
from examples.lock_and_double_check import LockAndDoubleCheck

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import ClientMiddlewareType

    from benchmarks._serving import Place


@asynccontextmanager
async def make(place: Place) -> AsyncIterator[ClientMiddlewareType]:
    """Yield the middleware."""
    yield LockAndDoubleCheck(place.token_url, place.client_id, place.client_secret, place.refresh_token or None)


RIVAL = Rival("lock and double check", "aiohttp", "client credentials", make)
