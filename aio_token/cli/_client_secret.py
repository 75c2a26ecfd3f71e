"""The client's secret, or its key: never on a command line, never in a profile, which only says where it is.

It comes from an environment variable or a file each time that it is needed, or is typed in once and stored.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

import click

from aio_token._credential import Credential
from aio_token._errors import SignInRequired
from aio_token.cli._places import absolute
from aio_token.cli._secret_file import reader_of
from aio_token.cli._terminal import is_interactive
from aio_token.oauth.secret import Revealed

if TYPE_CHECKING:
    from aio_token.cli._session import Session
    from aio_token.oauth.secret import Secret

SECRET_VARIABLE = "AIO_TOKEN_CLIENT_SECRET"
STORED = "stored"
"""The secret was typed in, and is kept as the token is."""
_SOURCES = "prompt, stdin, env:NAME or file:PATH"
_KEY_SOURCES = "env:NAME or file:PATH"


def source_option(context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    """Take where the secret is; the message does not repeat the text, which may be the secret itself."""
    return text if text in {"prompt", "stdin"} else _elsewhere(context, parameter, text, _SOURCES, "secret")


def key_source_option(context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    """Take where the client's private key is, which is too long to be typed."""
    return _elsewhere(context, parameter, text, _KEY_SOURCES, "key")


def _elsewhere(
    context: click.Context, parameter: click.Parameter, text: str | None, sources: str, what: str
) -> str | None:
    kind, _, detail = (text or "").partition(":")
    if text is None or (kind == "env" and detail):
        return text
    if kind == "file" and detail:
        return f"file:{absolute(detail)}"
    message = f"write {sources}, never the {what} itself"
    raise click.BadParameter(message, context, parameter)


def read_once(source: str | None) -> tuple[str | None, Revealed[str] | None]:
    """Return what the profile is to remember of the source, and the secret if it has to be typed in now.

    Raises `SignInRequired` if no person is there to type it.
    """
    if source == "stdin":
        return STORED, _not_empty(Revealed(sys.stdin.readline()))
    if source == "prompt":
        if not is_interactive():
            message = f"no person is here to type the client's secret; pass --client-secret-from with {_SOURCES}"
            raise SignInRequired(message)
        return STORED, _not_empty(Revealed(click.prompt("The client's secret", hide_input=True, err=True)))
    return source, None


def secret_of(session: Session) -> Secret:
    """Return what reads the client's secret, each time that it is needed."""
    source = session.profile.client_secret or ""
    return partial(_from_store, session) if source == STORED else reader_of(source, "the client's secret")


def key_of(session: Session) -> Secret:
    """Return what reads the client's private key, each time that it is needed."""
    return reader_of(session.profile.client_key or "", "the client's key")


async def keep(session: Session, typed: Revealed[str]) -> None:
    """Store a secret that was typed in. Raises `StoreError`."""
    async with session.client_secret_store.exclusive() as slot:
        # A store keeps credentials: the secret stands where the other long-lived secret stands.
        await slot.save(Credential(refresh_token=typed.value))


async def forget(session: Session) -> None:
    """Remove a stored secret. Raises `StoreError`."""
    async with session.client_secret_store.exclusive() as slot:
        await slot.delete()


def _not_empty(secret: Revealed[str]) -> Revealed[str]:
    if not secret.value.rstrip("\r\n"):
        message = "standard input holds no secret"
        raise click.UsageError(message)
    return secret


def _from_store(session: Session) -> str:
    secret = session.read_client_secret()
    if secret is None:
        message = "the client's secret is no longer stored; sign in again"
        raise SignInRequired(message)
    return secret
