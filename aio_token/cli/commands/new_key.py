"""`aio-token new-key`: a key for the encrypted store."""

from __future__ import annotations

import click

from aio_token.stores.key import new_key


@click.command()
def command() -> None:
    """Print a new key, for AIO_TOKEN_KEY or for a key file.

    Only you may read a key file: (umask 077; aio-token new-key > FILE).
    """
    click.echo(new_key())
