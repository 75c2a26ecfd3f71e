"""`aio-token logout`: the session ends at the server, and here."""

from __future__ import annotations

import click

from aio_token._errors import StoreError, without_frames
from aio_token.cli import _profiles
from aio_token.cli._arguments import profile_argument
from aio_token.cli._client import STORED, forget_secret
from aio_token.cli._exits import Exit
from aio_token.cli._people import say
from aio_token.cli._places import token_file
from aio_token.cli._session import ProfileGrant, tokens_of
from aio_token.cli._work import work


@click.command()
@profile_argument()
@click.option("--forget", is_flag=True, help="Remove the profile too, and its client's secret.")
def command(profile: str, *, forget: bool) -> int:
    """Revoke the token at the server, then delete it here.

    It is deleted here even if the server cannot be told; the exit code is 1 then, for the session may live on there.
    """
    return work(_sign_out(profile, forget=forget))


async def _sign_out(name: str, *, forget: bool) -> Exit:
    profile = _profiles.need(name)
    grant = ProfileGrant(name, profile)
    anything = token_file(name).exists()
    code = Exit.DONE
    try:
        event = await tokens_of(name, profile, grant).sign_out()
    except StoreError as error:
        told = "The session is ended at the server, but" if grant.revoked else "The server was perhaps not told, and"
        message = f"{told} the token is still here: {error}"
        raise type(error)(message) from without_frames(error).__cause__
    if not anything:
        say(f"The profile {name} was not signed in.")
    elif event.revoked:
        say("Signed out: revoked at the server, and deleted here.")
    elif profile.revocation_endpoint is None:
        say("Signed out: deleted here. The issuer has no way to be told; the token lives there until its end.")
    else:
        say(f"Deleted here, but not revoked at the server: {event.message}")
        code = Exit.OTHER
    if forget:
        if profile.client_secret == STORED:
            await forget_secret(name, profile)
        await _profiles.forget(name)
    return code
