"""Looks at bodies without touching them: the caller reads every byte, as if nobody had looked.

A request's body is shown if it lies in memory. A response's is shown if all of it lies in the stream's buffer already
or is about to; it stays there. Streams, WebSockets, and whatever is large, compressed beyond measure or still on its
way are named by type and size.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import ClientError
from aiohttp.payload import BytesPayload

from aio_token.observe.request_log.exchange import NOTHING, Body, counted, one_line, visible

if TYPE_CHECKING:
    from aiohttp import ClientRequest, ClientResponse

    from aio_token.observe.request_log.redaction import Redactor

LARGEST = 65_536  # bytes; aiohttp stops reading from the socket beyond its own buffer, which is larger
_PATIENCE = 0.25  # seconds for a small body that was announced, and is on its way
_SWITCHING = 101
_FORM = "application/x-www-form-urlencoded"


def size_of_request(request: ClientRequest) -> int | None:
    """Return the body's size in bytes, None if nobody knows it before it is sent."""
    return request.body.size if request.body else 0


def size_of_response(response: ClientResponse) -> int | None:
    """Return the body's size in bytes, None while nobody knows it."""
    return response.content.total_bytes if response.content.is_eof() else response.content_length


async def body_of_request(request: ClientRequest, redactor: Redactor, limit: int) -> Body:
    """Show a request's body."""
    body = request.body
    if not body:
        return NOTHING
    content_type = request.headers.get("Content-Type", "")
    if not isinstance(body, BytesPayload):
        return Body(note=_named(content_type or type(body).__name__, body.size, "is made while it is sent"))
    if body.size is not None and body.size > LARGEST:
        return Body(note=_named(content_type, body.size, "is too large to be shown"))
    data = bytes(await body.as_bytes())  # whoever gave a memoryview gets one
    return _shown(data, content_type, "utf-8", redactor, limit)


async def wait_for_body(response: ClientResponse) -> None:
    """Wait a moment for a small body that was announced; nothing is read."""
    length = response.content_length
    if length is not None and 0 < length <= LARGEST and not response.content.is_eof():
        try:
            async with asyncio.timeout(_PATIENCE):
                await response.content.wait_eof()
        except (TimeoutError, ClientError, OSError):
            return  # an error of the connection's is told to whoever reads the body


def body_of_response(response: ClientResponse, redactor: Redactor, limit: int) -> Body:
    """Show a response's body, if it is there."""
    content, content_type = response.content, response.headers.get("Content-Type", "")
    if response.status == _SWITCHING:
        return Body(note=f"{response.headers.get('Upgrade', 'another protocol')} from here on")
    if content.is_eof() and not content.total_bytes:
        return NOTHING
    size = size_of_response(response)
    if size is not None and size > LARGEST:
        return Body(note=_named(content_type, size, "is too large to be shown"))
    # There is no public way to look at a stream's buffer. To read it and put it back would lose the borders of chunks.
    pieces = getattr(content, "_buffer", None)
    if not content.is_eof() or pieces is None:
        return Body(note=_named(content_type, size, "is still on its way"))
    return _shown(b"".join(pieces), content_type, response.charset or "utf-8", redactor, limit)


def _shown(data: bytes, content_type: str, charset: str, redactor: Redactor, limit: int) -> Body:
    text, is_json = _text(data, charset), False
    if text is None:
        return Body(note=_named(content_type, len(data), "is binary"))
    if content_type.lower().startswith(_FORM):
        text = redactor.form(text).replace("&", "\n")
    else:
        try:
            text, is_json = redactor.json(text), True
        except ValueError:
            text = redactor.text(text)
    text = visible(text)
    note = f"cut, {len(text) - limit:,} characters more" if len(text) > limit else ""
    return Body(text=text[:limit], is_json=is_json, note=note)


def _text(data: bytes, charset: str) -> str | None:
    try:
        text = data.decode(charset).replace("\r\n", "\n")
    except (LookupError, UnicodeDecodeError):
        return None
    return None if any(letter < " " and letter not in "\t\n\r\f\x1b" for letter in text) else text


def _named(content_type: str, size: int | None, why: str) -> str:
    kind = one_line(content_type.partition(";")[0].strip()) or "a body of unknown type"
    return f"{kind}, {counted(size)}: {why}" if size is not None else f"{kind}: {why}"
