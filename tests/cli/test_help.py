"""Help on narrow terminals, the command that was meant, completion, and one table of exit codes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from aio_token.cli._app import app
from aio_token.cli._exits import Exit

if TYPE_CHECKING:
    from tests.cli.command_line import CommandLine

COMMANDS = app.list_commands(click.Context(app))


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS), ("profiles", "rename")])
async def test_help_fits_40_columns(
    command: tuple[str, ...], aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A terminal beside an editor, or a phone's; every word of the wide one is there, but for what a list cuts."""
    monkeypatch.setenv("COLUMNS", "40")
    narrow = (await aio_token(*command, "--help")).out
    assert [line for line in narrow.splitlines() if len(line) > 40] == []
    monkeypatch.setenv("COLUMNS", "100")
    wide = (await aio_token(*command, "--help")).out
    assert set(re.findall(r"--[a-z-]+", wide)) <= set(re.findall(r"--[a-z-]+", narrow))


async def test_a_narrow_list_says_what_each_command_does(
    aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below its name there is room for a sentence."""
    monkeypatch.setenv("COLUMNS", "40")
    shown = " ".join((await aio_token("--help")).out.split())
    assert "logout Revoke the token at the server, then delete it here." in shown


@pytest.mark.parametrize(("typed", "meant"), [("tokne", "token"), ("logn", "login"), ("stat", "status")])
async def test_the_command_that_was_meant(typed: str, meant: str, aio_token: CommandLine) -> None:
    """2, and its name."""
    done = await aio_token(typed)
    assert done.code == 2
    assert f"did you mean {meant}" in done.err


async def test_an_option_that_was_meant(aio_token: CommandLine) -> None:
    """Click knows that by itself."""
    assert "--force" in (await aio_token("token", "--forse")).err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_completion_for_a_shell(shell: str, aio_token: CommandLine) -> None:
    """What the shell evaluates asks this program what may come next."""
    done = await aio_token("completion", shell)
    assert done.code == 0
    assert f"_AIO_TOKEN_COMPLETE={shell}_complete" in done.out


async def test_one_table_of_exit_codes(aio_token: CommandLine) -> None:
    """The help and the page say what the table says, of each code."""
    helped = " ".join((await aio_token("--help")).out.split())
    page = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")
    for code in Exit:
        assert f"{code.value} {code.meaning.replace('`', '')}" in helped
        assert f"| {code.value} | {code.meaning}" in page


def test_python_runs_it_as_a_module() -> None:
    """Where its script is not on the path."""
    done = subprocess.run([sys.executable, "-m", "aio_token", "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", done.stdout)


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("help", "--help"),
        ("version", "--version"),
        ("auth login", "login"),
        ("signout", "logout"),
        ("print-access-token", "token"),
        ("ls", "profiles"),
        ("profiles ls", "list"),
        ("profiles rm work", "remove"),
        ("profiles use work", "default"),
    ],
)
async def test_what_other_tools_call_it(line: str, meant: str, aio_token: CommandLine) -> None:
    """2, with its name here, in the group that was asked."""
    done = await aio_token(*line.split())
    assert (done.code, f"did you mean {meant}?" in done.err) == (2, True)
