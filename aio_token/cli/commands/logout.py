"""`aio-token logout`: the session ends at the server, and here."""

from __future__ import annotations

import click

from aio_token._errors import StoreError, without_frames
from aio_token._repository import TokenRepository
from aio_token.cli import _client_secret, _profile_files
from aio_token.cli._exits import Exit, run_to_end
from aio_token.cli._options import profile_argument
from aio_token.cli._server import SessionGrant
from aio_token.cli._session import Session
from aio_token.cli._terminal import say
from aio_token.stores.file import FileTokenStore


@click.command()
@profile_argument()
@click.option("--local", is_flag=True, help="Delete it here only, as when its key is lost.")
@click.option("--forget", is_flag=True, help="Remove the profile too, and its client's secret.")
def command(profile: str, *, local: bool, forget: bool) -> int:
    """Revoke the token at the server, then delete it here.

    It is deleted here even if the server cannot be told; the exit code is 1 then, since the session may live on there.
    """
    return run_to_end(log_out(Session.load(profile), local=local, forget=forget))


async def log_out(session: Session, *, local: bool, forget: bool) -> Exit:
    """End the session; `forget` removes the profile too. Raises `TokenError`."""
    code = Exit.DONE
    if not session.is_signed_in:
        say(f"The profile {session.name} was not signed in.")
    elif local:
        async with FileTokenStore(session.token_file).exclusive() as slot:  # to delete needs no key
            await slot.delete()
        say("Deleted here. The server was not told: the session lives there until it ends by itself.")
    else:
        with session.advice():
            code = await _sign_out(session)
    if forget:
        if session.profile.client_secret == _client_secret.STORED:
            await _client_secret.forget(session)
        _profile_files.forget(session.name)
    return code


async def _sign_out(session: Session) -> Exit:
    grant = SessionGrant(session)
    try:
        event = await TokenRepository(grant, session.store, observer=None).sign_out()
    except StoreError as error:
        told = "The session has ended at the server, but" if grant.revoked else "The server was perhaps not told, and"
        message = f"{told} the token is still here: {error}"
        raise type(error)(message) from without_frames(error).__cause__
    if event.revoked:
        say("Signed out: revoked at the server, and deleted here.")
        return Exit.DONE
    if session.profile.revocation_endpoint is None:
        say("Signed out: deleted here. The issuer has no revocation endpoint; the token is valid there until it ends.")
        return Exit.DONE
    say(f"Deleted here, but not revoked at the server: {event.message}")
    return Exit.OTHER
