"""The pretty log: what it shows of real exchanges, and what it leaves alone."""

from __future__ import annotations

import asyncio
import gzip
import io
import logging
import shlex
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import BytesIOPayload, ClientError, ClientSession, FormData, web
from aiohttp.test_utils import TestServer

from aio_token import BearerMiddleware
from aio_token.observe import RequestLog
from aio_token.testing import FixedSource, ManualClock, ProtectedAPI, token
from tests.support.api import Accepting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

CANARY = "canary-7f3a"


class Terminal(io.StringIO):
    """A file that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a terminal of known width, without colours unless a test wants them."""
    for name, value in {"TERM": "xterm-256color", "COLUMNS": "100", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    for name in ("FORCE_COLOR", "COLORTERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)


class Site:
    """A server with a page for each kind of body; `release` lets the slow ones go on, `statuses` come in turn."""

    def __init__(self) -> None:
        self.release = asyncio.Event()
        self.statuses: list[int] = []

    def application(self) -> web.Application:
        """Return the pages."""
        application = web.Application()
        for path in ("json", "binary", "large", "pieces", "slow", "gzip", "odd", "echo", "status", "drop", "hostile"):
            application.router.add_route("*", f"/{path}", getattr(self, f"_{path}"))
        application.router.add_route("*", "/redirect", self._redirect)
        application.router.add_get("/far", self._far)
        application.router.add_get("/ws", self._websocket)
        return application

    async def _json(self, _: web.Request) -> web.Response:
        return web.json_response({"id": 7, "access_token": CANARY})

    async def _binary(self, _: web.Request) -> web.Response:
        return web.Response(body=b"\x89PNG\0\1", content_type="image/png")

    async def _large(self, _: web.Request) -> web.Response:
        return web.Response(text="x" * 100_000)

    async def _pieces(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: one\n")
        await self.release.wait()
        await response.write(b"data: two\n")
        return response

    async def _slow(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "6", "Content-Type": "text/plain"})
        await response.prepare(request)
        await response.write(b"abc")
        await self.release.wait()
        if "cut" not in request.query:
            await response.write(b"def")
        elif request.transport is not None:
            request.transport.abort()
        return response

    async def _gzip(self, _: web.Request) -> web.Response:
        size = 12 if "small" in _.query else 5_000_000
        packed = gzip.compress(b"[" + b" " * size + b"1]")
        return web.Response(body=packed, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})

    async def _odd(self, _: web.Request) -> web.Response:
        return web.Response(body="grüße".encode("latin-1"), headers={"Content-Type": "text/plain; charset=x-unknown"})

    async def _echo(self, request: web.Request) -> web.Response:
        text = f"{request.url} {dict(request.headers)} {await request.text()}"
        return web.Response(text=text, headers={"X-Echo": request.headers.get("X-Say", "")})

    async def _status(self, _: web.Request) -> web.Response:
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    async def _drop(self, request: web.Request) -> web.Response:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    async def _hostile(self, _: web.Request) -> web.Response:
        return web.Response(text="\x1b[2Jcleared\u202e", reason="OK\tall is well", headers={"X-\x41": "\x9b31m"})

    async def _redirect(self, request: web.Request) -> web.Response:
        return web.Response(status=int(request.query.get("by", "302")), headers={"Location": request.query["to"]})

    async def _far(self, request: web.Request) -> web.Response:
        far = "/status#" + "a" * 9_000
        return web.Response(status=302, headers={"Location": far, "X-Long": "password=1 " * 1_000})

    async def _websocket(self, request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse()
        await websocket.prepare(request)
        await websocket.send_str("hello")
        return websocket


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """Make the pages; nothing of them hangs after the test."""
    yield (site := Site())
    site.release.set()


@asynccontextmanager
async def client(site: Site, *middlewares: object, **options: object) -> AsyncIterator[ClientSession]:
    """Return a session that begins at the site."""
    async with (
        TestServer(site.application()) as server,
        ClientSession(server.make_url("/"), middlewares=middlewares, **options) as session,  # type: ignore[arg-type]
    ):
        yield session


def framed(**options: object) -> tuple[RequestLog, Terminal]:
    """Return a log for a terminal, and the terminal."""
    terminal = Terminal()
    return RequestLog(file=terminal, **options), terminal  # type: ignore[arg-type]


def plain(*hosts: str, **options: object) -> tuple[RequestLog, io.StringIO]:
    """Return a log for a file, and the file."""
    file = io.StringIO()
    return RequestLog(*hosts, file=file, clock=ManualClock(), **options), file  # type: ignore[arg-type]


def lines(file: io.StringIO) -> list[str]:
    """Return what was printed."""
    return file.getvalue().splitlines()


async def test_an_exchange_is_two_frames(site: Site) -> None:
    """Method, address, status, time, sizes, headers and indented JSON are there, and the secrets are not."""
    log, terminal = framed()
    async with client(site, log) as session, session.post("/json?page=2&api_key=canary-q", json={"a": [1]}) as response:
        assert await response.json() == {"id": 7, "access_token": CANARY}
    shown = terminal.getvalue()
    for part in (
        "#1 → POST",
        "/json?page=2&api_key=***",
        '"a": [',
        "#1 ← 200 OK POST",
        '"id": 7,',
        '"access_token": "***"',
    ):
        assert part in shown
    assert "10 bytes" in shown
    assert "Content-Type" in shown
    assert " ms · 40 bytes" in shown
    assert "canary" not in shown
    assert "\x1b" not in shown


async def test_colours_are_for_those_who_want_them(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR no escape sequence is written; without it, frames and JSON are in colour."""
    monkeypatch.delenv("NO_COLOR")
    log, terminal = framed()
    async with client(site, log) as session, session.get("/json"):
        pass
    assert "\x1b[1;32m200 OK" in terminal.getvalue()


async def test_a_file_gets_a_line_an_exchange(site: Site) -> None:
    """Where no person looks, each exchange is one line without colours, headers and bodies."""
    log, file = plain()
    async with client(site, log) as session, session.post("/json?token=canary", data=b"abc") as response:
        address = str(response.url.origin())
    received = "40 bytes of application/json; charset=utf-8"
    assert lines(file) == [f"#1 POST {address}/json?token=*** 200 OK in 0 ms, sent 3 bytes, received {received}"]


async def test_standard_error_is_the_default(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a file, lines go to standard error as it is then."""
    async with client(site, RequestLog()) as session, session.get("/status"):
        pass
    assert capsys.readouterr().err.startswith("#1 GET http://127.0.0.1:")


async def test_a_dumb_terminal_gets_lines(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """TERM=dumb is a terminal that draws no frames."""
    monkeypatch.setenv("TERM", "dumb")
    log, terminal = framed()
    async with client(site, log) as session, session.get("/status"):
        pass
    assert len(lines(terminal)) == 1


@pytest.mark.parametrize("path", ["/json", "/binary", "/large", "/gzip?small", "/gzip", "/odd"])
@pytest.mark.parametrize("way", ["read", "chunks", "any"])
async def test_no_body_is_taken_from_the_caller(site: Site, path: str, way: str) -> None:
    """However a caller reads, it gets every byte that it would get without a log."""

    async def read(session: ClientSession) -> bytes:
        async with session.get(path) as response:
            if way == "read":
                return await response.read()
            if way == "chunks":
                return b"".join([piece async for piece, _ in response.content.iter_chunks()])
            return b"".join([piece async for piece in response.content.iter_any()])

    log, _ = framed()
    async with client(site, log) as logged, client(site) as bare:
        assert await read(logged) == await read(bare)


@pytest.mark.parametrize(
    ("path", "note"),
    [
        ("/binary", "image/png, 6 bytes: is binary"),
        ("/large", "text/plain, 100,000 bytes: is too large to be shown"),
        ("/gzip", "application/json, 4,8"),
        ("/odd", "text/plain, 5 bytes: is binary"),
    ],
)
async def test_what_is_not_shown_is_named(site: Site, path: str, note: str) -> None:
    """Binary, large, heavily compressed and unreadable bodies are named by type and size."""
    log, terminal = framed()
    async with client(site, log) as session, session.get(path):
        assert note in terminal.getvalue()


async def test_a_stream_is_handed_over_at_once(site: Site) -> None:
    """A body of unknown length is named and not waited for."""
    log, terminal = framed()
    async with client(site, log) as session, session.get("/pieces") as response:
        assert "text/event-stream: is still on its way" in terminal.getvalue()
        site.release.set()
        assert await response.text() == "data: one\ndata: two\n"


async def test_a_slow_body_is_waited_for_a_moment_only(site: Site) -> None:
    """An announced body that does not come is named, and the caller reads it when it comes."""
    log, terminal = framed()
    async with client(site, log) as session, session.get("/slow") as response:
        assert "text/plain, 6 bytes: is still on its way" in terminal.getvalue()
        site.release.set()
        assert await response.text() == "abcdef"


async def test_a_body_that_breaks_off_is_the_caller_s_business(site: Site) -> None:
    """The error is raised where the body is read, not in the log."""
    log, terminal = framed()
    site.release.set()
    async with client(site, log) as session, session.get("/slow?cut") as response:
        assert "is still on its way" in terminal.getvalue()
        with pytest.raises(ClientError):
            await response.read()


async def test_cancelled_while_it_looks_it_leaves_nothing_open(site: Site) -> None:
    """The caller never sees the response, so the log closes it."""
    log, _ = framed()
    async with client(site, log) as session:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1), session.get("/slow"):
                pass
        assert session.connector is not None
        assert not session.connector._acquired


async def test_a_websocket_is_named(site: Site) -> None:
    """After the handshake nothing more is looked at."""
    log, terminal = framed()
    async with client(site, log) as session, session.ws_connect("/ws") as websocket:
        assert await websocket.receive_str() == "hello"
    assert "#1 ← 101 Switching Protocols GET" in terminal.getvalue()
    assert "websocket from here on" in terminal.getvalue()


async def generated() -> AsyncIterator[bytes]:
    """Give a body once."""
    yield b"once"


def form() -> FormData:
    """Return a form."""
    data = FormData()
    data.add_field("user", "ada lovelace")
    data.add_field("password", CANARY)
    return data


@pytest.mark.parametrize(
    ("data", "note"),
    [
        (lambda: b"plain words", "plain words"),
        (lambda: memoryview(b"a view"), "a view"),
        (lambda: "a text", "a text"),
        (form, "user=ada+lovelace"),
        (lambda: b"\0\1", "application/octet-stream, 2 bytes: is binary"),
        (lambda: b"x" * 70_000, "application/octet-stream, 70,000 bytes: is too large to be shown"),
        (generated, "application/octet-stream: is made while it is sent"),
        (lambda: io.BytesIO(b"a file"), "application/octet-stream, 6 bytes: is made while it is sent"),
        (lambda: BytesIOPayload(io.BytesIO(b"x"), content_type=""), "is made while it is sent"),
    ],
)
async def test_a_request_s_body_is_shown_if_it_lies_in_memory(site: Site, data: object, note: str) -> None:
    """bytes, text and forms are shown; files and generators are named, and arrive whole."""
    log, terminal = framed()
    async with client(site, log) as session, session.post("/echo", data=data()) as response:  # type: ignore[operator]
        assert response.status == 200
    assert note in terminal.getvalue()
    assert "canary" not in terminal.getvalue()


async def test_a_long_body_is_cut(site: Site) -> None:
    """What is over the limit is not shown, and the size of it all is told."""
    log, terminal = framed(body_limit=5)
    async with client(site, log) as session, session.post("/status", data="0123456789"):
        pass
    assert "01234 " in terminal.getvalue()
    assert "cut, of 10 bytes" in terminal.getvalue()


async def test_headers_and_bodies_can_be_left_out(site: Site) -> None:
    """A frame may hold the address alone."""
    log, terminal = framed(headers=False, bodies=False)
    async with client(site, log) as session, session.post("/json", json={"a": 1}):
        pass
    assert "Content-Type" not in terminal.getvalue()
    assert '"' not in terminal.getvalue()


async def test_a_renewal_s_retry_is_a_chain() -> None:
    """Placed last, the log shows the rejected request and the one that follows, each with its token's fingerprint."""
    log, file = plain()
    good = Accepting("access-2")
    source = FixedSource(token("access-1"), token("access-2"))
    async with (
        ProtectedAPI(good) as api,
        ClientSession(middlewares=(BearerMiddleware(source, api.url), log)) as session,
        session.get(f"{api.url}/me") as response,
    ):
        assert response.status == 200
    first, second = lines(file)
    assert first.startswith(f"#1 GET {api.url}/me 401 Unauthorized in 0 ms")
    assert second.startswith(f"#1.2 GET {api.url}/me 200 OK in 0 ms")
    assert second.endswith("(again after 401)")


async def test_redirects_are_a_chain(site: Site) -> None:
    """Each hop is shown with what led to it, and the next request begins a chain of its own."""
    log, file = plain()
    async with client(site, log) as session:
        async with session.get("/redirect?by=307&to=/redirect?to=/status%23part"):
            pass
        async with session.get("/status"):
            pass
    assert [line.split()[0] for line in lines(file)] == ["#1", "#1.2", "#1.3", "#2"]
    assert lines(file)[1].endswith("(redirected by 307)")
    assert lines(file)[2].endswith("(redirected by 302)")


async def test_a_redirect_to_nowhere_is_the_caller_s_error(site: Site) -> None:
    """An address that is none ends the chain."""
    log, file = plain()
    async with client(site, log) as session:
        with pytest.raises(ClientError):
            await session.get("/redirect?to=http://[")
        async with session.get("/status"):
            pass
    assert [line.split()[0] for line in lines(file)] == ["#1", "#2"]


async def test_an_address_that_is_too_long_is_not_read(site: Site) -> None:
    """Law H1: aiohttp takes longer lines if it is told to; the chain ends there."""
    log, file = plain()
    async with client(site, log, max_line_size=20_000, max_field_size=20_000) as session, session.get("/far"):
        pass
    assert [line.split()[0] for line in lines(file)] == ["#1", "#2"]


async def test_failures_are_shown_and_raised(site: Site) -> None:
    """A second attempt of aiohttp's on a connection that dropped belongs to the first."""
    log, terminal = framed()
    async with client(site, log) as session:
        async with session.get("/status"):
            pass
        with pytest.raises(ClientError):
            await session.get("/drop")
    shown = terminal.getvalue()
    assert "#2 ✗ failed GET" in shown
    assert "ServerDisconnectedError: Server disconnected" in shown
    assert "#2.2 → GET" in shown
    assert "again after ServerDisconnectedError" in shown


async def test_a_cancelled_request_is_said_to_be_cancelled(site: Site) -> None:
    """The reader need not know that aiohttp's timeouts are cancellations."""
    log, file = plain()
    async with client(site, log) as session:
        task = asyncio.create_task(session.get("/pieces"))
        hung = asyncio.create_task(_hang(log, session))
        await asyncio.wait([task])
        hung.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hung
        (await task).close()
    assert lines(file)[-1].endswith("failed after 0 ms: cancelled")


async def _hang(log: RequestLog, session: ClientSession) -> None:
    async def hang(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        await asyncio.Event().wait()
        return await handler(request)

    await session.get("/status", middlewares=(log, hang))


async def test_a_middleware_that_retries_makes_a_chain(site: Site) -> None:
    """The very same request sent again is the next of its chain."""

    async def retry(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        while (response := await handler(request)).status == 503:
            response.close()
        return response

    log, file = plain()
    site.statuses = [503, 503]
    async with client(site, retry, log) as session, session.get("/status"):
        pass
    assert [line.split()[0] for line in lines(file)] == ["#1", "#1.2", "#1.3"]
    assert lines(file)[2].endswith("(again after 503)")


async def test_hosts_statuses_and_a_predicate_choose(site: Site) -> None:
    """What is not wanted is not shown; a status is known only with its response, which brings its request along."""
    other, other_file = plain("*.example")
    wanted, wanted_file = plain("127.*", statuses=range(400, 600), when=lambda request: "no" not in request.url.query)
    deferred, terminal = framed(statuses={503})
    site.statuses = [200, 503, 503]
    async with client(site, other, wanted, deferred) as session:
        for path in ("/status", "/status", "/status?no"):
            async with session.get(path):
                pass
    assert lines(other_file) == []
    assert [line.split()[3] for line in lines(wanted_file)] == ["503"]
    assert "#1 " not in terminal.getvalue()
    assert terminal.getvalue().index("#2 → GET") < terminal.getvalue().index("#2 ← 503")


async def test_a_request_whose_status_is_not_wanted_is_not_shown(site: Site) -> None:
    """Law G4: where the status decides, a request is looked at with its response, and not before."""
    log, file = plain(statuses={503})
    site.statuses = [200, 503]
    async with client(site, log) as session:
        for _ in range(2):
            async with session.post("/status", data=b"a" * 60_000, headers={"X-Say": "password=1 " * 100}):
                pass
    assert [line.split()[0] for line in lines(file)] == ["#2"]


async def test_only_what_is_named_is_shown(site: Site) -> None:
    """Law G4: an allow-list hides all other values."""
    log, terminal = framed(show_only=["id", "content-type"])
    async with client(site, log) as session, session.post("/json?page=canary", json={"a": "canary", "id": 5}):
        pass
    shown = terminal.getvalue()
    for part in ('"a": "***"', '"id": 5', '"id": 7', "application/json", "page=***"):
        assert part in shown
    assert "canary" not in shown


async def test_a_command_line_is_printed_on_demand(site: Site) -> None:
    """It is one line that a shell understands, and what is secret in it has to be filled in."""
    log, file = plain(curl=True)
    async with client(site, log) as session:
        for data in (b"it's", b'{"a": 1, "password": "canary"}', generated(), form(), None):
            async with session.post("/echo", data=data, headers={"Authorization": "Bearer canary-7f3a"}):
                pass
    commands = [line for line in lines(file) if " curl " in line]
    words = [shlex.split(command) for command in commands]
    assert all(word[1:5] == ["curl", "--globoff", "-X", "POST"] for word in words)
    assert words[0][-2:] == ["--data-raw", "it's"]
    assert '$\'{\\n  "a": 1,\\n  "password": "***"\\n}\'' in commands[1]
    assert words[2][-2:] == ["--data-binary", "@body"]
    assert words[3][-1] == "user=ada+lovelace&password=***"
    assert "--data" not in commands[4]
    assert "canary" not in file.getvalue()


async def test_json_that_is_sent_as_a_form(site: Site) -> None:
    """Law G4: it is read as what it is, and an `&` in a secret does not make two of it."""
    log, file = plain(curl=True)
    async with client(site, log) as session:
        form_type = {"Content-Type": "application/x-www-form-urlencoded"}
        async with session.post("/echo", data=b'{"password": "a&canary"}', headers=form_type):
            pass
    assert '$\'{\\n  "password": "***"\\n}\'' in file.getvalue()
    assert "canary" not in file.getvalue()


async def test_a_command_line_stands_under_its_frame_unbroken(site: Site) -> None:
    """It can be copied from a terminal as it is."""
    log, terminal = framed(curl=True)
    async with client(site, log) as session, session.get("/status?" + "x" * 200):
        pass
    assert any(line.startswith("curl ") and "x" * 200 in line for line in lines(terminal))


async def test_a_server_that_repeats_everything_gives_no_secret_away(site: Site) -> None:
    """Law G1: what was hidden in the request is hidden in whatever comes back, on a terminal and in a file."""
    for log, file in (framed(curl=True), plain(curl=True)):
        secrets = {
            "Authorization": "Bearer canary-a",
            "Cookie": "id=canary-c",
            "X-Api-Key": "canary-k",
            "X-Say": "canary-a",
        }
        data = {"password": "canary-p", "note": "fine"}
        async with client(site, log) as session:
            async with session.post("/echo?sig=canary-s", json=data, headers=secrets) as response:
                assert "canary-p" in await response.text()
            async with session.post("http://ada:canary-u@" + str(response.url).partition("//")[2], data=data):
                pass
        assert "canary" not in file.getvalue()


async def test_secrets_can_be_shown(site: Site) -> None:
    """Who says so sees everything."""
    log, terminal = framed(show_secrets=True)
    async with client(site, log) as session, session.get("/json?token=canary-q"):
        pass
    assert CANARY in terminal.getvalue()
    assert "canary-q" in terminal.getvalue()


async def test_a_server_cannot_move_the_cursor(site: Site) -> None:
    """Escape sequences and direction marks are written out."""
    for log, file in (framed(), plain()):
        async with client(site, log) as session, session.get("/hostile"):
            pass
        assert not {"\x1b", "\x9b", "\u202e"} & set(file.getvalue())


async def test_a_file_that_lacks_a_letter_loses_no_line(site: Site) -> None:
    """What its encoding has no letter for is written by its number."""
    written = io.BytesIO()
    with io.TextIOWrapper(written, encoding="ascii") as file:
        log = RequestLog(file=file, pretty=False, curl=True)
        async with client(site, log) as session, session.post("/json", headers={"X-Place": "Malmö 東京"}) as response:
            assert response.status == 200
        assert rb"Malm\xf6 \u6771\u4eac" in written.getvalue()


class Broken(Terminal):
    """A terminal that is gone."""

    def write(self, text: str) -> int:
        """Fail, with a text that must not be repeated."""
        raise OSError(f"canary {len(text)}")  # noqa: EM102, TRY003


async def test_a_log_that_fails_harms_no_request(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a broken terminal nor a broken predicate reaches the caller; a warning names the kind of error."""
    caplog.set_level(logging.WARNING, "aio_token")
    for log in (
        RequestLog(file=Broken()),
        RequestLog(file=Broken(), pretty=False),
        RequestLog(file=io.StringIO(), when=lambda _: bool(1 // 0)),
    ):
        async with client(site, log) as session, session.get("/json") as response:
            assert (await response.json())["id"] == 7
    messages = [record.getMessage() for record in caplog.records]
    assert messages[0] == "a request could not be shown (OSError)"
    assert messages[-1] == "a request could not be shown (ZeroDivisionError)"


def test_without_rich_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames need an extra; plain lines do not."""
    monkeypatch.setitem(sys.modules, "rich.console", None)
    monkeypatch.delitem(sys.modules, "aio_token.observe.request_log.pretty", raising=False)
    with pytest.raises(ModuleNotFoundError, match=r"pip install aio_token\[pretty\]"):
        RequestLog(pretty=True)
    RequestLog(pretty=False)
