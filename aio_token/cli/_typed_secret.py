"""The client's secret on its way in: by prompt, standard input, environment or file, never as an option's value."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from aio_token._errors import SignInRequired
from aio_token.cli._client import STORED
from aio_token.cli._people import somebody_is_there
from aio_token.oauth.secret import Revealed

_FORMS = "prompt, stdin, env:NAME or file:PATH"


def secret_from(context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    """Take where the secret is; the message repeats nothing, for somebody may have written the secret itself."""
    if text is None:
        return None
    kind, _, detail = text.partition(":")
    if text in {"prompt", "stdin"} or (kind == "env" and detail):
        return text
    if kind == "file" and detail:
        return f"file:{Path(detail).expanduser().absolute()}"
    message = f"write {_FORMS}, never the secret itself"
    raise click.BadParameter(message, context, parameter)


def received(source: str | None) -> tuple[str | None, Revealed[str] | None]:
    """Return what the profile is to remember of the source, and the secret if it has to be read now.

    Raises `SignInRequired` if nobody is there to type it.
    """
    if source == "stdin":
        return STORED, _given(Revealed(sys.stdin.readline()))
    if source == "prompt":
        if not somebody_is_there():
            message = f"nobody is here to type the client's secret; pass --client-secret-from with {_FORMS}"
            raise SignInRequired(message)
        return STORED, _given(Revealed(click.prompt("The client's secret", hide_input=True, err=True)))
    return source, None


def _given(secret: Revealed[str]) -> Revealed[str]:
    if not secret.value.rstrip("\r\n"):
        message = "standard input holds no secret"
        raise click.UsageError(message)
    return secret
