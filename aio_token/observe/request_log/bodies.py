"""Looks at bodies without touching them: the caller reads every byte, as without a log.

A request's body is shown if it lies in memory. A response's is shown if all of it lies in the stream's buffer already
or is about to; it stays there. Streams, WebSockets, and whatever is large, compressed beyond measure or still on its
way are named by type and size.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import ClientError
from aiohttp.payload import BytesPayload

from aio_token.observe.request_log.exchange import NOTHING, Body, counted, one_line, visible
from aio_token.observe.request_log.shapes import CUT

if TYPE_CHECKING:
    from aiohttp import ClientRequest, ClientResponse

    from aio_token.observe.request_log.redaction import Redactor

LARGEST = 65_536  # bytes; aiohttp stops reading from the socket beyond its own buffer, which is larger
_PATIENCE = 0.25  # seconds for a small body that was announced, and is on its way
_SWITCHING = 101
_FORM = "application/x-www-form-urlencoded"
_FROM_HERE = "from here on"
_LONGEST_TYPE = 100  # characters
_BINARY = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_CHARSETS = {  # others may be no charsets at all, or take a time that grows faster than the text (punycode)
    *("utf-8", "utf8", "utf-16", "utf-16le", "utf-16be", "us-ascii", "ascii"),
    *("iso-8859-1", "latin-1", "latin1", "iso-8859-2", "iso-8859-15", "windows-1250", "windows-1251", "windows-1252"),
    *("koi8-r", "big5", "gbk", "gb2312", "gb18030", "shift_jis", "euc-jp", "euc-kr"),
}


def size_of_request(request: ClientRequest) -> int | None:
    """Return the body's size in bytes, None if it is not known before it is sent."""
    return request.body.size if request.body else 0


def size_of_response(response: ClientResponse) -> int | None:
    """Return the body's size in bytes, None while it is not known."""
    return response.content.total_bytes if response.content.is_eof() else response.content_length


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Taken:
    """A body as it lies in memory: `data`, or None and `why` it is not shown; nothing of it has been looked at."""

    data: bytes | None = None
    content_type: str = ""
    charset: str = "utf-8"
    size: int | None = None
    why: str = ""


EMPTY = Taken()


async def taken_from_request(request: ClientRequest) -> Taken:
    """Take a request's body, if it lies in memory."""
    body = request.body
    if not body:
        return EMPTY
    content_type = request.headers.get("Content-Type", "")
    if not isinstance(body, BytesPayload):
        return Taken(content_type=content_type or type(body).__name__, size=body.size, why="is made while it is sent")
    if body.size is not None and body.size > LARGEST:
        return Taken(content_type=content_type, size=body.size, why="is too large to be shown")
    data = bytes(await body.as_bytes())  # where a memoryview was given there is one
    return Taken(data=data, content_type=content_type)


async def wait_for_body(response: ClientResponse) -> None:
    """Wait a moment for a small body that was announced; nothing is read."""
    length = response.content_length
    if length is not None and 0 < length <= LARGEST and not response.content.is_eof():
        try:
            async with asyncio.timeout(_PATIENCE):
                await response.content.wait_eof()
        except (TimeoutError, ClientError, OSError):
            return  # an error of the connection is raised where the body is read


def taken_from_response(response: ClientResponse) -> Taken:
    """Take a response's body, if it is there."""
    content, content_type = response.content, response.headers.get("Content-Type", "")
    if response.status == _SWITCHING:
        return Taken(content_type=response.headers.get("Upgrade", "another protocol"), why=_FROM_HERE)
    if content.is_eof() and not content.total_bytes:
        return EMPTY
    size = size_of_response(response)
    if size is not None and size > LARGEST:
        return Taken(content_type=content_type, size=size, why="is too large to be shown")
    # There is no public way to look at a stream's buffer. To read it and put it back would lose the borders of chunks.
    pieces = getattr(content, "_buffer", None)
    if not content.is_eof() or pieces is None:
        return Taken(content_type=content_type, size=size, why="is still on its way")
    return Taken(data=b"".join(pieces), content_type=content_type, charset=response.charset or "utf-8")


def shown(body: Taken, redactor: Redactor, limit: int) -> Body:
    """Return what is shown of a body: at most `limit` characters, without secrets."""
    if body is EMPTY:
        return NOTHING
    kind = one_line(redactor.inner(body.content_type.partition(";")[0].strip(), _LONGEST_TYPE))
    if body.data is None:
        return Body(note=_named(kind, body.size, body.why))
    text = _text(body.data, body.charset)
    if text is None:
        return Body(note=_named(kind, len(body.data), "is binary"))
    is_json = True
    try:
        redacted = redactor.json(text, limit)  # whatever its type: clients send it as a form
    except ValueError:
        is_json = False
        if kind.lower() == _FORM:
            redacted = redactor.form(text, limit).replace("&", "\n")
        else:
            redacted = redactor.text(text, limit)
    cut = redacted.endswith(CUT) and not text.endswith(CUT)
    note = f"cut, of {counted(len(body.data))}" if cut else ""
    return Body(text=visible(redacted.removesuffix(CUT) if cut else redacted), is_json=is_json, note=note)


def _text(data: bytes, charset: str) -> str | None:
    if charset.lower() not in _CHARSETS:
        return None
    try:
        text = data.decode(charset).replace("\r\n", "\n")
    except UnicodeDecodeError:
        return None
    return None if _BINARY.search(text) else text


def _named(kind: str, size: int | None, why: str) -> str:
    kind = kind or "a body of unknown type"
    if why == _FROM_HERE:
        return f"{kind} {why}"
    return f"{kind}, {counted(size)}: {why}" if size is not None else f"{kind}: {why}"
