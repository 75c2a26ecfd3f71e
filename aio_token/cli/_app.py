"""`aio-token` itself: finds the command, and turns what goes wrong into a sentence and an exit code.

A command is imported when it is asked for. What it prints on standard output is data, and what goes to standard error
is for people.
"""

from __future__ import annotations

import os
import traceback
from importlib import import_module
from typing import TYPE_CHECKING

import click

from aio_token._errors import TokenError
from aio_token.cli._exits import TABLE, Exit, exit_for
from aio_token.cli._help import Context, Group
from aio_token.cli._streams import StreamLost
from aio_token.cli._terminal import say

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMANDS = {
    "login": "login",
    "logout": "logout",
    "token": "token",
    "status": "status",
    "whoami": "whoami",
    "request": "request",
    "exec": "exec",
    "profiles": "profiles",
    "git": "credential_helpers.git",
    "docker": "credential_helpers.docker",
    "doctor": "doctor",
    "accounts": "accounts",
    "new-key": "new_key",
    "completion": "completion",
}
"""Each command and its module, in the order of the help; `command` is its name there, unless another one is said."""


class _Commands(Group):
    """Commands that are imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's
        """Return the names, in the order of a first day's work."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's
        """Import a command."""
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(".")
        command: click.Command = getattr(import_module(f"aio_token.cli.commands.{module}"), name or "command")
        command.context_class = Context
        return command


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=f"Exit codes: {TABLE.replace('`', '')}.",
)
@click.version_option(package_name="aio-token", message="%(version)s")
@click.pass_context
def app(context: click.Context) -> None:
    """Sign in once; have a valid access token whenever one is needed."""
    if os.environ.get("NO_COLOR"):  # https://no-color.org
        context.color = False


app.context_class = Context


def run(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command line, by default the process's own, and return the exit code."""
    try:
        code = app.main(arguments, prog_name="aio-token", standalone_mode=False)
    except click.Abort:
        return Exit.INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except TokenError as error:
        say(f"aio-token: {error}")
        return exit_for(error)
    except StreamLost as lost:
        if lost.sentence is not None:
            say(lost.sentence)
        return lost.code
    except Exception as error:  # noqa: BLE001  a mistake of this program's; its text may hold a secret
        say(f"aio-token: {type(error).__name__} {_place_of(error)}; this is a bug, please report it with this line")
        return Exit.OTHER
    return int(code or Exit.DONE)


def _place_of(error: Exception) -> str:
    """Say where an error was raised, without any value."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"in {last.name}, line {last.lineno} of {last.filename}"
