"""`aio-token status`: what is known of the profiles, without asking any server and without showing a token."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from aio_token.cli import _profiles
from aio_token.cli._arguments import profile_argument
from aio_token.cli._outlook import Outlook, outlook_of
from aio_token.cli._people import say
from aio_token.cli._work import work

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA = 1


@click.command()
@profile_argument(default=None)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, whose members docs/command-line.md explains.")
@click.option("--check", is_flag=True, help="Exit with 3, 4 or 5 if `token` could give none now.")
def command(profile: str | None, *, as_json: bool, check: bool) -> int:
    """Tell how long each token is good for, from what is stored.

    No server is asked, nothing is renewed, and no token is shown. Without PROFILE it is about all of them.
    """
    if profile is not None:
        _profiles.need(profile)
    outlooks = work(_look([profile] if profile is not None else _profiles.names()))
    if as_json:
        members = {"schema": SCHEMA, "profiles": [outlook.members for outlook in outlooks]}
        click.echo(json.dumps(members, indent=2))
    elif outlooks:
        click.echo("\n".join(outlook.text for outlook in outlooks))
    else:
        say("There is no profile yet; run: aio-token login --issuer URL --client-id ID")
    return next((outlook.exit for outlook in outlooks if outlook.exit), 0) if check else 0


async def _look(names: Sequence[str]) -> list[Outlook]:
    return [await outlook_of(name) for name in names]
