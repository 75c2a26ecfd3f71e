"""`aio-token git` and `aio-token docker`: answers in the words of other programs that ask for a password.

The token is the password, and it goes to the origins of its profile only (law A1).
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from aio_token import __version__
from aio_token._errors import TokenError
from aio_token._token import Token
from aio_token.cli import _profile_files
from aio_token.cli._destinations import profile_for
from aio_token.cli._exits import Exit, exit_for, run_to_end
from aio_token.cli._session import Session
from aio_token.cli._terminal import say
from aio_token.cli._tokens import token_of, tokens_of

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST = 65_536  # characters of a question
_NOT_FOUND = "credentials not found in native keychain"
"""What docker takes for "go on without a password", word by word."""

_ADD = "aio-token login PROFILE --origin"

_username = click.option(
    "--username",
    metavar="NAME",
    envvar="AIO_TOKEN_USERNAME",
    default="oauth2",
    show_default=True,
    help="The name that the server wants beside a token.",
)


@click.command(name="git")
@click.argument("operation", metavar="get|store|erase")
@_username
def git(operation: str, username: str) -> int:
    """Answer git, which asks for a password (see gitcredentials).

    The profile is the one whose --origin the server is: git config --global credential.https://git.example.helper
    '!aio-token git'. A token that the server has rejected is renewed.
    """
    asked = dict(line.partition("=")[::2] for line in sys.stdin.read(_LONGEST).split("\n") if "=" in line)
    address = f"{asked.get('protocol', '')}://{asked.get('host', '')}"
    if operation not in {"get", "erase"}:  # git has helpers pass over what they do not know
        return Exit.DONE
    if not (asked.get("protocol") and asked.get("host")):
        say("aio-token: git names the server on standard input, in lines such as protocol=https and host=git.example")
        return Exit.DONE
    try:
        name = profile_for(address)
        if name is None:
            if operation == "get":
                say(f"aio-token: no profile may send its token to {address}; if one may, run: {_ADD} {address}")
        elif operation == "get":
            token = run_to_end(token_of(name))
            click.echo(f"username={asked.get('username') or username}\npassword={token.access_token}")
            if token.expires_at is not None:
                click.echo(f"password_expiry_utc={int(token.expires_at)}")
        elif asked.get("password"):
            run_to_end(_rejected(Session.load(name), asked["password"]))
    except TokenError as error:
        click.echo("quit=1")  # git would ask a person for a password that there is not
        say(f"aio-token: {error}")
        return exit_for(error)
    return Exit.DONE


async def _rejected(session: Session, text: str) -> None:
    """Renew the token if it is the one that the server has rejected."""
    with session.advice():
        async with tokens_of(session) as tokens:
            await tokens.token(rejected=Token(access_token=text))


@click.command(name="docker")
@click.argument("operation", metavar="get|store|erase|list|version")
@_username
def docker(operation: str, username: str) -> int:
    """Answer docker, which runs docker-credential-aio-token (see credHelpers in its config.json).

    The profile is the one whose --origin the registry is. Nothing is stored or erased for docker.
    """
    answer = _FOR_DOCKER.get(operation)
    if answer is None:
        message = f"{operation!r} is none of get, store, erase, list and version"
        raise click.UsageError(message)
    return answer(username)


def _get(username: str) -> int:
    server = sys.stdin.read(_LONGEST).strip()
    try:
        name = profile_for(server if "://" in server else f"https://{server}")
        if name is None:
            click.echo(_NOT_FOUND)
            return Exit.OTHER
        token = run_to_end(token_of(name))
    except TokenError as error:
        click.echo(f"aio-token: {error}")  # docker shows what is on standard output
        return exit_for(error)
    click.echo(json.dumps({"ServerURL": server, "Username": username, "Secret": token.access_token}))
    return Exit.DONE


def _list(username: str) -> int:
    known = (_profile_files.need(name) for name in _profile_files.names())
    click.echo(json.dumps({origin: username for profile in known for origin in profile.origins}))
    return Exit.DONE


def _nothing(_: str) -> int:
    sys.stdin.read(_LONGEST)
    return Exit.DONE


def _version(_: str) -> int:
    click.echo(f"docker-credential-aio-token {__version__}")
    return Exit.DONE


_FOR_DOCKER: dict[str, Callable[[str], int]] = {
    "get": _get,
    "list": _list,
    "store": _nothing,
    "erase": _nothing,
    "version": _version,
}
