"""How a program ends when it is told to: SIGTERM cancels it as Ctrl-C does, so that what is open is closed.

Python ends at SIGTERM without running any `finally`. A renewal under way is lost then, and where the server has
rotated already, the session with it. Frameworks that serve, such as aiohttp's and uvicorn, have a handler of their own.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

_T = TypeVar("_T")
_BY_SIGTERM = 128 + signal.SIGTERM  # what a shell says of a program that it ended


def run(main: Coroutine[object, object, _T]) -> _T:
    """Run a program until it is done, and return what it returned, or until it is told to end."""
    try:
        return asyncio.run(_until_told(main))
    except asyncio.CancelledError:
        sys.exit(_BY_SIGTERM)


async def _until_told(main: Coroutine[object, object, _T]) -> _T:
    task = asyncio.ensure_future(main)
    if sys.platform != "win32":  # which has no SIGTERM
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task
