"""The beginning of a response's body: read to find out what it says, and put back for whoever reads it next."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from aiohttp import ClientResponse

MOST = 65_536
"""Bytes of a body that are read, decompressed."""


class TooLong(Exception):
    """The body goes on after what may be read."""


class Ahead:
    """Bounds what is read of a response for as long as it is entered.

    `read()`, `text()` and `json()` of the response then raise `TooLong` for a body that is longer. Nothing is lost,
    however the reading ends: at the end the response is as if it had not been read.
    """

    def __init__(self, response: ClientResponse) -> None:
        self._response = response
        self._chunks: list[bytes] = []

    def __enter__(self) -> Self:
        self._response.read = self.read  # type: ignore[method-assign]  # text() and json() read by it
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        response = self._response
        del response.read
        if not self._chunks:
            return
        response._body = None  # noqa: SLF001  where aiohttp keeps what was read
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # and offers nothing else
            response.content.unread_data(b"".join(self._chunks))

    async def read(self) -> bytes:
        """Return the whole body. Raises `TooLong`, and what aiohttp raises."""
        response, left = self._response, MOST
        if response._body is not None:  # noqa: SLF001  a middleware further in has read it
            return response._body  # noqa: SLF001
        while chunk := await response.content.read(left + 1):
            self._chunks.append(chunk)
            left -= len(chunk)
            if left < 0:
                raise TooLong
        response._body = b"".join(self._chunks)  # noqa: SLF001
        return response._body  # noqa: SLF001
