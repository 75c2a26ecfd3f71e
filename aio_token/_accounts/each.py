"""One thing that is done with each of many accounts, a few at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aio_token._errors import TokenError, unforeseen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


async def each_of(
    names: AsyncIterator[str], work: Callable[[str], Awaitable[object]], *, at_once: int
) -> dict[str, TokenError]:
    """Do the work with each; return the errors of those with whom it could not be done, by name.

    What the names themselves raise is raised when the work under way is done.
    """
    failed: dict[str, TokenError] = {}
    trouble: Exception | None = None
    room = asyncio.Semaphore(at_once)

    async def one(name: str) -> None:
        try:
            await work(name)
        except Exception as cause:  # noqa: BLE001  one account's trouble, whatever it is, is not the others'
            failed[name] = cause if isinstance(cause, TokenError) else unforeseen(cause)
        finally:
            room.release()

    async with asyncio.TaskGroup() as group:
        try:
            async for name in names:
                await room.acquire()
                group.create_task(one(name))
        except Exception as error:  # noqa: BLE001  it is raised below, and not as one of a group
            trouble = error
    if trouble is not None:
        raise trouble
    return failed
