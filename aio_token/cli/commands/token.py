"""`aio-token token`: a token that is valid now, on standard output, in the form that its reader wants."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from aio_token.cli._exits import run_to_end
from aio_token.cli._formats import FORMATS
from aio_token.cli._options import min_valid_option, profile_argument, wish_options
from aio_token.cli._tokens import token_of, warn_if_short

if TYPE_CHECKING:
    from aio_token._wish import Wish


@click.command()
@profile_argument()
@min_valid_option()
@click.option("--force", is_flag=True, help="Renew the token, however long it is still valid.")
@click.option(
    "--format", "form", type=click.Choice(list(FORMATS)), metavar="FORMAT", default="raw", help="How to write it."
)
@click.option("--mask", is_flag=True, help="Hide the token from the log of GitHub Actions (::add-mask::).")
@click.option("--id-token", is_flag=True, help="Print the ID token that came with the access token, in its place.")
@wish_options
def command(profile: str, *, min_valid: float, force: bool, form: str, id_token: bool, mask: bool, wish: Wish) -> None:
    """Print a valid access token, renewed first if that is due.

    The formats: raw, the token alone; header, for curl -H @-; env, for eval in a shell; fish, for source; powershell,
    for Invoke-Expression; json; curl, for curl --config -; exec-credential, for kubectl.
    """
    if mask and os.environ.get("GITHUB_ACTIONS") != "true":
        message = "--mask is for GitHub Actions, which hides what it is told of; anywhere else it would show the token"
        raise click.UsageError(message)
    token = run_to_end(token_of(profile, min_valid=min_valid, force=force, id_token=id_token, wish=wish))
    warn_if_short(token, min_valid)
    if mask:
        click.echo(f"::add-mask::{token.access_token}", err=True)
    click.echo(FORMATS[form](token))
