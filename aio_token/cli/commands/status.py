"""`aio-token status`: what is known of the profiles; no server is asked, and no token is shown."""

from __future__ import annotations

import json

import click

from aio_token.cli import _profile_files
from aio_token.cli._options import profile_argument
from aio_token.cli._profile_status import look_at
from aio_token.cli._terminal import say, show

SCHEMA = 1


@click.command()
@profile_argument(default=None)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, whose members docs/command-line.md explains.")
@click.option("--check", is_flag=True, help="Exit with 3, 4 or 5 if `token` would fail now.")
def command(profile: str | None, *, as_json: bool, check: bool) -> int:
    """Tell how long each token is valid, from what is stored.

    No server is asked, nothing is renewed, and no token is shown. Without PROFILE it is about all of them.
    """
    if profile is not None:
        _profile_files.need(profile)
    found = [look_at(name) for name in ([profile] if profile is not None else _profile_files.names())]
    if as_json:
        click.echo(json.dumps({"schema": SCHEMA, "profiles": [status.members for status in found]}, indent=2))
    elif found:
        show("\n".join(status.text for status in found))
    else:
        say("There is no profile yet; run: aio-token login --issuer URL --client-id ID")
    return next((status.exit for status in found if status.exit), 0) if check else 0
