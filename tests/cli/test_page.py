"""docs/command-line.md tells of every command, option, format, exit code and member of the JSON."""

from __future__ import annotations

import re
from pathlib import Path

import click

from aio_token.cli._app import app
from aio_token.cli._exits import Exit
from aio_token.cli._formats import FORMATS
from aio_token.cli._profile_status import ProfileStatus

PAGE = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")
COMMANDS = {
    name: command
    for name in app.list_commands(click.Context(app))
    if (command := app.get_command(click.Context(app), name))
}


def test_every_command_and_option_is_on_the_page() -> None:
    """What can be typed is told."""
    options = {
        option for command in COMMANDS.values() for one in command.params for option in one.opts if option[:2] == "--"
    }
    missing = {f"aio-token {name}" for name in COMMANDS if f"aio-token {name}" not in PAGE}
    assert missing | {option for option in options if not re.search(rf"{option}\b", PAGE)} == set()


def test_every_command_line_on_the_page_can_be_typed() -> None:
    """The commands and options that the page shows are there."""
    for line in re.findall(r"^\$ aio-token (\S+.*)$", PAGE, re.MULTILINE):
        name, *rest = re.split(r" -- |[;|]", line)[0].split()
        known = {option for parameter in COMMANDS[name].params for option in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= known, line


def test_the_members_of_the_json_are_those_on_the_page() -> None:
    """No member is promised that is not there, and none is there that is not promised."""
    table = PAGE.partition("<!-- status -->")[2].partition("<!-- /status -->")[0]
    promised = [
        name for cells in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", cells)
    ]
    assert promised == list(ProfileStatus(name="x").members)


def test_every_format_and_exit_code_is_on_the_page() -> None:
    """So that a script can be written from the page alone."""
    assert [name for name in FORMATS if f"| `{name}` |" not in PAGE] == []
    assert [code for code in Exit if f"\n| {code.value} |" not in PAGE] == []
