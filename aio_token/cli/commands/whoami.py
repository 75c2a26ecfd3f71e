"""`aio-token whoami`: whose token it is, as the server says it."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from aio_token._errors import ConfigurationError, ServerUnavailable, SignInRequired
from aio_token._wish import Rejection
from aio_token.cli._exits import run_to_end
from aio_token.cli._network import transport_of
from aio_token.cli._options import profile_argument
from aio_token.cli._server import discover, endpoint_at, told_by
from aio_token.cli._session import Session
from aio_token.cli._terminal import excerpt, show
from aio_token.cli._tokens import tokens_of
from aio_token.oauth.reading import read_object
from aio_token.oauth.remedies import PASSES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aio_token._repository import TokenRepository
    from aio_token.oauth.provider import Provider
    from aio_token.oauth.transport import Transport

_NAMES = ("preferred_username", "username", "email", "name", "client_id", "sub")
"""What servers call a user, the most telling first."""
_DONE, _FAILS = 200, 500


@click.command()
@profile_argument()
@click.option("--json", "as_json", is_flag=True, help="Print all that the server says.")
def command(profile: str, *, as_json: bool) -> None:
    """Ask the server whose token it is: at its user-info endpoint, or by introspection.

    What a token or an ID token says of itself is not believed.
    """
    session = Session.load(profile)
    members = run_to_end(_told(session))
    if as_json:
        click.echo(json.dumps(members, indent=2))
        return
    known = [(name, value) for name in _NAMES if isinstance(value := members.get(name), str) and value]
    show("\n".join(f"{name}: {excerpt(value)}" for name, value in known) or "the server names no user")


async def _told(session: Session) -> Mapping[str, Any]:
    """Return what the server says. Raises `TokenError`."""
    with session.advice(session.with_openid):
        async with tokens_of(session) as tokens:
            provider = await discover(session.profile)
            if provider.userinfo_endpoint is not None:
                return await _user_info(tokens, provider.userinfo_endpoint, transport_of(session.profile))
            if provider.introspection_endpoint is not None:
                return await _introspected(tokens, provider, session)
    message = "the issuer has neither a user-info nor an introspection endpoint, so that it cannot be asked"
    raise ConfigurationError(message)


async def _user_info(tokens: TokenRepository, url: str, transport: Transport) -> Mapping[str, Any]:
    reply = await tokens.authorized(partial(told_by, url, transport))
    members = read_object(reply.body)
    if reply.status == _DONE and members is not None:
        return members
    said = f"the user-info endpoint answers {reply.status}"
    if reply.status in {401, 403}:
        message = f"{said} to a valid token; sign in with --scope openid"
        raise SignInRequired(message)
    if reply.status in PASSES or reply.status >= _FAILS:
        message = f"{said}; try again later"
        raise ServerUnavailable(message)
    what = (
        "what is no JSON object, such as a signed JWT, which is not read here" if reply.status == _DONE else "no user"
    )
    message = f"{said} and {what}; check how the client is registered"
    raise ConfigurationError(message)


async def _introspected(tokens: TokenRepository, provider: Provider, session: Session) -> Mapping[str, Any]:
    endpoint = endpoint_at(provider, session, None)
    token = await tokens.token()
    members = await endpoint.introspect(token)
    if not members["active"]:
        members = await endpoint.introspect(await tokens.token(rejected=Rejection(token=token)))
    return members
