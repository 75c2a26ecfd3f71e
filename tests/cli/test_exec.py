"""`aio-token exec`: the token is in the command's environment alone, and the command is the process."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

import pytest

from aio_token import Token
from aio_token.cli.commands import exec as exec_command
from aio_token.cli.commands.exec import become, environment_with, run_below
from aio_token.testing import AuthorizationServer
from tests.cli.command_line import profile_file, profile_of, set_up

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.cli.command_line import CommandLine

TOKEN = Token(access_token="canary-token")
CHILD = """
import os, signal, sys
print(os.environ["TOKEN"], os.getpid(), sys.argv[1:], flush=True)
assert signal.getsignal(signal.SIGPIPE) is not None
sys.stdin.read()
"""


@pytest.fixture
def signals() -> Iterator[None]:
    """Leave this process's signals as they were."""
    numbers = (signal.SIGPIPE, signal.SIGXFSZ)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


async def test_the_command_is_the_process(home: Path) -> None:
    """It has the same id, its own options, the token; a signal reaches it, and its exit is passed on."""
    async with AuthorizationServer() as server:
        credential = server.credential(client_id="app")
        await set_up("default", profile_of(server), credential)
    line = ["exec", "default", "--variable", "TOKEN", "--", sys.executable, "-c", CHILD, "--help", "-x"]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "aio_token.cli", *line, stdin=pipe, stdout=pipe, stderr=pipe
    )
    assert process.stdout is not None
    token, pid, rest = (await process.stdout.readline()).decode().split(maxsplit=2)
    assert credential.token is not None
    assert (token, int(pid), rest) == (credential.token.access_token, process.pid, "['--help', '-x']\n")
    os.kill(process.pid, signal.SIGTERM)
    _, err = await process.communicate()
    assert (process.returncode, err) == (-signal.SIGTERM, b"")


async def test_what_is_handed_over(home: Path, monkeypatch: pytest.MonkeyPatch, signals: None) -> None:
    """The arguments as they are, the environment and the token; SIGPIPE ends a command again, as it should."""
    monkeypatch.delenv("AIO_TOKEN_KEY")
    handed: list[tuple[str, list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execvpe", lambda *call: handed.append(call))
    become(["cmd", "-x"], environment_with(TOKEN, "TOKEN"))
    assert handed == [("cmd", ["cmd", "-x"], {**os.environ, "TOKEN": "canary-token"})]
    assert signal.getsignal(signal.SIGPIPE) is signal.SIG_DFL
    assert "TOKEN" not in os.environ


@pytest.mark.parametrize(
    ("error", "code"), [(FileNotFoundError(2, "No such file"), 127), (PermissionError(13, "no"), 126)]
)
def test_a_command_that_cannot_be_run(
    error: OSError, code: int, monkeypatch: pytest.MonkeyPatch, signals: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """127 and 126, as in a shell, with the system's reason."""

    def execvpe(*call: object) -> NoReturn:
        raise error

    monkeypatch.setattr(os, "execvpe", execvpe)
    assert become(["cmd"], {}) == code
    assert capsys.readouterr().err == f"aio-token: cmd: {error.strerror}\n"


def test_a_system_where_no_process_takes_another_s_place(capfd: pytest.CaptureFixture[str]) -> None:
    """The command is waited for, and its exit code is ours."""
    code = "import os, sys; print(os.environ['TOKEN']); sys.exit(7)"
    assert run_below([sys.executable, "-c", code], {"TOKEN": "canary-token"}) == 7
    assert capfd.readouterr().out == "canary-token\n"
    assert run_below(["/no/such/command"], {}) == 127


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 2),
        (["default"], 2),
        (["default", "--"], 2),
        (["--"], 2),
        (["--variable", "A B", "default", "--", "true"], 2),
        (["--variable", "A=B", "default", "--", "true"], 2),
        (["../x", "--", "true"], 2),
        (["missing", "--", "true"], 3),
    ],
)
async def test_nothing_is_run_without_a_token(
    arguments: list[str], code: int, aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2 for a mistake or no command at all, 3 without a sign-in."""
    monkeypatch.setenv("AIO_TOKEN_PROFILE", "work")
    assert (await aio_token("exec", *arguments)).code == code


async def test_no_long_lived_secret_is_handed_over(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law G5: the key and the secrets that any profile names stay here; a profile that is refused harms nothing."""
    server = AuthorizationServer()
    await set_up("a", profile_of(server, key="env:KEY_OF_A"))
    await set_up("b", profile_of(server, key="file:/k", client_secret="env:SECRET_OF_B"))
    await set_up("c", profile_of(server, key=None))
    profile_file("d").write_text("{}")
    for name in (
        "AIO_TOKEN_KEY",
        "AIO_TOKEN_CLIENT_SECRET",
        "KEY_OF_A",
        "SECRET_OF_B",
        "HARMLESS",
        "AIO_TOKEN_PROFILE",
    ):
        monkeypatch.setenv(name, "canary-secret")
    handed = environment_with(TOKEN, "TOKEN")
    assert {name for name, value in handed.items() if value == "canary-secret"} == {"HARMLESS", "AIO_TOKEN_PROFILE"}
    assert handed["TOKEN"] == TOKEN.access_token
    assert environment_with(TOKEN, "AIO_TOKEN_KEY")["AIO_TOKEN_KEY"] == TOKEN.access_token


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["--", "cmd", "-x"], ["cmd", "-x"]),
        (["--min-valid", "0", "--", "cmd", "--help", "--", "x"], ["cmd", "--help", "--", "x"]),
        (["work", "--", "cmd"], ["cmd"]),
        (["work", "cmd", "y"], ["cmd", "y"]),
    ],
)
async def test_the_profile_may_be_left_out(
    arguments: list[str], shown: list[str], aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes after two dashes is the command; the profile is the environment's, as for all other commands."""
    monkeypatch.setenv("AIO_TOKEN_PROFILE", "work")
    ran: list[tuple[str, ...]] = []

    def run(command: Sequence[str], environment: Mapping[str, str]) -> int:
        ran.append(tuple(command))
        return 7

    monkeypatch.setitem(exec_command._run, os.name, run)
    server = AuthorizationServer()
    await set_up("work", profile_of(server), server.credential(client_id="app"))
    assert (await aio_token("exec", *arguments)).code == 7
    assert ran == [tuple(shown)]


async def test_a_command_without_two_dashes(aio_token: CommandLine) -> None:
    """2: its options are not taken for ours without a word; neither is an empty variable for a command."""
    done = await aio_token("exec", "ls", "-la")
    assert done.code == 2
    assert re.search(
        r"-l'?; the command is written after two dashes", done.err
    )  # click's earlier releases quote nothing
    done = await aio_token("exec", "--tea", "--", "ls")
    assert (done.code, "two dashes" in done.err) == (2, False)
    done = await aio_token("exec", "--", "", "-x")
    assert (done.code, "the command has no name" in done.err) == (2, True)


async def test_a_token_that_ends_sooner_than_was_asked(aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command runs, and it is said for how long it has a token, as `token` says it."""
    monkeypatch.setitem(exec_command._run, os.name, lambda *_: 0)
    async with AuthorizationServer(lifetime=600) as server:
        await set_up("default", profile_of(server), server.credential(client_id="app"))
        done = await aio_token("exec", "--min-valid", "1h", "--", "ls")
    assert done.code == 0
    assert re.search(r"the token is valid for \d+ s only; the server gives none for longer", done.err)
