"""`aio-token exec`: a command with the token in its environment, and nowhere else."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from typing import TYPE_CHECKING

import click

from aio_token.cli._exits import run_to_end
from aio_token.cli._options import TOKEN_VARIABLE, min_valid_option, profile_argument
from aio_token.cli._terminal import say
from aio_token.cli._tokens import token_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aio_token._token import Token

_NOT_FOUND, _NOT_RUNNABLE = 127, 126  # as in every shell


def _variable(context: click.Context, parameter: click.Parameter, name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        message = "this is not the name of an environment variable"
        raise click.BadParameter(message, context, parameter)
    return name


@click.command()
@profile_argument(default=None, required=True)
@min_valid_option()
@click.option(
    "--variable",
    default=TOKEN_VARIABLE,
    show_default=True,
    callback=_variable,
    help="The variable that holds the token.",
)
@click.argument("arguments", metavar="-- COMMAND...", nargs=-1, required=True, type=click.UNPROCESSED)
def command(profile: str, *, min_valid: float, variable: str, arguments: tuple[str, ...]) -> int:
    """Run a command with the token in its environment.

    The command takes this process's place: signals reach it, and its exit code is passed on. Nothing renews the token
    while it runs; --min-valid says for how long it must be valid.
    """
    return _run[os.name](arguments, variable, run_to_end(token_of(profile, min_valid=min_valid)))


def become(arguments: Sequence[str], variable: str, token: Token) -> int:
    """Replace this process; return an exit code if that cannot be done."""
    # Python ignores these two, and what is ignored stays so: `yes | head` would never end.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(arguments[0], list(arguments), {**os.environ, variable: token.access_token})  # noqa: S606  no shell
    except OSError as error:
        return _cannot(arguments, error)


def run_below(arguments: Sequence[str], variable: str, token: Token) -> int:
    """Run the command and wait for it, on systems where a process cannot replace itself."""
    try:
        return subprocess.call(arguments, env={**os.environ, variable: token.access_token})  # noqa: S603  no shell
    except OSError as error:
        return _cannot(arguments, error)


_run: dict[str, Callable[[Sequence[str], str, Token], int]] = {"posix": become, "nt": run_below}


def _cannot(arguments: Sequence[str], error: OSError) -> int:
    say(f"aio-token: {arguments[0]}: {error.strerror}")
    return _NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_RUNNABLE
