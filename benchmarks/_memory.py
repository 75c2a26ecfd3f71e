"""What one more caller costs who waits for a token, in bytes, without what is the caller's own: task and coroutines."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from types import CellType, CoroutineType, FunctionType
from typing import Any

from aio_token import TokenRepository
from aio_token.testing import ScriptedGrant

SAMPLE = 1_000


async def bytes_per_waiter(callers: int) -> dict[str, Any]:
    """Return the bytes of a waiter, and what was left out of them."""
    tracemalloc.start()
    await _waiting(10)  # whatever is made once is made now
    await _bare(10)
    whole, frames = await _waiting(callers)
    task, future = await _bare(callers)
    tracemalloc.stop()
    return {
        "callers": callers,
        "bytes": round(whole - frames - task),
        "of_it_future": round(future),
        "left_out_frames": round(frames),
        "left_out_task": round(task),
    }


async def _waiting(callers: int) -> tuple[float, float]:
    """Return the bytes of each of so many who wait for a token, and those of its coroutines."""
    grant = ScriptedGrant()
    grant.halt()
    async with TokenRepository(grant, observer=None) as tokens:
        first = asyncio.ensure_future(tokens.token())
        await asyncio.sleep(0)
        whole, tasks = await _parked(callers, tokens.token)
        frames = sum(map(_frame_bytes, _chain(tasks[0].get_coro())))
        grant.release()
        await asyncio.gather(first, *tasks)
    return whole, frames


async def _bare(callers: int) -> tuple[float, float]:
    """Return the bytes of each of so many tasks that wait for a future, and of a future; no coroutines in it."""
    loop = asyncio.get_running_loop()
    before = await _traced()
    futures: list[asyncio.Future[None]] = [loop.create_future() for _ in range(callers)]
    future = (await _traced() - before) / callers - 8  # its place in the list
    waiting = iter(futures)

    async def bare() -> None:
        await next(waiting)

    whole, tasks = await _parked(callers, bare)
    frame = sum(map(_frame_bytes, _chain(tasks[0].get_coro())))
    for one in futures:
        one.set_result(None)
    await asyncio.gather(*tasks)
    return whole - frame, future


async def _traced() -> int:
    """Return the bytes in use, once what is done is gone."""
    for _ in range(3):
        await asyncio.sleep(0)
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


async def _parked(callers: int, ask: Any) -> tuple[float, list[asyncio.Task[Any]]]:  # noqa: ANN401  a coroutine function
    """Start so many tasks, let them come to their waits, and return the bytes of each."""
    before = await _traced()
    tasks = [asyncio.ensure_future(ask()) for _ in range(callers)]
    return (await _traced() - before) / callers - 8, tasks


def _chain(coroutine: object) -> list[CoroutineType[Any, Any, Any]]:
    """Return a coroutine and those that it waits for."""
    found = []
    while isinstance(coroutine, CoroutineType):
        found.append(coroutine)
        coroutine = coroutine.cr_await
    return found


def _frame_bytes(coroutine: CoroutineType[Any, Any, Any]) -> float:
    """Return the bytes of such a coroutine: of others of the same code, made and never run."""
    code = coroutine.cr_code
    function = FunctionType(code, {}, closure=tuple(CellType() for _ in code.co_freevars))
    count = code.co_argcount + code.co_kwonlyargcount
    names = dict.fromkeys(code.co_varnames[:count])
    made: list[Any] = [None] * SAMPLE
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(SAMPLE):
        made[number] = function(**names)
    each = (tracemalloc.get_traced_memory()[0] - before) / SAMPLE
    for one in made:
        one.close()
    return each
