"""Bodies of requests that are sent again: whole, by their SHA-256 at the server, or not at all."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import threading
import time
from typing import TYPE_CHECKING, Any

import aiofiles
import pytest
from aiohttp import ClientSession, FormData, MultipartWriter, StreamReader, web
from aiohttp.base_protocol import BaseProtocol

from aio_token import SignInRequired
from aio_token.events import ReplayImpossible
from aio_token.testing import FixedSource, ProtectedAPI, RecordingObserver, token
from tests.support.api import BEARER_1, BEARER_2, Accepting, answered, session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
    from aiohttp.typedefs import Handler

TEXT = "Grüße, " * 5_000
DATA = TEXT.encode()
LARGE = os.urandom(1 << 20) * 8
SOON = 30.0  # seconds


class Reading:
    """A fault that reads the whole body before the API sees the request, and notes its digest."""

    def __init__(self) -> None:
        self.digests: list[str] = []

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Read it."""
        digest = hashlib.sha256()
        async for piece in request.content.iter_any():
            digest.update(piece)
        self.digests.append(digest.hexdigest())
        return await handler(request)


@pytest.fixture
async def api() -> AsyncIterator[ProtectedAPI]:
    """Run an API that takes the second token of two; it refuses before it reads a body."""
    async with ProtectedAPI(Accepting("access-2")) as api:
        yield api


@pytest.fixture
def source() -> FixedSource:
    """Return a source that has a second token when the first is rejected."""
    return FixedSource(token("access-1"), token("access-2"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a large file."""
    (tmp_path / "large").write_bytes(LARGE)
    return tmp_path / "large"


def form(path: Path) -> FormData:
    """Return a form with a file in it."""
    data = FormData({"user": "ada"})
    data.add_field("file", path.open("rb"), filename="large")
    return data


def multipart(path: Path) -> MultipartWriter:
    """Return parts of several kinds."""
    parts = MultipartWriter("mixed")
    for part in (DATA, TEXT, io.BytesIO(DATA), path.open("rb")):
        parts.append(part)
    return parts


def midway(path: Path) -> io.BytesIO:
    """Return a file that has been read in part."""
    data = io.BytesIO(b"read already" + DATA)
    data.seek(12)
    return data


KINDS: dict[str, tuple[Callable[[Path], dict[str, Any]], bytes | None]] = {
    "nothing": (lambda _: {}, b""),
    "bytes": (lambda _: {"data": DATA}, DATA),
    "bytearray": (lambda _: {"data": bytearray(DATA)}, DATA),
    "str": (lambda _: {"data": TEXT}, DATA),
    "json": (lambda _: {"json": {"a": [1, None]}}, b'{"a": [1, null]}'),
    "a form": (lambda _: {"data": {"a": "b c"}}, b"a=b+c"),
    "a form with a file": (lambda path: {"data": form(path)}, None),
    "multipart": (lambda path: {"data": multipart(path)}, None),
    "BytesIO": (lambda _: {"data": io.BytesIO(DATA)}, DATA),
    "BytesIO, midway": (lambda path: {"data": midway(path)}, DATA),
    "StringIO": (lambda _: {"data": io.StringIO(TEXT)}, DATA),
    "a file": (lambda path: {"data": path.open("rb")}, LARGE),
    "an unbuffered file": (lambda path: {"data": path.open("rb", buffering=0)}, LARGE),
    "a file of text": (lambda path: {"data": path.open(encoding="latin-1", newline="")}, None),
    "bytes that wait for a 100": (lambda _: {"data": DATA, "expect100": True}, DATA),
    "gzip": (lambda _: {"data": DATA, "compress": "gzip"}, DATA),
    "a file, deflated": (lambda path: {"data": path.open("rb"), "compress": "deflate"}, LARGE),
    "a file in chunks": (lambda path: {"data": path.open("rb"), "chunked": True}, LARGE),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_body_is_sent_again_whole(api: ProtectedAPI, source: FixedSource, path: Path, kind: str) -> None:
    """Law B4: what arrives with the new token is byte for byte what was rejected."""
    options, expected = KINDS[kind]
    reading = Reading()
    api.inject(reading, times=1)
    async with asyncio.timeout(SOON), session(source, api.url) as client:
        digest = (await (await client.post(api.url, **options(path))).json())["sha256"]
    assert reading.digests == [digest]
    assert expected is None or digest == hashlib.sha256(expected).hexdigest()
    assert api.authorizations == [BEARER_1, BEARER_2]


@pytest.mark.parametrize("kind", ["a file", "an unbuffered file", "a file, deflated", "a file in chunks"])
async def test_a_file_refused_while_it_is_sent_is_sent_again_whole(
    api: ProtectedAPI, source: FixedSource, path: Path, kind: str
) -> None:
    """Law B4: the 401 comes while the upload is under way; it is stopped, and begins at its beginning."""
    options, expected = KINDS[kind]
    async with asyncio.timeout(SOON), session(source, api.url) as client:
        answer = await (await client.put(api.url, **options(path))).json()
    assert (answer["size"], answer["sha256"]) == (len(expected or b""), hashlib.sha256(expected or b"").hexdigest())
    assert api.authorizations == [BEARER_1, BEARER_2]


class Slow(io.FileIO):
    """A file, such as one on a network volume, of which the second read ends late, and the third only after it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.reads = 0
        self.is_rejected, self.is_read = threading.Event(), threading.Event()

    def read(self, size: int | None = -1, /) -> bytes:
        """Read, the second time well after the request was rejected."""
        self.reads += 1
        number = self.reads
        if number == 2:
            self.is_rejected.wait(SOON)
            time.sleep(0.3)
        elif number == 3:
            self.is_read.wait(SOON)
        piece = super().read(size)
        if number == 2:
            self.is_read.set()
        return piece


def file_in_a_form(file: Slow) -> FormData:
    """Return a form with this file in it."""
    data = FormData()
    data.add_field("file", file, filename="large")
    return data


@pytest.mark.parametrize("make", [lambda file: file, file_in_a_form])
@pytest.mark.parametrize("status", [401, 307])
async def test_a_read_that_is_under_way_ends_before_the_next_sending(
    source: FixedSource, path: Path, make: Callable[[Slow], Any], status: int
) -> None:
    """Law B4: a 401 in the middle of an upload stops the writer, and not the thread that reads for it.

    The same holds for a redirect, which aiohttp follows by itself.
    """
    digests: list[str] = []
    file = Slow(path)

    async def serve(request: web.BaseRequest) -> web.StreamResponse:
        if not file.is_rejected.is_set():
            file.is_rejected.set()
            return web.Response(status=status, headers={"Location": "/there"} if status == 307 else {})
        digest = hashlib.sha256()
        async for piece in request.content.iter_any():
            digest.update(piece)
        digests.append(digest.hexdigest())
        return web.Response()

    runner = web.ServerRunner(web.Server(serve))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = "http://127.0.0.1:{1}".format(*runner.addresses[0])
    try:
        async with asyncio.timeout(SOON), session(source, url) as client:
            assert (await answered(client.put(url, data=make(file)))).status == 200
    finally:
        file.close()
        await runner.cleanup()
    assert len(digests) == 1
    assert make is file_in_a_form or digests == [hashlib.sha256(LARGE).hexdigest()]


async def generator() -> AsyncIterator[bytes]:
    """Give pieces, once."""
    for _ in range(3):
        yield DATA


def stream() -> StreamReader:
    """Return a stream with all its data in it."""
    loop = asyncio.get_running_loop()
    reader = StreamReader(BaseProtocol(loop), 2**20, loop=loop)
    reader.feed_data(DATA * 3)
    reader.feed_eof()
    return reader


def parts() -> MultipartWriter:
    """Return a body with a part that can be read once."""
    writer = MultipartWriter("mixed")
    writer.append(TEXT)
    writer.append(generator())
    return writer


@pytest.mark.parametrize("make", [generator, stream, parts])
async def test_what_can_be_sent_once_is_sent_once(
    api: ProtectedAPI, source: FixedSource, make: Callable[[], object]
) -> None:
    """Law B4: the 401 is the caller's, as it came; an event says why, and the next request has the new token."""
    observer, reading = RecordingObserver(), Reading()
    api.inject(reading, times=1)
    async with session(source, api.url, observer=observer) as client:
        async with client.post(api.url, data=make()) as response:
            assert (response.status, await response.text()) == (401, "no. ")
        assert (await answered(client.get(api.url))).status == 200
    assert api.authorizations == [BEARER_1, BEARER_2]
    assert len(reading.digests) == 1
    assert [(event.origin, event.method) for event in observer.of(ReplayImpossible)] == [(api.url, "POST")]


async def test_a_file_of_aiofiles_is_sent_once(api: ProtectedAPI, source: FixedSource) -> None:
    """Law B4: to aiohttp it is something to iterate over."""
    api.inject(Reading(), times=1)
    async with aiofiles.open(__file__, "rb") as file, session(source, api.url) as client:
        assert (await answered(client.post(api.url, data=file))).status == 401
        assert (await answered(client.get(api.url))).status == 200
    assert api.authorizations == [BEARER_1, BEARER_2]


async def test_a_pipe_is_sent_once(api: ProtectedAPI, source: FixedSource) -> None:
    """Law B4: an open file may be one that cannot be wound back."""
    readable, writable = os.pipe()
    os.write(writable, DATA)
    os.close(writable)
    api.inject(Reading(), times=1)
    async with session(source, api.url) as client:
        with os.fdopen(readable, "rb") as file:
            assert (await answered(client.post(api.url, data=file))).status == 401
        assert (await answered(client.get(api.url))).status == 200
    assert api.authorizations == [BEARER_1, BEARER_2]


async def test_a_renewal_that_fails_leaves_such_a_request_its_401(api: ProtectedAPI) -> None:
    """Law B4: the 401 is the answer that there is; the next request raises what is wrong."""
    source = FixedSource(token("access-1"), SignInRequired("sign in"))
    api.inject(Reading(), times=1)
    async with session(source, api.url) as client:
        async with client.post(api.url, data=generator()) as response:
            assert (response.status, await response.text()) == (401, "no. ")
        with pytest.raises(SignInRequired):
            await client.get(api.url)


async def test_a_naive_middleware_sends_nothing_and_calls_it_a_success(api: ProtectedAPI) -> None:
    """Law B4: the check can fail; a generator sent again is zero bytes, status 200, and no error."""
    api.inject(Reading(), times=1)

    async def naive(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        request.headers["Authorization"] = BEARER_1
        await (await handler(request)).read()
        request.headers["Authorization"] = BEARER_2
        return await handler(request)

    async with ClientSession(middlewares=(naive,)) as client, client.post(api.url, data=generator()) as response:
        assert (response.status, (await response.json())["size"]) == (200, 0)


async def test_a_body_that_waits_to_be_asked_for_is_asked_for_again(source: FixedSource) -> None:
    """Law B4: a server says 401 in place of `100 Continue`; the second request waits for its own, and has its body."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if BEARER_2.encode() in head:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            heard.append(await reader.readexactly(len(DATA)))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        else:
            writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 100000\r\n\r\n")
        await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1")
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with asyncio.timeout(SOON), server, session(source, url) as client:
        assert (await answered(client.post(url, data=DATA, expect100=True))).status == 200
    assert heard == [DATA]


async def test_what_waits_to_be_asked_for_is_sent_again_though_it_can_be_sent_once(
    api: ProtectedAPI, source: FixedSource
) -> None:
    """Law B4: with `expect100` a 401 comes before the body, which is whole then."""
    async with asyncio.timeout(SOON), session(source, api.url) as client:
        answer = await (await client.put(api.url, data=generator(), expect100=True)).json()
    assert (answer["size"], answer["sha256"]) == (len(DATA) * 3, hashlib.sha256(DATA * 3).hexdigest())
    assert api.authorizations == [BEARER_1, BEARER_2]
