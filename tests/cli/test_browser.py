"""The browser is started with an address that is of no use to other users of the machine."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import webbrowser
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from aio_token.cli import _browser
from aio_token.testing import AuthorizationServer

if TYPE_CHECKING:
    from pathlib import Path

ADDRESS = "https://id.example/authorize?state=canary-state"
FOLLOW = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1]).read()"
NOTE = 'open(sys.argv[0] + ".seen", "w").write(sys.argv[1])'


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note what a browser is started with."""
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    return opened


def get(url: str, **headers: str) -> tuple[int, str | None]:
    """Return the status of an answer, and where it leads."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=10)
    try:
        connection.request("GET", parts.path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers["Location"]
    finally:
        connection.close()


def test_the_address_is_handed_over_once(opened: list[str]) -> None:
    """Law G5: the `state` is in no argument; a second visitor, another path and another name get nothing."""
    with _browser.Browser() as browser:
        browser.open(ADDRESS)
        (url,) = opened
        assert "state" not in url
        port = urlsplit(url).port
        assert get(f"http://127.0.0.1:{port}/") == (404, None)
        assert get(url, Host=f"rebound.example:{port}") == (404, None)
        assert get(url) == (303, ADDRESS)
        assert get(url) == (404, None)
    with pytest.raises(ConnectionRefusedError):
        get(url)


def test_another_user_gets_nothing_and_uses_nothing_up(opened: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Law G5: the system tells whose a connection is."""
    with _browser.Browser() as browser:
        browser.open(ADDRESS)
        with monkeypatch.context() as patch:
            patch.setattr(_browser, "_trusted", lambda: {54_321})
            assert get(opened[0]) == (404, None)
        assert get(opened[0]) == (303, ADDRESS)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_whose_a_connection_is(family: socket.AddressFamily, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by both ports, for sockets of both kinds; not known where the system has no such table."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(family) as client:
        port = server.getsockname()[1]
        client.connect(("127.0.0.1" if family == socket.AF_INET else "::ffff:127.0.0.1", port))
        ends = (client.getsockname()[1], port)
        assert not _browser.is_foreign(*ends)
        monkeypatch.setattr(_browser, "_trusted", lambda: {54_321})
        assert _browser.is_foreign(*ends)
        assert not _browser.is_foreign(ends[0], 1)
        monkeypatch.setattr(_browser, "_CONNECTIONS", (tmp_path / "missing",))
        assert not _browser.is_foreign(*ends)


async def test_the_browser_of_the_environment_is_used_without_a_desktop(home: Path) -> None:
    """`BROWSER`, as editors that work on another machine set it; what it is started with has no `state`."""
    script = home / "browser"
    script.write_text(f"#!{sys.executable}\nimport sys\n{NOTE}\n{FOLLOW}\n")
    script.chmod(0o700)
    async with AuthorizationServer() as server:
        line = ["login", "--browser", "--issuer", server.issuer, "--client-id", "app"]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "aio_token.cli",
            *line,
            env={**os.environ, "BROWSER": str(script)},
            stderr=asyncio.subprocess.PIPE,
        )
        _, err = await process.communicate()
    assert process.returncode == 0, err
    seen = (home / "browser.seen").read_text()
    assert seen.startswith("http://127.0.0.1:")
    assert "state" not in seen
