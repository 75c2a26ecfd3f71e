"""What a platform says of the client in the client's stead: an ID token of a pipeline, of a pod, of a machine.

It takes the place of a client's secret (RFC 7521 section 4.2), is read anew for each request, and is kept nowhere.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

import click

from aio_token._errors import ConfigurationError
from aio_token.cli._network import transport
from aio_token.cli._places import absolute
from aio_token.cli._secret_file import reader_of

if TYPE_CHECKING:
    from aio_token.cli._profile import Profile
    from aio_token.oauth.secret import Secret

_VARIABLE = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
"""The environment variable with what GitHub's address wants as a bearer token."""
_DONE = 200


def source_option(context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    """Take where the assertion is; the message does not repeat the text, which may be the assertion itself."""
    if text is None:
        return None
    kind, _, detail = text.partition(":")
    if kind == "file" and detail:
        return f"file:{absolute(detail)}"
    if kind == "env" and detail:
        return text
    if kind == "url" and detail:
        from aio_token.oauth.url import problem_with

        problem = problem_with(detail, plain_http=False)
        if problem is None:
            return text
        message = f"the address {problem}"
        raise click.BadParameter(message, context, parameter)
    message = "write file:PATH, env:NAME or url:ADDRESS, never the assertion itself"
    raise click.BadParameter(message, context, parameter)


def assertion_of(profile: Profile) -> Secret:
    """Return what reads the assertion, each time that it is needed."""
    source = profile.assertion or ""
    if source.startswith("url:"):
        return partial(_from_platform, source.removeprefix("url:"), profile)
    return reader_of(source, "the client's assertion", hint=" (GitLab: id_tokens)")


async def _from_platform(url: str, profile: Profile) -> str:
    """Ask as GitHub wants to be asked: with the bearer token of the job, for a JSON object that holds the assertion."""
    from aio_token.oauth.form import Request
    from aio_token.oauth.reading import read_object
    from aio_token.oauth.sending import send
    from aio_token.oauth.url import origin_of

    to = f"the platform at {origin_of(url)}"
    if not os.environ.get(_VARIABLE):
        message = f"{to} wants {_VARIABLE}, which is not set; give the job: permissions: id-token: write"
        raise ConfigurationError(message)
    headers = {"Authorization": f"bearer {os.environ[_VARIABLE]}"}
    reply = await send(
        Request(to=to, url=url, method="GET", headers=headers), transport(profile.ca_file, profile.proxy)
    )
    value = (read_object(reply.body) or {}).get("value")
    if reply.status != _DONE or not isinstance(value, str):
        message = f"{to} answers {reply.status}, and gives no assertion; check the address, its audience and the job"
        raise ConfigurationError(message)
    return value
