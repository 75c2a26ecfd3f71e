"""Help on narrow terminals too, where what is said stands below what it is about; and which command was meant."""

from __future__ import annotations

from difflib import get_close_matches
from shutil import get_terminal_size
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TWO_COLUMNS = 60  # columns of a terminal that they need
_WIDEST, _NARROWEST = 80, 20


_ELSEWHERE = {
    "help": ("--help",),
    "version": ("--version",),
    **dict.fromkeys(("auth", "signin", "sign-in"), ("login",)),
    **dict.fromkeys(("signout", "sign-out", "revoke"), ("logout",)),
    **dict.fromkeys(("access-token", "get-token", "print-access-token", "refresh", "renew"), ("token",)),
    **dict.fromkeys(("api", "curl", "get", "post"), ("request",)),
    "ls": ("list", "profiles"),
    **dict.fromkeys(("use", "switch", "select", "set"), ("default",)),
    **dict.fromkeys(("delete", "rm"), ("remove",)),
    **dict.fromkeys(("mv", "move"), ("rename",)),
    "list": ("profiles",),
    "user-info": ("whoami",),
}
"""What other tools call it: gh, gcloud, aws, az, oidc-agent, and the shell."""


class _Formatter(click.HelpFormatter):
    def __init__(self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None) -> None:
        # click's own writes for 50 columns at least, wherever it is read.
        room = min(get_terminal_size().columns, max_width or _WIDEST) - 2
        super().__init__(indent_increment, width or max(room, _NARROWEST), max_width)

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write terms and what they mean."""
        if self.width >= _TWO_COLUMNS:
            super().write_dl(rows, col_max, col_spacing)
            return
        for term, meaning in rows:
            self.write_text(term)
            with self.indentation():
                self.write_text(meaning)


class Context(click.Context):
    """The context of every command."""

    formatter_class = _Formatter


class Group(click.Group):
    """Commands that say which of them was meant."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands; where two columns do not fit, there is room for what each does."""
        if formatter.width >= _TWO_COLUMNS:
            super().format_commands(ctx, formatter)
            return
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.get_short_help_str(_WIDEST)) for name, one in commands if one is not None])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command, or name those that are spelled like it."""
        alike: Sequence[str] = ()
        if self.get_command(ctx, args[0]) is None:
            elsewhere = [name for name in _ELSEWHERE.get(args[0], ()) if name[0] == "-" or self.get_command(ctx, name)]
            alike = elsewhere or get_close_matches(args[0], self.list_commands(ctx))
        if alike:
            message = f"there is no command {args[0]!r}; did you mean {' or '.join(alike)}?"
            raise click.UsageError(message, ctx)
        return super().resolve_command(ctx, args)
