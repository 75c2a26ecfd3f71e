"""`aio-token profiles`: which sign-ins there are, which one is meant where none is named, and their names."""

from __future__ import annotations

import click

from aio_token.cli import _client_secret, _profile_files
from aio_token.cli._exits import run_to_end
from aio_token.cli._help import Context, Group
from aio_token.cli._options import checked_name, completed_name
from aio_token.cli._session import Session
from aio_token.cli._terminal import say
from aio_token.cli.commands.logout import log_out


@click.group(cls=Group, invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """List the profiles, the default one with a star."""
    if context.invoked_subcommand is None:
        context.invoke(list_all)


command.context_class = Context
_known = click.argument("name", metavar="PROFILE", callback=checked_name, shell_complete=completed_name)
_new = click.argument("new", metavar="NEW", callback=checked_name)


@command.command(name="list")
def list_all() -> None:
    """List the profiles, as no command does."""
    names, default = _profile_files.names(), _profile_files.chosen()
    for name in names:
        click.echo(f"{'*' if name == default else ' '} {name}")
    if not names:
        say("There is no profile yet; run: aio-token login --issuer URL --client-id ID")


@command.command()
@_known
def default(name: str) -> None:
    """Let PROFILE be the one that is meant where none is named."""
    _profile_files.need(name)
    _profile_files.choose(name)
    say(f"The default profile is {name}.")


@command.command()
@_known
@_new
def rename(name: str, new: str) -> None:
    """Call PROFILE by another name; its session stays as it is."""
    before, after = Session.load(name), Session(new, _profile_files.need(name))
    if name == new:
        message = f"the profile {name} has that name already"
        raise click.UsageError(message)
    if _profile_files.find(new) is not None or (before.is_signed_in and after.is_signed_in):
        message = f"there is a profile {new} already; remove it first: aio-token profiles remove {new}"
        raise click.UsageError(message)
    with before.advice():
        run_to_end(_move(before, after))
    _profile_files.add(new, before.profile)
    if _profile_files.chosen() == name:
        _profile_files.choose(new)
    _profile_files.forget(name)


@command.command()
@_known
def remove(name: str) -> int:
    """Sign out of PROFILE, and forget it with its client's secret."""
    return run_to_end(log_out(Session.load(name), local=False, forget=True))


for _each in command.commands.values():
    _each.context_class = Context


async def _move(before: Session, after: Session) -> None:
    """Move what is kept, which is bound to its place, so that no two places have the same refresh token."""
    if before.is_signed_in:
        async with before.store.exclusive() as old, after.store.exclusive() as new:
            credential = await old.load()
            if credential is not None:
                await new.save(credential)
            await old.delete()
    if before.profile.client_secret == _client_secret.STORED:
        async with before.client_secret_store.exclusive() as old, after.client_secret_store.exclusive() as new:
            secret = await old.load()
            if secret is not None:
                await new.save(secret)
            await old.delete()
