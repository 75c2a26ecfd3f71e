"""The body of an answer: what a server has said counts, however it goes on (laws D0, D1, D2)."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from aio_token import MemoryTokenStore, PublicClient, RefreshTokenGrant, ServerUnavailable, TokenEndpoint
from aio_token import TokenRepository as Repository
from aio_token.oauth import Request, Transport
from aio_token.oauth.body import BODY_CAP
from aio_token.oauth.sending import send
from tests.support.token_server import sends, token_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

SAID = {"access_token": "access-1", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "refresh-2"}
ANSWER = json.dumps(SAID).encode()
CUT = b'{"access_token": "access-1", "refresh_token": "refresh-2", "scope": "a'
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
GOES_ON = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"
HANGS, CLOSES, BREAKS, DRIPS = "hangs", "closes", "breaks", "drips"


def chunk(body: bytes) -> bytes:
    """Return a body's piece as HTTP has it."""
    return f"{len(body):x}\r\n".encode() + body + b"\r\n"


class Odd:
    """What tests see of a server that writes bytes, and ends in a way of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.presented: list[bytes] = []

    async def asked(self, *, within: float = 30.0) -> tuple[str | None, str | None]:
        """Return the tokens, access and refresh, that a repository has of it, the latter from its store."""
        endpoint = TokenEndpoint(f"{self.url}/token", PublicClient("app"), transport=Transport(timeout=within))
        store = MemoryTokenStore()
        async with Repository(RefreshTokenGrant(endpoint, first="refresh-1"), store, observer=None) as tokens:
            token = await tokens.token()
        kept = await store.load()
        return token.access_token, kept.refresh_token if kept is not None else None


@asynccontextmanager
async def odd_server(written: bytes, end: str) -> AsyncIterator[Odd]:
    """Write the same bytes to each connection, and then do as is said."""
    over = asyncio.Event()

    serving: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
            odd.presented.append(await reader.readexactly(length))
            writer.write(written)
            await writer.drain()
            if end == HANGS:
                await over.wait()
            while end == DRIPS and not over.is_set():
                writer.write(chunk(b" "))
                await asyncio.sleep(0.1)
            if end == BREAKS:
                await asyncio.sleep(0.05)  # so that it is read before the system tells of the reset
                writer.transport.abort()
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1")
    odd = Odd(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    try:
        yield odd
    finally:
        over.set()
        server.close()
        await asyncio.gather(*filter(None, serving), return_exceptions=True)


@pytest.mark.parametrize(
    ("written", "end"),
    [
        (GOES_ON + ANSWER, HANGS),
        (GOES_ON + ANSWER, CLOSES),
        (GOES_ON + ANSWER, BREAKS),
        (CHUNKED + chunk(ANSWER), HANGS),
        (CHUNKED + chunk(ANSWER), CLOSES),
        (CHUNKED + chunk(ANSWER[:40]) + chunk(ANSWER[40:]), BREAKS),
        (CHUNKED + chunk(gzip.compress(ANSWER)), HANGS),
        (CHUNKED + chunk(gzip.compress(ANSWER)), CLOSES),
        (b"HTTP/1.1 200 OK\r\n\r\n" + ANSWER, CLOSES),
        (b"HTTP/1.1 200 OK\r\n\r\n" + ANSWER, BREAKS),
    ],
)
async def test_an_answer_that_never_ends_is_taken_as_far_as_it_came(written: bytes, end: str) -> None:
    """Law D2: the server has rotated; presented once more, the refresh token before it would end the session."""
    async with odd_server(written, end) as odd:
        assert await odd.asked() == ("access-1", "refresh-2")
        assert len(odd.presented) == 1


@pytest.mark.parametrize("end", [HANGS, CLOSES, BREAKS])
async def test_a_whole_refresh_token_in_a_cut_answer_is_one(end: str) -> None:
    """Law D0: what is beside it may be cut off."""
    async with odd_server(CHUNKED + chunk(CUT), end) as odd:
        assert await odd.asked() == ("access-1", "refresh-2")
        assert len(odd.presented) == 1


@pytest.mark.parametrize(
    "body", [b"", b'{"access_token": "access-1", "refresh_token": "refre', b"<html>", b'{"a": "b"']
)
async def test_an_answer_that_breaks_off_before_that_is_none(body: bytes) -> None:
    """Law D7: one more try, then the outcome is unknown."""
    async with odd_server(CHUNKED + (chunk(body) if body else b""), CLOSES) as odd:
        with pytest.raises(
            ServerUnavailable, match="dropped the connection; whether it acted on the request is unknown"
        ):
            await odd.asked()
        assert len(odd.presented) == 2


async def test_an_answer_is_whole_though_blanks_follow_for_ever() -> None:
    """Law D2: a proxy may keep a connection alive so."""
    async with odd_server(CHUNKED + chunk(ANSWER), DRIPS) as odd:
        assert await odd.asked() == ("access-1", "refresh-2")


async def test_a_silence_before_anything_that_counts_is_waited_through() -> None:
    """Law D1: until the deadline, and not longer."""
    async with odd_server(CHUNKED + chunk(b'{"access_token": "acc'), HANGS) as odd:
        with pytest.raises(ServerUnavailable, match=r"did not answer within 1\.3 seconds"):
            await odd.asked(within=1.3)


def bare(body: bytes) -> bytes:
    """Compress without a header, as some servers understand `deflate`."""
    writer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return writer.compress(body) + writer.flush()


@pytest.mark.parametrize(
    ("said", "body"),
    [
        pytest.param("gzip", gzip.compress(ANSWER), id="gzip"),
        pytest.param(" GZip ", gzip.compress(ANSWER), id="gzip, oddly written"),
        pytest.param("identity", gzip.compress(ANSWER), id="gzip, not said"),
        pytest.param("gzip, gzip", gzip.compress(gzip.compress(ANSWER)), id="gzip, twice"),
        pytest.param("gzip", gzip.compress(ANSWER[:20]) + gzip.compress(ANSWER[20:]), id="gzip, two members"),
        pytest.param("gzip", gzip.compress(ANSWER)[:-3], id="gzip, cut"),
        pytest.param("gzip", gzip.compress(ANSWER)[:-8] + bytes(8), id="gzip, wrong checksum"),
        pytest.param("gzip", gzip.compress(ANSWER) + b"and more", id="gzip, and more"),
        pytest.param("gzip", ANSWER, id="gzip, not so"),
        pytest.param("deflate", zlib.compress(ANSWER), id="deflate"),
        pytest.param("deflate", bare(ANSWER), id="deflate, bare"),
        pytest.param("deflate", ANSWER, id="deflate, not so"),
        pytest.param("br", ANSWER, id="br, not so"),
    ],
)
async def test_the_text_itself_shows_how_it_is_compressed(said: str, body: bytes) -> None:
    """Law D0: headers lie, and a checksum is no reason to lose a session."""
    async with token_server(sends(body, headers={"Content-Encoding": said})) as server:
        reply = await send(Request(to="it", url=server.url), Transport())
    assert json.loads(reply.body) == SAID


@pytest.mark.parametrize("body", [b"\x1f\x8bno gzip", b"x\x9cno zlib", b"x^a form=1", b"\x1f\x8b", b"x"])
async def test_what_only_looks_compressed_is_left_alone(body: bytes) -> None:
    """Law D0: it may be a server's own way to say something."""
    async with token_server(sends(body, headers={"Content-Encoding": "gzip"})) as server:
        assert (await send(Request(to="it", url=server.url), Transport())).body == body


async def test_layers_of_compression_are_bounded() -> None:
    """Law D1: three are taken off, and a fourth is no one's."""
    layers = [ANSWER]
    for _ in range(4):
        layers.append(gzip.compress(layers[-1]))
    async with token_server(sends(layers[3]), sends(layers[4])) as server:
        replies = [await send(Request(to="it", url=server.url), Transport()) for _ in range(2)]
    assert [reply.body for reply in replies] == [layers[0], layers[1]]


@pytest.mark.parametrize(
    "layers",
    [[b"a" * 50_000_000], [b"a" * 50_000_000] * 2, [b"", *[b"{}"] * 20_000, ANSWER]],
    ids=["bomb", "two", "many"],
)
async def test_what_is_compressed_is_bounded(layers: Sequence[bytes]) -> None:
    """Law D1: the cap counts after decompression too, and as many members as one likes cost no more."""
    body = b"".join(gzip.compress(layer, mtime=0) for layer in layers)
    async with token_server(sends(body, headers={"Content-Encoding": "gzip"})) as server:
        reply = await send(Request(to="it", url=server.url), Transport())
    assert len(reply.body) <= BODY_CAP
    assert reply.body.startswith((b"aaaa", b"{}{}"))


@pytest.mark.parametrize(
    "before", [b")]}',\n", b"for(;;);", b"while(1);", b"callback(", b"[", b"\xef\xbb\xbf", b" \r\n"]
)
async def test_what_stands_before_an_object_does_no_harm(before: bytes) -> None:
    """Law D0: some servers guard their JSON against its use by other sites; a list or a call is no other matter."""
    async with odd_server(b"HTTP/1.1 200 OK\r\n\r\n" + before + ANSWER, CLOSES) as odd:
        assert await odd.asked() == ("access-1", "refresh-2")


@pytest.mark.parametrize("times", [1, 2])
async def test_an_object_that_was_written_twice(times: int) -> None:
    """Law D0: a handler that writes as JSON what is JSON already sends it as a text; one within another is none."""
    body = ANSWER.decode()
    for _ in range(times):
        body = json.dumps(body)
    async with odd_server(b"HTTP/1.1 200 OK\r\n\r\n" + body.encode(), CLOSES) as odd:
        if times == 1:
            assert await odd.asked() == ("access-1", "refresh-2")
        else:
            with pytest.raises(ServerUnavailable, match="200 without a token"):
                await odd.asked()


async def test_a_page_with_an_object_in_it_is_a_page() -> None:
    """Law D1: what a script in it says is not an answer."""
    async with odd_server(b"HTTP/1.1 200 OK\r\n\r\n<script>x=" + ANSWER, CLOSES) as odd:
        with pytest.raises(ServerUnavailable, match="200 without a token"):
            await odd.asked()
