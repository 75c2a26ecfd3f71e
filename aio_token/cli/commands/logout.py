"""`aio-token logout`: the session ends at the server, and here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aio_token._errors import StoreError, without_frames
from aio_token.cli import _profiles
from aio_token.cli._arguments import profile_argument
from aio_token.cli._client import STORED, forget_secret
from aio_token.cli._exits import Exit
from aio_token.cli._people import say
from aio_token.cli._places import token_file
from aio_token.cli._session import ProfileGrant, tokens_of, what_helps
from aio_token.cli._work import work
from aio_token.stores.file import FileTokenStore

if TYPE_CHECKING:
    from aio_token.cli._profile import Profile


@click.command()
@profile_argument()
@click.option("--local", is_flag=True, help="Delete it here alone: the way out where its key is lost.")
@click.option("--forget", is_flag=True, help="Remove the profile too, and its client's secret.")
def command(profile: str, *, local: bool, forget: bool) -> int:
    """Revoke the token at the server, then delete it here.

    It is deleted here even if the server cannot be told; the exit code is 1 then, for the session may live on there.
    """
    return work(_log_out(profile, local=local, forget=forget))


async def _log_out(name: str, *, local: bool, forget: bool) -> Exit:
    profile = _profiles.need(name)
    code = Exit.DONE
    if not token_file(name).exists():
        say(f"The profile {name} was not signed in.")
    elif local:
        async with FileTokenStore(token_file(name)).exclusive() as slot:  # to delete needs no key
            await slot.delete()
        say("Deleted here. The server was not told: the session lives there until its end.")
    else:
        with what_helps(name):
            code = await _sign_out(name, profile)
    if forget:
        if profile.client_secret == STORED:
            await forget_secret(name, profile)
        await _profiles.forget(name)
    return code


async def _sign_out(name: str, profile: Profile) -> Exit:
    grant = ProfileGrant(name, profile)
    try:
        event = await tokens_of(name, profile, grant).sign_out()
    except StoreError as error:
        told = "The session is ended at the server, but" if grant.revoked else "The server was perhaps not told, and"
        message = f"{told} the token is still here: {error}"
        raise type(error)(message) from without_frames(error).__cause__
    if event.revoked:
        say("Signed out: revoked at the server, and deleted here.")
        return Exit.DONE
    if profile.revocation_endpoint is None:
        say("Signed out: deleted here. The issuer has no way to be told; the token lives there until its end.")
        return Exit.DONE
    say(f"Deleted here, but not revoked at the server: {event.message}")
    return Exit.OTHER
