"""The demo: it runs, what it prints is so, and its exit code tells whether aio_token failed anything."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from aio_token.testing import AuthorizationServer, Broken, ProtectedAPI
from examples.demo.__main__ import main, run
from examples.demo.arguments import read
from examples.demo.display import PlainDisplay
from examples.demo.open_files import connections_for
from tests.support.python_path import leading_to

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[2]
DEMO = (sys.executable, "-m", "examples.demo")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the picture written into a folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", leading_to(ROOT))


@pytest.fixture
async def server() -> AsyncIterator[AuthorizationServer]:
    """Return a server of another operator."""
    async with AuthorizationServer(lifetime=1.2) as server:
        yield server


@pytest.fixture
async def api(server: AuthorizationServer) -> AsyncIterator[ProtectedAPI]:
    """Return an API that takes its tokens."""
    async with ProtectedAPI(server) as api:
        yield api


def figures(printed: str, label: str) -> list[int]:
    """Return what a line of the table says."""
    (line,) = re.findall(rf"^ *{label}  +(.*)$", printed, re.MULTILINE)
    return [int(figure) for figure in line.replace(",", "").split()]


async def test_the_demo_shows_what_a_cancelled_client_costs() -> None:
    """In both crawls one client is cancelled in a renewal: aio_token answers every request, the contrast fails all."""
    pipe = asyncio.subprocess.PIPE
    arguments = ("--clients", "50", "--seconds", "1")
    process = await asyncio.create_subprocess_exec(*DEMO, *arguments, stdout=pipe, stderr=pipe)
    out, complaints = await process.communicate()
    printed = out.decode()
    assert (process.returncode, complaints) == (0, b"")
    assert figures(printed, "requests failed") == [0, 49]
    assert figures(printed, "refresh tokens presented twice") == [0, 49]
    assert figures(printed, "clients cancelled during a renewal") == [1, 1]
    assert re.search(r"after the pause +[\d,]+(?: / [\d,]+){3} +none\n", printed)
    assert re.search(r"waited as it ended in the pause +50, longest [\d,]+ ms", printed)
    assert "\x1b" not in printed
    drawn = ET.parse("demo.svg").getroot()  # noqa: S314  the demo's own
    words = [text.text or "" for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert [line.split(", ")[1:] for line in words if "answered" in line] == [
        ["0 failed", "0 presented twice"],
        ["49 failed", "49 presented twice"],
    ]
    assert words.count("pause") == 2


async def test_on_a_terminal_there_is_a_bar_without_colour_if_so_wished() -> None:
    """A terminal gets a progress bar that moves; NO_COLOR keeps the colours out."""
    ours, its = pty.openpty()
    arguments = ("--clients", "5", "--seconds", "1", "--no-contrast")
    environment = {**os.environ, "NO_COLOR": "1", "TERM": "xterm", "COLUMNS": "100"}
    process = await asyncio.create_subprocess_exec(*DEMO, *arguments, env=environment, stdout=its, stderr=its)
    os.close(its)
    printed = await asyncio.to_thread(_read, ours)
    assert await process.wait() == 0
    assert printed.count("━") > 100
    assert "every request was answered" in printed
    assert not re.search(r"\x1b\[[\d;]*3[0-7]m", printed)


def _read(descriptor: int) -> str:
    printed = b""
    with open(descriptor, "rb", buffering=0) as terminal:
        try:
            while piece := terminal.read(4096):
                printed += piece
        except OSError:  # on Linux that is the end of a terminal
            pass
    return printed.decode()


async def test_a_real_server_is_crawled_with_a_password(
    server: AuthorizationServer,
    api: ProtectedAPI,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The issuer's metadata is read, the user signs in once for each crawl, and the client counts by itself."""
    monkeypatch.setenv("PASSWORD", server.users["ada"])
    arguments = ["--issuer", server.issuer, "--client-id", "app", "--username", "ada", "--api", f"{api.url}/page"]
    assert await run(read([*arguments, "--clients", "20", "--seconds", "1", "--requests", "400"]), PlainDisplay()) == 0
    printed = capsys.readouterr().out
    assert figures(printed, "requests failed")[0] == 0
    assert figures(printed, "clients cancelled during a renewal") == [1, 1]
    assert server.requests["password"] == 2


async def test_client_credentials_of_a_long_life_are_not_waited_for(
    server: AuthorizationServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where no token ends during the crawl the demo says so; without --api the user-info endpoint is asked."""
    server.lifetime = 60.0
    monkeypatch.setenv("CLIENT_SECRET", server.client.secret or "")
    arguments = [
        "--issuer",
        server.issuer,
        "--client-id",
        "bot",
        "--clients",
        "5",
        "--seconds",
        "1",
        "--requests",
        "50",
    ]
    assert await run(read(arguments), PlainDisplay()) == 0
    assert "shorten the lifetime of access tokens" in capsys.readouterr().out
    assert dict(server.requests) == {"client_credentials": 2}


async def test_a_failed_request_is_an_exit_code_of_one(
    server: AuthorizationServer, api: ProtectedAPI, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One answer of 500 among many fails the demo, which tells what it was."""
    server.lifetime = 60.0
    api.inject(Broken(status=500), times=1)
    monkeypatch.setenv("CLIENT_SECRET", server.client.secret or "")
    monkeypatch.setenv("REFRESH_TOKEN", server.sign_in())
    arguments = ["--issuer", server.issuer, "--client-id", "bot", "--api", api.url, "--clients", "5", "--seconds", "1"]
    assert await run(read([*arguments, "--requests", "50"]), PlainDisplay()) == 1
    printed = capsys.readouterr().out
    assert "aio_token: 1 requests failed (1 x HTTP 500)" in printed
    assert "lock and double check" not in printed  # a refresh token cannot be shared


def test_an_issuer_that_cannot_be_used_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """An error of the configuration ends the demo with what to do, and no traceback."""
    assert main(["--issuer", "http://id.example", "--client-id", "bot"]) == 1
    assert capsys.readouterr().err.startswith("The demo could not run: the issuer's address ")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--issuer", "https://id.example"], "--issuer needs --client-id"),
        (["--api", "https://api.example"], "go with --issuer"),
        (["--clients", "0"], "number from 1 to 10000"),
        (["--issuer", "https://id.example", "--client-id", "bot", "--username", "ada"], "variable PASSWORD"),
    ],
    ids=["no client", "no issuer", "no clients", "no password"],
)
def test_arguments_that_make_no_sense_are_refused(
    arguments: list[str], complaint: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message names what is missing."""
    monkeypatch.delenv("PASSWORD", raising=False)
    with pytest.raises(SystemExit):
        read(arguments)
    assert complaint in capsys.readouterr().err


def test_no_more_connections_are_opened_than_the_system_allows() -> None:
    """A crawl of any size gets at least one connection, and never more than it has clients."""
    assert connections_for(1) == 1
    assert 1 <= connections_for(2_000) <= 2_000
