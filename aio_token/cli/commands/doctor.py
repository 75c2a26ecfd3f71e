"""`aio-token doctor`: finds what is wrong, and says what mends it."""

from __future__ import annotations

import click

from aio_token.cli._arguments import profile_argument
from aio_token.cli._checks import findings
from aio_token.cli._exits import Exit
from aio_token.cli._work import work

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@profile_argument()
def command(profile: str) -> int:
    """Check a profile: files and their modes, lock, key, token, issuer, clock.

    A line each: ok, warn or fail, and what mends it. The exit code is that of the first failure. Nothing is renewed.
    """
    return work(_examine(profile))


async def _examine(name: str) -> Exit:
    code = Exit.DONE
    async for finding in findings(name):
        click.echo(
            f"{click.style(f'{finding.level:4}', fg=_COLOURS[finding.level])}  {finding.subject:8}  {finding.text}"
        )
        code = code or finding.exit
    return code
