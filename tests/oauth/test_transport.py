"""One request, carried: how it leaves, attempts, deadline, cap, TLS, proxies, and errors of the library's own."""

from __future__ import annotations

import asyncio
import copy
import gzip
import socket
import subprocess
import sys
import tracemalloc
import zlib
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import aiohttp.abc
import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port

import aio_token
from aio_token import ConfigurationError, ServerUnavailable
from aio_token.oauth.body import BODY_CAP
from aio_token.oauth.form import Request
from aio_token.oauth.sending import send
from aio_token.oauth.transport import Transport
from tests.support.certificates import loopback_contexts
from tests.support.exposure import exposure
from tests.support.token_server import drops, sends, token_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_token import TokenError

CANARY = "canary-5ecret"
BROWSER_LIKE = {"Authorization": f"Basic {CANARY}", "Content-Type": "application/x-www-form-urlencoded"}


def request(url: str, **changes: Any) -> Request:
    """Make a request that is full of secrets."""
    return Request(**{"to": "the server", "url": url, "headers": BROWSER_LIKE, "body": f"token={CANARY}", **changes})


async def refused(url: str, kind: type[TokenError], match: str, **reached: Any) -> TokenError:
    """Send, and return the error, which shows no secret."""
    with pytest.raises(kind, match=match) as caught:
        await send(request(url), Transport(**reached))
    assert CANARY not in exposure(caught.value)
    return caught.value


@asynccontextmanager
async def raw_server(*answers: bytes, late: bool = False) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Write these bytes to one connection after the other and hang up; after the last one, be gone.

    A `late` server has its port, and refuses connections for a moment.
    """
    received: list[bytes] = []
    left = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(left.pop(0))
        if not left:
            server.close()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", start_serving=not late)
    starting = asyncio.get_running_loop().call_later(0.05, lambda: asyncio.ensure_future(server.start_serving()))
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", received
    finally:
        starting.cancel()
        server.close()


async def test_an_answer_is_returned_as_it_came() -> None:
    """Law D1: status, headers and body, a redirect included, which is not followed."""
    async with token_server(sends(b"moved", status=307, headers={"Location": "/other", "X-A": "b"})) as server:
        reply = await send(request(f"{server.url}/token"), Transport())
    assert (reply.status, reply.body, reply.headers["x-a"]) == (307, b"moved", "b")
    assert repr(reply) == "<Reply 307 of 5 bytes>"
    assert [(sent.method, sent.path, sent.form) for sent in server.received] == [("POST", "/token", {"token": CANARY})]
    assert server.received[0].headers["Authorization"] == f"Basic {CANARY}"


async def test_a_request_takes_and_leaves_no_cookie() -> None:
    """Law D1: each request has a session of its own."""
    async with token_server(sends(headers={"Set-Cookie": "a=b; Path=/"})) as server:
        for _ in range(2):
            await send(request(server.url), Transport())
    assert not any("Cookie" in sent.headers for sent in server.received)


async def test_a_refused_connection_is_tried_again_and_reported() -> None:
    """Law D7: nothing was sent, so a few attempts are free; then the server is to be tried later."""
    url = f"http://127.0.0.1:{unused_port()}"
    error = await refused(url, ServerUnavailable, "^the server cannot be reached: it refuses")
    assert isinstance(error.__cause__, ConnectionRefusedError)


async def test_what_else_keeps_a_server_from_being_reached_is_said_as_the_system_does(tmp_path: Path) -> None:
    """Law D6: such as a socket that is not there."""
    way = partial(aiohttp.UnixConnector, str(tmp_path / "missing"))
    error = await refused("http://127.0.0.1/token", ServerUnavailable, "No such file or directory; try", connector=way)
    assert isinstance(error.__cause__, FileNotFoundError)


async def test_a_server_that_starts_late_is_waited_for() -> None:
    """Law D7: a connection refused first and accepted then is no error."""
    async with raw_server(b"HTTP/1.1 204 No Content\r\n\r\n", late=True) as (url, _):
        assert (await send(request(url), Transport())).status == 204


async def test_a_dropped_connection_is_tried_once_more() -> None:
    """Law D7: once the request was sent, there is one immediate repetition, with the same body."""
    async with token_server(drops, sends(b"{}")) as server:
        reply = await send(request(server.url), Transport())
    assert reply.body == b"{}"
    assert [sent.form for sent in server.received] == [{"token": CANARY}] * 2


async def test_a_connection_dropped_twice_leaves_the_outcome_unknown() -> None:
    """Laws D7 and D10: after the one repetition it stops, says so, and no error of aiohttp leaves."""
    async with token_server(drops) as server:
        error = await refused(server.url, ServerUnavailable, "whether it acted on the request is unknown")
    assert len(server.received) == 2
    assert not isinstance(error, aiohttp.ClientError)


async def test_an_answer_cut_short_is_tried_once_more() -> None:
    """Law D7: a connection lost in the middle of the answer is a lost connection."""
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"
    async with raw_server(cut, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as (url, received):
        assert (await send(request(url), Transport())).body == b"{}"
        assert len(received) == 2
    async with raw_server(cut, cut, cut) as (url, received):
        await refused(url, ServerUnavailable, "dropped the connection; whether it acted on the request is unknown")
        assert len(received) == 2


async def test_a_lost_answer_stays_unknown_when_the_server_is_gone_then() -> None:
    """Law D7: a refusal to connect after a lost answer does not tell what became of the first request."""
    async with raw_server(b"") as (url, received):
        await refused(url, ServerUnavailable, "cannot be reached: .*; whether it acted on the request is unknown")
    assert len(received) == 1


async def test_a_timeout_is_not_tried_again() -> None:
    """Law D7: the deadline spans everything, and a server that is slow is not asked twice."""
    go = asyncio.Event()

    async def waits(_request: web.Request) -> web.StreamResponse:
        await go.wait()
        return web.Response()

    async with token_server(waits) as server:
        seconds, said = 0.1, ""
        while not server.received:  # a loaded machine needs longer to send it
            seconds *= 2
            with pytest.raises(ServerUnavailable) as caught:
                await send(request(server.url), Transport(timeout=seconds))
            said = str(caught.value)
        go.set()
    assert f"did not answer within {seconds} seconds; whether it acted" in said
    assert len(server.received) == 1


async def test_the_deadline_bounds_the_attempts_to_connect() -> None:
    """Law C4: pauses between attempts count."""
    await refused(f"http://127.0.0.1:{unused_port()}", ServerUnavailable, "within 0.05 seconds", timeout=0.05)


@pytest.mark.parametrize("body", [gzip.compress(b"{}", mtime=0), zlib.compress(b"{}")])
async def test_a_compressed_answer_is_read(body: bytes) -> None:
    """A server may compress whatever it was asked."""
    encoding = "gzip" if body[:2] == b"\x1f\x8b" else "Deflate"
    async with token_server(sends(body, headers={"Content-Encoding": encoding})) as server:
        assert (await send(request(server.url), Transport())).body == b"{}"
    assert server.received[0].headers["Accept-Encoding"] == "identity"


async def test_a_compressed_answer_cannot_fill_the_memory() -> None:
    """Law D1: 200 MB of zeros in 194 kB of gzip cost no more than the cap and what carries it."""
    bomb = zlib.compressobj(wbits=31)
    body = b"".join(bomb.compress(bytes(1 << 20)) for _ in range(200)) + bomb.flush()
    async with token_server(sends(body, headers={"Content-Encoding": "gzip"})) as server:
        tracemalloc.start()
        try:
            reply = await send(request(server.url), Transport())
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert (reply.is_cut, len(reply.body)) == (True, BODY_CAP)
    assert peak < 6 * BODY_CAP


async def test_an_endless_answer_is_left() -> None:
    """Law D1: reading stops at the cap."""

    async def endless(incoming: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(incoming)
        while True:
            await response.write(bytes(65_536))

    async with token_server(endless) as server:
        reply = await send(request(server.url), Transport())
    assert (reply.is_cut, reply.body) == (True, bytes(BODY_CAP))


@pytest.mark.parametrize("noise", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 2000 canary-5ecret\r\n\r\n"])
async def test_what_is_not_http_is_no_answer(noise: bytes) -> None:
    """Law D10: what a parser says of it stays inside, since it quotes the server."""
    async with raw_server(noise, noise, noise) as (url, _):
        await refused(url, ServerUnavailable, "no usable answer|dropped")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(403, ConfigurationError), (407, ConfigurationError), (429, ServerUnavailable), (502, ServerUnavailable)],
)
async def test_what_a_proxy_answers_is_not_the_server_s(status: int, kind: type[TokenError]) -> None:
    """Laws D7 and F8: it does not connect, so nothing was sent, and the sentence says whose answer it is."""
    async with raw_server(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode()) as (proxy, _):
        error = await refused("https://id.example", kind, "the proxy on the way to the server", proxy=proxy)
    assert not getattr(error, "outcome_unknown", False)
    assert error.about == ("server" if kind is ServerUnavailable else None)


@pytest.mark.parametrize("host", ["proxy.invalid", "127.0.0.1"])
async def test_a_proxy_that_is_not_there_is_named_as_such(host: str) -> None:
    """Law D6: it is not the server's name that is not known."""
    proxy = f"http://{host}:{unused_port()}"
    error = await refused("https://id.example", ServerUnavailable, "the proxy .* cannot be reached: ", proxy=proxy)
    assert not getattr(error, "outcome_unknown", False)


async def test_a_long_header_beside_an_answer_does_no_harm() -> None:
    """Law D2: a policy or a cookie is no reason to lose what the server has given."""
    async with token_server(sends(b"{}", headers={"X-Policy": "p" * 30_000})) as server:
        assert (await send(request(server.url), Transport())).body == b"{}"


async def test_tls_is_verified() -> None:
    """Law A2: a certificate that no authority vouches for is a matter of configuration, and is not tried again."""
    server_side, client_side = loopback_contexts()
    async with token_server(sends(b"{}"), ssl_context=server_side) as server:
        await refused(server.url, ConfigurationError, "certificate that is not trusted")
        await refused(server.url, ConfigurationError, "not trusted", ssl=aiohttp.Fingerprint(bytes(32)))
        assert (await send(request(server.url), Transport(ssl=client_side))).body == b"{}"
    assert len(server.received) == 1


async def test_a_server_without_tls_is_not_reached_by_https() -> None:
    """A handshake that fails is reported as a server that cannot be reached."""
    async with token_server(sends(b"{}")) as server:
        await refused(server.url.replace("http", "https"), ServerUnavailable, "cannot be reached: TLS is not spoken")


async def test_a_name_that_is_not_known_is_told_from_a_server_that_is_away() -> None:
    """Law D6: three things to do, three sentences; a test above has the refused connection."""

    class NoNames(aiohttp.abc.AbstractResolver):
        async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[aiohttp.abc.ResolveResult]:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        async def close(self) -> None: ...

    def connector() -> aiohttp.TCPConnector:
        return aiohttp.TCPConnector(resolver=NoNames())

    sentence = "cannot be reached: its name is not known"
    await refused("https://no-such-host.invalid", ServerUnavailable, sentence, connector=connector)


async def test_what_aiohttp_does_not_take_is_a_configuration_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law D10: an error of its arguments is the library's as well, without the frames that hold the request."""
    monkeypatch.setenv("all_proxy", "socks5://canary-5ecret@127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    await refused(
        "https://id.example", ConfigurationError, "^the proxy on the way to .* must speak HTTP", trust_env=True
    )
    async with token_server(sends(b"{}")) as server:
        with pytest.raises(ConfigurationError, match="cannot be made; check") as caught:
            await send(request(server.url, headers={"X-A": f"{CANARY}\n"}), Transport())
    assert CANARY not in exposure(caught.value)


@pytest.mark.parametrize(
    ("reached", "kind", "says_so"),
    [
        ({"ssl": CANARY}, TypeError, "^ssl is an SSLContext, a Fingerprint or a bool, not a str$"),
        ({"proxy": 7}, TypeError, "^proxy is a text"),
        ({"proxy": "socks5://canary-5ecret@127.0.0.1:1"}, ConfigurationError, "for SOCKS, pass connector= instead"),
        ({"proxy": "http://canary-5ecret:x"}, ConfigurationError, "speaks HTTP"),
        ({"proxy": ""}, ConfigurationError, "speaks HTTP"),
        ({"timeout": "30"}, ConfigurationError, "^timeout is a positive number of seconds, not a str$"),
        ({"timeout": True}, ConfigurationError, "not True$"),
        ({"timeout": 0}, ConfigurationError, "^timeout is a positive number of seconds, not 0$"),
        ({"timeout": float("nan")}, ConfigurationError, "positive"),
        ({"timeout": float("inf")}, ConfigurationError, "positive"),
        ({"connector": CANARY}, TypeError, "^connector is a function, not a str$"),
        ({"headers": CANARY}, TypeError, "^headers are texts by their names"),
        ({"headers": {"X-Key": CANARY.encode()}}, TypeError, "^headers are texts"),
        ({"headers": {"X-Key": f"{CANARY}\r\nX-Other: 1"}}, ConfigurationError, "^the header 'X-Key' has"),
        ({"headers": {"X-Key": f"{CANARY}\x1b[31m"}}, ConfigurationError, "^the header 'X-Key' has"),
        ({"headers": {"X Key": CANARY}}, ConfigurationError, "^the header 'X Key' has"),
        ({"headers": {"AUTHORIZATION": f"Bearer {CANARY}"}}, ConfigurationError, "'AUTHORIZATION' is written by"),
        ({"headers": {"Content-Type": "text/plain"}}, ConfigurationError, "'Content-Type' is written by"),
    ],
)
def test_what_no_request_can_leave_with_is_refused_at_once(
    reached: dict[str, Any], kind: type[Exception], says_so: str
) -> None:
    """Law G1: one sentence when the transport is made, which shows nothing of what was given, nor do its frames."""
    with pytest.raises(kind, match=says_so) as caught:
        Transport(**reached)
    assert CANARY not in exposure(caught.value)


def test_a_transport_is_a_value() -> None:
    """It is compared by what it says, it cannot be changed afterwards, and its repr shows no key."""
    headers = {"X-Key": CANARY}
    transport = Transport(headers=headers)
    headers["X-Key"] = "other"
    assert transport == Transport(headers={"X-Key": CANARY}) != Transport()
    assert isinstance(hash(transport), int)
    assert copy.deepcopy(transport) is transport
    assert repr(transport) == "<Transport timeout=15.0>"
    with pytest.raises(AttributeError):
        transport.timeout = 1.0  # type: ignore[misc]
    with pytest.raises(TypeError):
        transport.headers["X-Key"] = "other"  # type: ignore[index]


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        ({}, {"User-Agent": f"aio_token/{aio_token.__version__}", "Accept": "application/json"}),
        ({"user-agent": "linux:bot:v1", "ACCEPT": "*/*"}, {"User-Agent": "linux:bot:v1", "Accept": "*/*"}),
        ({"X-Gateway-Key": "key"}, {"X-Gateway-Key": "key", "User-Agent": f"aio_token/{aio_token.__version__}"}),
    ],
)
async def test_a_request_says_who_sends_it(headers: dict[str, str], sent: dict[str, str]) -> None:
    """The library names itself and its version, and further headers of the program's own go with every request."""
    async with token_server(sends(b"{}")) as server:
        await send(request(server.url), Transport(headers=headers))
    received = server.received[0].headers
    assert {name: received[name] for name in sent} == sent
    assert received["Authorization"] == f"Basic {CANARY}"


async def test_a_connector_is_made_for_each_attempt_and_closed_with_it() -> None:
    """A source address, for one: the server sees it, and no connector outlives its request."""
    made: list[aiohttp.BaseConnector] = []
    remotes: list[str | None] = []

    def connector() -> aiohttp.BaseConnector:
        made.append(aiohttp.TCPConnector(local_addr=("127.0.0.9", 0)))
        return made[-1]

    async def sees(incoming: web.Request) -> web.StreamResponse:
        remotes.append(incoming.remote)
        return await (drops if len(remotes) == 1 else sends(b"{}"))(incoming)

    async with token_server(sees) as server:
        await send(request(server.url), Transport(connector=connector))
    assert remotes == ["127.0.0.9"] * 2
    assert len(made) == 2
    assert all(one.closed for one in made)


async def test_a_server_may_be_behind_a_unix_socket(tmp_path: Path) -> None:
    """The connector leads there; a socket that is gone is a server that cannot be reached."""
    path = str(tmp_path / "id.sock")

    async def answer(_request: web.BaseRequest) -> web.Response:
        return web.Response(body=b"{}")

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.UnixSite(runner, path).start()
    transport = Transport(connector=lambda: aiohttp.UnixConnector(path))
    try:
        assert (await send(request("http://id.example/token"), transport)).body == b"{}"
    finally:
        await runner.cleanup()
    with pytest.raises(ServerUnavailable, match=r"^the server cannot be reached"):
        await send(request("http://id.example/token"), transport)


def fails() -> aiohttp.BaseConnector:
    """Fail with a secret in a variable."""
    held = CANARY
    message = f"no proxy for {len(held)} letters"
    raise LookupError(message)


async def test_a_function_that_gives_no_connector_is_a_configuration_error() -> None:
    """Law D10: another party's error is the cause, without its frames, and nothing is sent."""
    error = await refused(
        "http://127.0.0.1:1", ConfigurationError, r"`connector` failed .*LookupError", connector=fails
    )
    assert isinstance(error.__cause__, LookupError)
    await refused("http://127.0.0.1:1", ConfigurationError, "gave no aiohttp connector", connector=dict)


async def test_a_proxy_is_used() -> None:
    """The proxy is told the server's name and its own password, and not what is sent through it."""
    async with raw_server(b"HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n") as (url, received):
        transport = Transport(proxy=url.replace("http://", "http://user:proxy-5ecret@"))
        with pytest.raises(ServerUnavailable):
            await send(request("https://id.example/token"), transport)
    assert "5ecret" not in repr(transport)
    (head,) = received
    assert head.startswith(b"CONNECT id.example:443 ")
    assert b"Proxy-Authorization: Basic " in head
    assert CANARY.encode() not in head


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/token", "HTTP://localhost:1/token", "http://id.example/token"])
@pytest.mark.parametrize("how", ["proxy", "http_proxy", "all_proxy"])
async def test_plain_http_passes_no_proxy(url: str, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law A2: the proxy would read the secrets; nothing is sent, nor signed."""
    for name in ("http_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)

    async def sign(_request: Request) -> Request:
        raise AssertionError

    async with token_server(sends(b"{}")) as proxy:
        if how == "proxy":
            transport = Transport(proxy=proxy.url)
        else:
            monkeypatch.setenv(how, proxy.url)
            transport = Transport(trust_env=True)
        with pytest.raises(
            ConfigurationError, match=r"^a proxy stands on the way to the server .* use https"
        ) as caught:
            await send(request(url), transport, sign=sign)
        assert proxy.received == []
        assert CANARY not in exposure(caught.value)


async def test_a_server_of_this_machine_is_an_exception_of_the_proxy_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law A2: with NO_PROXY nothing leaves the machine."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{unused_port()}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    async with token_server(sends(b"{}")) as server:
        assert (await send(request(server.url), Transport(trust_env=True))).status == 200


async def test_a_proxy_that_cannot_be_reached_is_named() -> None:
    """The proxy's address and password are not shown."""
    proxy = f"http://user:{CANARY}@127.0.0.1:{unused_port()}"
    await refused("https://id.example", ServerUnavailable, "the proxy on the way to the server", proxy=proxy)


@pytest.mark.parametrize(("status", "kind"), [(407, ConfigurationError), (503, ServerUnavailable)])
async def test_a_proxy_that_refuses_is_named(status: int, kind: type[TokenError]) -> None:
    """A proxy wants other credentials, or has trouble."""
    async with raw_server(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode()) as (url, _):
        proxy = url.replace("http://", f"http://user:{CANARY}@")
        await refused("https://id.example", kind, "the server", proxy=proxy)


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({"https_proxy": "http://proxy:1"}, "https://id.example", "http://proxy:1"),
        ({"https_proxy": "proxy:1"}, "https://id.example", "http://proxy:1"),
        ({"all_proxy": "http://proxy:2"}, "https://id.example", "http://proxy:2"),
        ({"https_proxy": "http://proxy:1", "no_proxy": "id.example"}, "https://id.example", None),
        ({"https_proxy": "http://proxy:1", "no_proxy": "id.example:8443"}, "https://id.example:8443", None),
        ({"http_proxy": "http://proxy:1"}, "https://id.example", None),
        ({}, "https://id.example", None),
        ({"https_proxy": "", "all_proxy": ""}, "https://id.example", None),
    ],
)
def test_a_proxy_may_come_from_the_environment(
    environment: dict[str, str], url: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`trust_env` reads the usual variables; without it they count for nothing, and `proxy` comes first."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Transport(trust_env=True).proxy_for(url) == proxy
    assert Transport().proxy_for(url) is None
    assert Transport(trust_env=True, proxy="http://mine:1").proxy_for(url) == "http://mine:1"


async def test_netrc_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`trust_env` is about proxies: a password in ~/.netrc does not collide with the client's own authentication."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    async with token_server(sends(b"{}")) as server:
        await send(request(server.url), Transport(trust_env=True))
    assert server.received[0].headers["Authorization"] == f"Basic {CANARY}"


async def test_a_cancelled_request_leaves_nothing_open() -> None:
    """Cancellation passes, and the connection is closed."""
    arrived, closed = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        arrived.set()
        await reader.read()
        closed.set()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1") as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        sending = asyncio.ensure_future(send(request(url), Transport()))
        await arrived.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await closed.wait()


LEAVES_NOTHING = """
import asyncio, gc
from aio_token.oauth.sending import send
from aio_token.oauth.transport import Transport
from aio_token.oauth.form import Request
from tests.support.certificates import loopback_contexts
from tests.support.token_server import sends, token_server

async def main():
    asyncio.get_running_loop().slow_callback_duration = 60  # a loaded machine is no warning
    server_side, client_side = loopback_contexts()
    async with token_server(sends(b"{}"), ssl_context=server_side) as server:
        reply = await send(Request(to="it", url=server.url), Transport(ssl=client_side))
        assert reply.status == 200
        assert len(asyncio.all_tasks()) <= 2, asyncio.all_tasks()  # this one, and the server's for the connection

asyncio.run(main(), debug=True)
gc.collect()
"""


def test_a_request_leaves_no_warning_behind() -> None:
    """Law C7: over TLS too, nothing is left open that the interpreter would complain of at its end."""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", LEAVES_NOTHING]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
