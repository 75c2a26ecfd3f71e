"""`aio-token exec`: a command with the token in its environment, and nowhere else.

The command gets the short-lived token and no long-lived secret: what the environment holds for this program, such as
the key of the store and secrets of clients, is taken out (law G5).
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from typing import TYPE_CHECKING

import click

from aio_token.cli._client_secret import SECRET_VARIABLE
from aio_token.cli._encryption_key import KEY_VARIABLE
from aio_token.cli._exits import Exit, run_to_end
from aio_token.cli._formats import TOKEN_VARIABLE
from aio_token.cli._options import min_valid_option, profile_argument, wish_options
from aio_token.cli._profile_files import secret_variables
from aio_token.cli._terminal import say
from aio_token.cli._tokens import token_of, warn_if_short

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aio_token._token import Token
    from aio_token._wish import Wish


def _variable(context: click.Context, parameter: click.Parameter, name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        message = "this is not the name of an environment variable"
        raise click.BadParameter(message, context, parameter)
    return name


_LIKE = "aio-token exec PROFILE -- COMMAND"


class _Split(click.Command):
    """Leaves what comes after `--` to the command that is run, so that PROFILE before it may be left out."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse what comes before the first `--`."""
        split = args.index("--") if "--" in args else len(args)
        ctx.meta[_AFTER] = tuple(args[split + 1 :])
        try:
            return super().parse_args(ctx, args[:split])
        except click.UsageError as error:
            if "--" in args:
                raise
            message = f"{error.format_message().rstrip('.')}; the command is written after two dashes: {_LIKE}"
            raise click.UsageError(message, ctx) from None


_AFTER = f"{__name__}.after"  # click wants a name of the module's in `meta`


@click.command(cls=_Split)
@profile_argument()
@min_valid_option()
@click.option(
    "--variable",
    default=TOKEN_VARIABLE,
    show_default=True,
    callback=_variable,
    help="The variable that holds the token.",
)
@click.argument("words", metavar="-- COMMAND...", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
@wish_options
def command(
    context: click.Context, *, profile: str, min_valid: float, variable: str, words: tuple[str, ...], wish: Wish
) -> int:
    """Run a command with the token in its environment.

    The command takes this process's place: signals reach it, and its exit code is passed on. Nothing renews the token
    while it runs; --min-valid says for how long it must be valid. Keys and clients' secrets that profiles read from the
    environment are not handed on.
    """
    arguments = (*words, *context.meta[_AFTER])
    if not arguments:
        message = f"there is no command; write it after two dashes, like: {_LIKE}"
        raise click.UsageError(message, context)
    if not arguments[0]:
        message = "the command has no name; is a variable before its name empty?"
        raise click.UsageError(message, context)
    token = run_to_end(token_of(profile, min_valid=min_valid, wish=wish))
    warn_if_short(token, min_valid)
    return _run[os.name](arguments, environment_with(token, variable))


def environment_with(token: Token, variable: str) -> dict[str, str]:
    """Return this process's environment without any secret of ours, and with the token."""
    secrets = {KEY_VARIABLE, SECRET_VARIABLE, *secret_variables()}
    kept = {name: value for name, value in os.environ.items() if name not in secrets}
    return {**kept, variable: token.access_token}


def become(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Replace this process; return an exit code if that cannot be done."""
    # Python ignores these two, and what is ignored stays so: `yes | head` would never end.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(arguments[0], list(arguments), environment)  # noqa: S606  no shell
    except OSError as error:
        return _cannot(arguments, error)


def run_below(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command and wait for it, on systems where a process cannot replace itself."""
    try:
        return subprocess.call(arguments, env=environment)  # noqa: S603  no shell
    except OSError as error:
        return _cannot(arguments, error)


_run: dict[str, Callable[[Sequence[str], Mapping[str, str]], int]] = {"posix": become, "nt": run_below}


def _cannot(arguments: Sequence[str], error: OSError) -> int:
    say(f"aio-token: {arguments[0]}: {error.strerror}")
    return Exit.NOT_FOUND if isinstance(error, FileNotFoundError) else Exit.NOT_RUNNABLE  # as in every shell
