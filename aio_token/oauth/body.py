"""The body of an answer: up to a cap, decompressed, and as far as it came where the rest of it never does (law D2).

The server has rotated by the time it answers, so what it has said counts however it goes on: a length that is too long,
a last chunk that is missing, a connection that breaks or stays open, a compression that is declared and not there.
"""

from __future__ import annotations

import asyncio
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

import aiohttp

from aio_token.oauth.reading import read_object
from aio_token.oauth.salvage import has_refresh_token

if TYPE_CHECKING:
    from collections.abc import Iterator

BODY_CAP = 1 << 18  # bytes, before and after decompression: more JSON would stop the event loop (law D1)
_APART = 1.0  # seconds between two looks at whether an answer that goes on is whole
_MOST_SILENCES = 3  # of so long each, after which one is taken that has a new refresh token
_MOST_LAYERS = 3  # of compression
_MOST_MEMBERS = 16  # of a gzip, one behind the other
_PIECE = 64  # bytes that are lost at most where a compressed text is damaged
_CHECKSUM = 8  # bytes, at the end of it
_GZIP, _ZLIB, _BARE = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS


async def body_of(response: aiohttp.ClientResponse) -> tuple[bytes, bool]:
    """Read a body, and tell whether there was more than the cap.

    Raises aiohttp's errors if it breaks off before anything was said that counts.
    """
    body = _Body(is_deflated="deflate" in response.headers.get("Content-Encoding", "").lower())
    content, now, silences = response.content, asyncio.get_running_loop().time, 0
    looked_at = now()
    while not content.at_eof() and not body.is_full:
        try:
            async with asyncio.timeout(_APART):
                body.feed(await content.readany())
            silences = 0
        except TimeoutError:
            silences += 1
        except aiohttp.ClientError:
            body.feed(content._read_nowait(-1))  # noqa: SLF001  what came before the error; the methods around it raise
            if not (body.is_whole or body.has_refresh_token):
                raise
            break
        if now() - looked_at >= _APART:
            looked_at = now()
            if body.is_whole or (silences >= _MOST_SILENCES and body.has_refresh_token):
                break
    return body.decoded()


class _Body:
    """Collects an answer up to the cap; an object, so that no frame shows a part of it."""

    __slots__ = ("_data", "_is_deflated")

    def __init__(self, *, is_deflated: bool) -> None:
        self._data = bytearray()
        self._is_deflated = is_deflated

    @property
    def is_full(self) -> bool:
        return len(self._data) > BODY_CAP

    @property
    def is_whole(self) -> bool:
        """Whether it is a JSON object to its end."""
        return read_object(self.decoded()[0]) is not None

    @property
    def has_refresh_token(self) -> bool:
        """Whether a refresh token is in it, to the last letter."""
        return has_refresh_token(self.decoded()[0])

    def feed(self, chunk: bytes) -> None:
        self._data += chunk

    def decoded(self) -> tuple[bytes, bool]:
        """Decompress, and tell whether there was more.

        It is done here, as the cap must hold whatever a server sends and whatever aiohttp's version. What it is shows
        in the text itself: headers lie, and no JSON and no form begins so.
        """
        data = bytes(self._data)
        for _ in range(_MOST_LAYERS):
            kind = self._compression_of(data)
            if kind is None or not (inner := _inflated(data, kind)):
                break
            data = inner
        return data[:BODY_CAP], self.is_full or len(data) > BODY_CAP

    def _compression_of(self, data: bytes) -> int | None:
        """Tell how a text is compressed, None if it is not."""
        if data.startswith(b"\x1f\x8b"):
            return _GZIP
        if data.startswith(b"\x78") and not int.from_bytes(data[:2]) % 31:  # RFC 1950 section 2.2
            return _ZLIB
        # What HTTP calls deflate is the former, and the bare one at some servers (RFC 9110 section 8.4.1.2).
        return _BARE if self._is_deflated and not data.lstrip().startswith((b"{", b"[")) else None


def _inflated(data: bytes, kind: int) -> bytes:
    """Decompress up to the cap and a byte more, as far as it is sound; nothing if it is something else."""
    whole = bytearray()
    for _ in range(_MOST_MEMBERS):
        text, data = _member(data, kind, BODY_CAP + 1 - len(whole))
        whole += text
        if not data.startswith(b"\x1f\x8b") or len(whole) > BODY_CAP:
            break
    return bytes(whole)


def _member(data: bytes, kind: int, most: int) -> tuple[bytes, bytes]:
    """Decompress one text, and return what stands behind it as well."""
    reader = zlib.decompressobj(kind)
    with suppress(zlib.error):
        return reader.decompress(data, most), reader.unused_data
    reader, pieces, sound = zlib.decompressobj(kind), _pieces(data), bytearray()
    with suppress(zlib.error, StopIteration):
        while True:
            sound += reader.decompress(next(pieces), most)
    return bytes(sound), b""


def _pieces(data: bytes) -> Iterator[bytes]:
    """Take it apart; the checksum at its end may be all that is wrong."""
    end = max(len(data) - _CHECKSUM, 0)
    yield from (data[at : min(at + _PIECE, end)] for at in range(0, end, _PIECE))
    yield data[end:]
