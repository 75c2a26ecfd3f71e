"""`aio-token login`: a person or a service account signs in, once, and the token is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from aio_token._errors import TokenError
from aio_token.cli._assertion import source_option as assertion_option
from aio_token.cli._client_secret import key_source_option, source_option
from aio_token.cli._flows import SERVICE_ACCOUNT, Redirect
from aio_token.cli._login_options import Options
from aio_token.cli._network import proxy_option
from aio_token.cli._options import origins, profile_argument
from aio_token.cli._places import absolute
from aio_token.cli._profile import CLIENT_AUTHS, STORE_KINDS
from aio_token.cli._secret_file import text_of
from aio_token.cli._sign_in import sign_in

_SECRET_METHODS = CLIENT_AUTHS[1:3]


def _redirect(context: click.Context, parameter: click.Parameter, uri: str | None) -> str | None:
    try:
        Redirect.of(uri)
    except ValueError:
        message = (
            "write it as it is registered, of this machine and without TLS, such as http://localhost:8080/callback"
        )
        raise click.BadParameter(message, context, parameter) from None
    return uri


def _from_root(context: click.Context, parameter: click.Parameter, path: Path | None) -> str | None:  # noqa: ARG001  click's
    return None if path is None else str(absolute(path))


def _details(context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    if text is None:
        return None
    from aio_token.oauth.details import details_text

    try:
        said = text_of(str(absolute(text[1:])), "what is asked for") if text.startswith("@") else text
        found = json.loads(said)
        return details_text([found] if isinstance(found, dict) else found)
    except (TokenError, TypeError) as error:
        raise click.BadParameter(str(error), context, parameter) from None
    except (ValueError, RecursionError):
        message = """this is not JSON; write it like '[{"type": "payment"}]', or @FILE"""
        raise click.BadParameter(message, context, parameter) from None


@click.command()
@profile_argument()
@click.option(
    "--issuer", metavar="URL", help="The issuer, whose metadata tells the rest (RFC 8414, OpenID Connect Discovery)."
)
@click.option("--metadata-url", metavar="URL", help="Where the issuer's metadata is, if it is nowhere usual.")
@click.option("--token-url", metavar="URL", help="The token endpoint of a server without metadata.")
@click.option("--authorization-url", metavar="URL", help="Where people sign in with a browser, if no metadata says it.")
@click.option("--device-url", metavar="URL", help="The device authorization endpoint, if no metadata says it.")
@click.option("--revocation-url", metavar="URL", help="The revocation endpoint, if no metadata says it.")
@click.option("--push-url", metavar="URL", help="Where requests are pushed (RFC 9126), if no metadata says it; pushes.")
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
    "--resource", multiple=True, metavar="URI", help="Ask for a token for this API (RFC 8707); may be repeated."
)
@click.option(
    "--origin",
    "origins",
    multiple=True,
    metavar="URL",
    callback=origins,
    help="An origin that `request` may send the token to; may be repeated.",
)
@click.option("--store", type=click.Choice(STORE_KINDS), help="plain keeps the token in a 0600 file, in clear.")
@click.option(
    "--key-file",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=lambda _context, _parameter, path: path and absolute(path),
    help="The key to encrypt with, as new-key makes it. Otherwise AIO_TOKEN_KEY, the keyring, or the usual file.",
)
@click.option(
    "--client-secret-from",
    "client_secret",
    metavar="SOURCE",
    callback=source_option,
    help="Where the client's secret is: prompt, stdin, env:NAME or file:PATH.",
)
@click.option(
    "--assertion-from",
    "assertion",
    metavar="SOURCE",
    callback=assertion_option,
    help="Where a platform's word for the client is, instead of a secret: file:PATH, env:NAME or url:ADDRESS.",
)
@click.option(
    "--client-auth",
    type=click.Choice(_SECRET_METHODS),
    metavar="METHOD",
    help=f"How the secret is sent: {' or '.join(_SECRET_METHODS)}.",
)
@click.option(
    "--client-key-from",
    "client_key",
    metavar="SOURCE",
    callback=key_source_option,
    help="Where the client's private key is, instead of a secret: env:NAME or file:PATH. It signs (private_key_jwt).",
)
@click.option(
    "--client-key-alg", metavar="ALG", help="What the key signs with: RS256 (as a rule), PS256, ES256, Ed25519."
)
@click.option("--client-key-id", metavar="KID", help="The key's name at the server.")
@click.option(
    "--client-certificate",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=_from_root,
    help="The key's certificate (PEM), for servers that know a key by it.",
)
@click.option(
    "--dpop/--no-dpop",
    default=None,
    help="Have the token bound to a key (RFC 9449): only `request` can use it then, or a program with this store.",
)
@click.option("--yes", "-y", is_flag=True, help="Make a key file, without asking, where no keyring keeps the key.")
@click.option(
    "--redirect-uri",
    metavar="URI",
    callback=_redirect,
    help="Where the browser comes back to, as it is registered; http://127.0.0.1/callback as a rule.",
)
@click.option(
    "--push",
    flag_value="always",
    default=None,
    help="Send the request to the server before the browser comes (RFC 9126), though its metadata does not demand it.",
)
@click.option(
    "--certificate",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    callback=_from_root,
    help="The certificate (PEM) that the client shows in TLS (RFC 8705), which may prove it, and binds its tokens.",
)
@click.option(
    "--certificate-key",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    callback=_from_root,
    help="The key of the certificate (PEM), if it is in a file of its own.",
)
@click.option(
    "--authorization-details",
    metavar="JSON|@FILE",
    callback=_details,
    help="Ask for what these say (RFC 9396): a list of objects with a type each.",
)
@click.option(
    "--ca-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    callback=_from_root,
    help="Certificates to trust beside the system's (PEM).",
)
@click.option("--proxy", metavar="URL", callback=proxy_option, help="The proxy to go through.")
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="The port that the browser comes back to.")
def command(profile: str, **options: Any) -> None:  # noqa: ANN401  the options above
    """Sign in, and keep the token under the name PROFILE.

    The first time, --issuer (or --token-url) and --client-id are needed; later, everything but secrets is remembered.
    Without --browser, --device or --service-account a person at a terminal gets a browser if there is a desktop, and a
    code otherwise.
    """
    proofs = [name for name in ("client_secret", "client_key", "assertion") if options[name]]
    if len(proofs) > 1 or (proofs not in ([], ["client_secret"]) and options["client_auth"]):
        message = (
            "a client has a secret, a key or a platform's word: pass --client-secret-from, --client-key-from or "
            "--assertion-from"
        )
        raise click.UsageError(message)
    sign_in(profile, Options(**options))
