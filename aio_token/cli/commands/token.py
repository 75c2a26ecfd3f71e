"""`aio-token token`: a token that is good now, on standard output."""

from __future__ import annotations

import time

import click

from aio_token.cli._arguments import min_valid_option, profile_argument
from aio_token.cli._formats import FORMATS
from aio_token.cli._people import say
from aio_token.cli._session import token_of
from aio_token.cli._work import work


@click.command()
@profile_argument()
@min_valid_option()
@click.option("--force", is_flag=True, help="Renew the token, however long it is still good for.")
@click.option("--format", "form", type=click.Choice(list(FORMATS)), default="raw", show_default=True)
def command(profile: str, *, min_valid: float, force: bool, form: str) -> None:
    """Print a valid access token, renewed first if that is due.

    The formats: raw, the token alone; header, for curl -H @-; env, for eval in a shell; json; curl, for curl --config
    -; exec-credential, for kubectl.
    """
    token = work(token_of(profile, min_valid=min_valid, force=force))
    left = None if token.expires_at is None else token.expires_at - time.time()
    if left is not None and left < min_valid:
        say(f"aio-token: the token is good for {max(left, 0):.0f} s, and no better one can be had now")
    click.echo(FORMATS[form](token))
