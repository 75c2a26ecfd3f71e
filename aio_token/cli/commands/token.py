"""`aio-token token`: a token that is valid now, on standard output, in the form that its reader wants."""

from __future__ import annotations

import json
import os
import shlex
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from aio_token.cli._exits import run_to_end
from aio_token.cli._options import TOKEN_VARIABLE, min_valid_option, profile_argument
from aio_token.cli._terminal import say
from aio_token.cli._tokens import token_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from aio_token._token import Token

_EXEC_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")


def _raw(token: Token) -> str:
    return token.access_token


def _header(token: Token) -> str:
    return f"Authorization: {token.authorization}"


def _env(token: Token) -> str:
    return f"export {TOKEN_VARIABLE}={shlex.quote(token.access_token)}"


def _json(token: Token) -> str:
    return json.dumps(
        {
            "access_token": token.access_token,
            "token_type": "Bearer",
            "expires_at": None if token.expires_at is None else int(token.expires_at),
            "scope": token.scope,
        }
    )


def _curl(token: Token) -> str:
    """Write a line of a curl configuration: a header among curl's arguments would be in every process listing."""
    escaped = token.authorization.replace("\\", "\\\\").replace('"', '\\"')
    return f'header = "Authorization: {escaped}"'


def _exec_credential(token: Token) -> str:
    """Write what kubectl expects of an exec plugin (client.authentication.k8s.io), in the version that it asks for."""
    status: dict[str, object] = {"token": token.access_token}
    if token.expires_at is not None:
        ends = datetime.fromtimestamp(int(token.expires_at), UTC)
        status["expirationTimestamp"] = f"{ends:%Y-%m-%dT%H:%M:%SZ}"
    return json.dumps({"apiVersion": _exec_version(), "kind": "ExecCredential", "status": status})


def _exec_version() -> str:
    try:
        version = json.loads(os.environ.get("KUBERNETES_EXEC_INFO", ""))["apiVersion"]
    except (ValueError, TypeError, KeyError):
        version = None
    return version if version in _EXEC_VERSIONS else _EXEC_VERSIONS[0]


FORMATS: dict[str, Callable[[Token], str]] = {
    "raw": _raw,
    "header": _header,
    "env": _env,
    "json": _json,
    "curl": _curl,
    "exec-credential": _exec_credential,
}
"""How each format is written, a line without its end."""


@click.command()
@profile_argument()
@min_valid_option()
@click.option("--force", is_flag=True, help="Renew the token, however long it is still valid.")
@click.option("--format", "form", type=click.Choice(list(FORMATS)), default="raw", show_default=True)
@click.option("--id-token", is_flag=True, help="Print the ID token that came with the access token, in its place.")
def command(profile: str, *, min_valid: float, force: bool, form: str, id_token: bool) -> None:
    """Print a valid access token, renewed first if that is due.

    The formats: raw, the token alone; header, for curl -H @-; env, for eval in a shell; json; curl, for curl --config
    -; exec-credential, for kubectl.
    """
    token = run_to_end(token_of(profile, min_valid=min_valid, force=force, id_token=id_token))
    left = None if token.expires_at is None else token.expires_at - time.time()
    if left is not None and left < min_valid:
        say(f"aio-token: the token is valid for {max(left, 0):.0f} s only; the server gives none for longer")
    click.echo(FORMATS[form](token))
