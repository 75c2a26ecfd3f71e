"""One thing that is done with each of many accounts, a few at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aio_token._errors import TokenError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


async def each_of(
    names: AsyncIterator[str], work: Callable[[str], Awaitable[object]], *, at_once: int
) -> dict[str, TokenError]:
    """Do the work with each; return the errors of those with whom it could not be done, by name."""
    failed: dict[str, TokenError] = {}
    room = asyncio.Semaphore(at_once)

    async def one(name: str) -> None:
        try:
            await work(name)
        except TokenError as error:
            failed[name] = error
        finally:
            room.release()

    async with asyncio.TaskGroup() as group:
        async for name in names:
            await room.acquire()
            group.create_task(one(name))
    return failed
