"""The browser is started with an address that is of no use to other users of the machine."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientSession

from aio_token import AuthorizationCodeGrant, ConfigurationError, Provider, PublicClient, TokenEndpoint
from aio_token.grants import _loopback, _neighbours
from aio_token.grants._loopback import listening
from aio_token.testing import AuthorizationServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aio_token.grants._loopback import Listener

ADDRESS = "https://id.example/authorize?state=canary-state"
NOTING = """
import sys, urllib.request
open(sys.argv[0] + ".seen", "w").write(sys.argv[1])
urllib.request.urlopen(sys.argv[1]).read()
"""
SIGNING_IN = """
import asyncio, sys, webbrowser
from aio_token import AuthorizationCodeGrant, ConfigurationError, Provider, PublicClient, TokenEndpoint

async def main():
    endpoint = (await Provider.discover(sys.argv[1])).token_endpoint(PublicClient("app"))
    print((await AuthorizationCodeGrant(endpoint, browser=webbrowser.open).obtain(None)).token.fingerprint)

asyncio.run(main())
"""


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    """Listen for an answer."""
    async with listening("127.0.0.1", "/callback", "canary-state", 0) as listener:
        yield listener


async def get(url: str, **headers: str) -> tuple[int, str | None]:
    """Return the status of an answer, and where it leads."""
    async with ClientSession() as session, session.get(url, headers=headers, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location")


async def test_the_address_is_handed_over_once(listener: Listener) -> None:
    """Law G5: the `state` is in no argument; another path and another name get nothing, a second visitor a sentence."""
    page = listener.page_for(ADDRESS)
    assert "state" not in page
    assert (page.leads_to, "state" in repr(page)) == (ADDRESS, False)
    port = urlsplit(page).port
    assert await get(f"http://127.0.0.1:{port}/") == (404, None)
    assert await get(page, Host=f"rebound.example:{port}") == (404, None)
    assert await get(page) == (303, ADDRESS)
    async with ClientSession() as session, session.get(page) as answer:
        assert (answer.status, "is good once" in await answer.text()) == (410, True)


async def test_of_two_visitors_at_once_one_is_sent_on(listener: Listener) -> None:
    """Law G5: while it is looked up whose the connections are, too."""
    page = listener.page_for(ADDRESS)
    answers = await asyncio.gather(*(get(page) for _ in range(5)))
    assert sorted(answers) == [(303, ADDRESS), *[(410, None)] * 4]


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(b"GET /callback?code=canary-code&state=" + b"x" * 90_000 + b" HTTP/1.1\r\n\r\n", id="long"),
        pytest.param(b"GET /callback?code=canary-code\0 HTTP/1.1\r\n\r\n", id="a null byte"),
        pytest.param(b"GET /callback?code=canary-code HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", id="two hosts"),
        pytest.param(b"\x16\x03\x01\x02\0\x01", id="TLS"),
        pytest.param(b"canary-code\r\n\r\n", id="no HTTP"),
    ],
)
async def test_what_is_no_request_leaves_no_line(
    written: bytes, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    """Law G1: a log would show the code, and a terminal a traceback between what a person is to read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(written)
    assert b" 400 " in await reader.readline()
    writer.close()
    await writer.wait_closed()
    assert caplog.record_tuples == []


async def test_a_long_answer_is_one(listener: Listener) -> None:
    """Law D1: some servers' codes are as long as their tokens."""
    address = f"{listener.redirect_uri}?state=canary-state&code={'c' * 40_000}"
    async with ClientSession() as session, session.get(address) as page:
        assert page.status == 200
    assert len((await listener.response())["code"]) == 40_000


async def test_another_user_gets_nothing_and_uses_nothing_up(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law G5: the system tells whose a connection is."""
    page = listener.page_for(ADDRESS)
    with monkeypatch.context() as patch:
        patch.setattr(_neighbours, "_trusted", lambda: {54_321})
        assert await get(page) == (404, None)
        assert await get(listener.start_for(pytest.fail)) == (404, None)
    assert await get(page) == (303, ADDRESS)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_whose_a_connection_is(family: socket.AddressFamily, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by both ports, for sockets of both kinds; not known where the system has no such table."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(family) as client:
        port = server.getsockname()[1]
        client.connect(("127.0.0.1" if family == socket.AF_INET else "::ffff:127.0.0.1", port))
        ends = (client.getsockname()[1], port)
        assert not _neighbours.is_foreign(*ends)
        monkeypatch.setattr(_neighbours, "_trusted", lambda: {54_321})
        assert _neighbours.is_foreign(*ends)
        assert not _neighbours.is_foreign(ends[0], 1)
        monkeypatch.setattr(_neighbours, "_CONNECTIONS", (tmp_path / "missing",))
        assert not _neighbours.is_foreign(*ends)


async def started(tmp_path: Path, server: AuthorizationServer, *command: str) -> str:
    """Run a program that opens the browser of the environment, and return what that was started with."""
    script = tmp_path / "browser"
    script.write_text(f"#!{sys.executable}\n{NOTING}")
    script.chmod(0o700)
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, server.issuer, env={**os.environ, "BROWSER": str(script)}, stdout=-1, stderr=-1
    )
    out, err = await process.communicate()
    assert process.returncode == 0, (out, err)
    return (tmp_path / "browser.seen").read_text()


async def test_a_library_s_sign_in_shows_no_state(tmp_path: Path) -> None:
    """Law G5: `AuthorizationCodeGrant(browser=webbrowser.open)` starts the browser with a page of this process."""
    async with AuthorizationServer() as server:
        seen = await started(tmp_path, server, "-c", SIGNING_IN)
    assert seen.startswith("http://127.0.0.1:")
    assert "state" not in seen


async def test_the_command_line_s_sign_in_shows_no_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law G5: `BROWSER` is used without a desktop, as editors that work on another machine set it."""
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    (tmp_path / "HOME").mkdir()
    line = ("login", "--browser", "--client-id", "app", "--store", "plain", "--issuer")
    async with AuthorizationServer() as server:
        seen = await started(tmp_path, server, "-m", "aio_token.cli", *line)
    assert seen.startswith("http://127.0.0.1:")
    assert "state" not in seen


async def test_what_a_browser_function_gets_leads_to_the_server() -> None:
    """Law G5: the page knows where it leads, for programs that show it; the sign-in goes on as ever."""
    given: list[str] = []

    async def visit(page: str) -> None:
        async with ClientSession() as session, session.get(page) as answer:
            assert answer.status == 200

    async with AuthorizationServer() as server:
        endpoint = (await Provider.discover(server.issuer)).token_endpoint(PublicClient("app"))
        loop = asyncio.get_running_loop()

        def browser(page: str) -> bool:
            given.append(getattr(page, "leads_to", ""))
            asyncio.run_coroutine_threadsafe(visit(page), loop).result()
            return True

        assert (await AuthorizationCodeGrant(endpoint, browser=browser).obtain(None)).token is not None
    assert given[0].startswith(server.authorization_url)


async def test_a_redirect_uri_may_name_this_machine() -> None:
    """Some servers take no address (RFC 8252 section 8.3): the listener is at what the name leads to."""
    shown: list[str] = []

    async def browse(address: str) -> None:
        shown.append(address)
        async with ClientSession() as session, session.get(address) as answer:
            assert answer.status == 200

    async with AuthorizationServer() as server:
        endpoint = (await Provider.discover(server.issuer)).token_endpoint(PublicClient("app"))
        grant = AuthorizationCodeGrant(endpoint, show=browse, host="localhost", path="/signed-in")
        assert (await grant.obtain(None)).token is not None
    (redirect_uri,) = parse_qs(urlsplit(shown[0]).query)["redirect_uri"]
    assert urlsplit(redirect_uri).hostname == "localhost"
    assert urlsplit(redirect_uri).path == "/signed-in"


async def test_a_name_is_listened_for_wherever_it_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    """At one port for all of its addresses: a program that has the port at one of them would get the code."""
    monkeypatch.setitem(_loopback.ADDRESSES, "localhost", ("127.0.0.1", "127.0.0.2"))
    async with listening("localhost", "/callback", "canary-state", 0) as listener:
        path = urlsplit(listener.page_for(ADDRESS)).path
        first, second = (f"http://{address}:{listener.port}{path}" for address in ("127.0.0.1", "127.0.0.2"))
        assert [await get(first), await get(second)] == [(404, None)] * 2  # under the name alone
        assert await get(second, Host=f"localhost:{listener.port}") == (303, ADDRESS)
    with socket.create_server(("127.0.0.2", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"127\.0\.0\.2 cannot be listened on, port {port}"):
            async with listening("localhost", "/callback", "canary-state", port):
                raise AssertionError


async def test_an_address_that_this_machine_does_not_have_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without IPv6 has one address of that name."""
    monkeypatch.setitem(_loopback.ADDRESSES, "localhost", ("127.0.0.1", "192.0.2.1"))
    async with listening("localhost", "/callback", "canary-state", 0) as listener:
        assert listener.redirect_uri == f"http://localhost:{listener.port}/callback"


async def test_an_address_of_version_6_is_written_in_brackets(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 3986 section 3.2.2; another host is no loopback and is refused."""
    monkeypatch.setitem(_loopback.ADDRESSES, "::1", ("127.0.0.1",))  # not every machine has it
    async with listening("::1", "/callback", "canary-state", 0) as listener:
        assert listener.redirect_uri == f"http://[::1]:{listener.port}/callback"
    endpoint = TokenEndpoint("https://id.example/token", PublicClient("app"))
    with pytest.raises(ConfigurationError, match="host is one of"):
        AuthorizationCodeGrant(endpoint, host="0.0.0.0")  # type: ignore[arg-type]  # noqa: S104  it is refused
