"""Bodies that are sent again: a file is wound back only when nothing reads it any more (law B4).

aiohttp reads files in threads. An answer that comes in the middle of an upload makes it cancel the writer, and the read
that is under way goes on in its thread. It may come between the repeat's winding back and its first read, which then
begins too late in the file: too few bytes arrive, and the server waits for the rest. So each sending has reads of its
own, and the next one begins when those have ended.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from aiohttp import MultipartWriter
from aiohttp.payload import BytesIOPayload, IOBasePayload

from aio_token._edge.origins import refuse_proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp import ClientRequest


async def prepare(request: ClientRequest) -> None:
    """Look at what few requests have: a proxy on their way (law A2), a body that may have to be sent again (law B4)."""
    if request.proxy is not None:
        refuse_proxy(request.url)
    await ready_to_send(request.body)


async def ready_to_send(body: object) -> None:
    """Wait until an earlier sending reads nothing more, and let the next one have reads of its own."""
    for file in _files_of(body):
        methods = vars(file)
        earlier = methods.get("_read")
        if isinstance(earlier, _Reads):
            await earlier.end()
        # aiohttp looks these up as it hands a read to a thread: what is on its way there belongs to its own sending.
        methods["_read"] = reads = _Reads(file)
        methods["_read_and_available_len"] = reads.first


def _files_of(body: object) -> Iterator[IOBasePayload]:
    """Find what is read in threads."""
    if isinstance(body, IOBasePayload) and not isinstance(body, BytesIOPayload):
        yield body
    elif isinstance(body, MultipartWriter):
        for part, *_ in body:
            yield from _files_of(part)


class _Reads:
    """The reads of a file by one sending."""

    __slots__ = ("_file", "_is_over", "_lock")

    def __init__(self, file: IOBasePayload) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._is_over = False

    def first(self, length: int | None) -> tuple[int | None, bytes]:
        """Wind the file back, and read (in a thread)."""
        with self._lock:
            return (0, b"") if self._is_over else type(self._file)._read_and_available_len(self._file, length)  # noqa: SLF001

    def __call__(self, length: int | None) -> bytes:
        """Read on (in a thread)."""
        with self._lock:
            return b"" if self._is_over else type(self._file)._read(self._file, length)  # noqa: SLF001

    async def end(self) -> None:
        """Wait for the read that is under way; one that a thread has yet to begin reads nothing."""
        if self._lock.locked():
            await asyncio.to_thread(self._end)
        else:
            self._end()

    def _end(self) -> None:
        with self._lock:
            self._is_over = True
