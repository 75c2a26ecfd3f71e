"""`aio-token login`: a person or a service account signs in, once, and the token is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import click

from aio_token.cli._client_secret import source_option
from aio_token.cli._flows import SERVICE_ACCOUNT
from aio_token.cli._options import origins, profile_argument
from aio_token.cli._profile import ClientAuth, StoreKind
from aio_token.cli._sign_in import Options, sign_in


@click.command()
@profile_argument()
@click.option(
    "--issuer", metavar="URL", help="The issuer, whose metadata tells the rest (RFC 8414, OpenID Connect Discovery)."
)
@click.option("--client-id", metavar="ID", help="The client, as it is registered there.")
@click.option("--browser", "flow", flag_value="browser", help="Sign in with a browser of this machine.")
@click.option("--device", "flow", flag_value="device", help="Show a code to enter on any device.")
@click.option(
    "--service-account", "flow", flag_value=SERVICE_ACCOUNT, help="The client signs in as itself, without a person."
)
@click.option(
    "--scope",
    multiple=True,
    metavar="SCOPE",
    callback=lambda _context, _parameter, given: " ".join(given) or None,
    help="Ask for a scope; may be repeated.",
)
@click.option("--audience", metavar="NAME", help="Ask for a token for this audience.")
@click.option(
    "--origin",
    "origins",
    multiple=True,
    metavar="URL",
    callback=origins,
    help="An origin that `request` may send the token to; may be repeated.",
)
@click.option("--store", type=click.Choice(get_args(StoreKind)), help="plain keeps the token in a 0600 file, in clear.")
@click.option(
    "--key-file",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=lambda _context, _parameter, path: path and path.expanduser().absolute(),
    help="The key to encrypt with, as new-key makes it. Otherwise AIO_TOKEN_KEY, or the keyring.",
)
@click.option(
    "--client-secret-from",
    "client_secret",
    metavar="SOURCE",
    callback=source_option,
    help="Where the client's secret is: prompt, stdin, env:NAME or file:PATH.",
)
@click.option(
    "--client-auth",
    type=click.Choice(get_args(ClientAuth)[1:]),
    metavar="METHOD",
    help=f"How the secret is sent: {' or '.join(get_args(ClientAuth)[1:])}.",
)
@click.option("--yes", "-y", is_flag=True, help="Make a key file, without asking, where no keyring keeps the key.")
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="The port that the browser comes back to.")
def command(profile: str, **options: Any) -> None:  # noqa: ANN401  the options above
    """Sign in, and keep the token under the name PROFILE.

    The first time, --issuer and --client-id are needed; later, everything but secrets is remembered. Without --browser,
    --device or --service-account a person at a terminal gets a browser if there is a desktop, and a code otherwise.
    """
    sign_in(profile, Options(**options))
