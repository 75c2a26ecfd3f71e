"""How long the steps of a renewal may take."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aio_token._public import public

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_token._errors import TokenError


@public
@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long the steps of a renewal may take, in seconds.

    `lock`: waiting for other processes. `obtain`: the grant. `save`: the store; past it the token is used unsaved and
    saved again later. `shutdown`: what is left to a renewal when its event loop shuts down. `sign_in`: a person's
    sign-in.
    """

    lock: float = 10.0
    obtain: float = 30.0
    save: float = 2.0
    shutdown: float = 5.0
    sign_in: float = 300.0


@asynccontextmanager
async def within(seconds: float, error: TokenError) -> AsyncIterator[None]:
    """Bound what is done inside; past the limit `error` is raised."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise error from None
