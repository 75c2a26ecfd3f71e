"""`aio-token accounts`: who is signed in to a program that keeps its users in a store, and how to end that."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from aio_token.cli._exits import Exit, exit_for, exit_for_remedy, run_to_end
from aio_token.cli._onlooker import Onlooker, accounts_in, members, sentence
from aio_token.cli._options import checked_name, completed_name
from aio_token.cli._store_address import opened, store_options
from aio_token.cli._terminal import excerpt, say, show

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from aio_token.cli._store_address import Where
    from aio_token.stores.many.interface import TokenStores

SCHEMA = 1


@click.command()
@click.argument("store", type=click.Path(file_okay=False))
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--all", "all_of_them", is_flag=True, help="Sign every account out.")
@click.option("--sign-out", is_flag=True, help="Sign the named accounts out: revoke at the server, then delete.")
@click.option("--local", is_flag=True, help="Delete here only, and tell no server.")
@store_options("store")
@click.option(
    "--profile",
    "-p",
    metavar="PROFILE",
    callback=checked_name,
    shell_complete=completed_name,
    help="Whose client signs out at the server: the program's own, as a profile.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, whose members docs/command-line.md explains.")
def command(
    names: tuple[str, ...],
    *,
    where: Where,
    all_of_them: bool,
    sign_out: bool,
    local: bool,
    profile: str | None,
    as_json: bool,
) -> int:
    """Tell who is signed in to a program that keeps its users in STORE, or sign some of them out.

    STORE is a directory, redis://HOST/0, postgresql://USER@HOST/NAME, or env:VARIABLE for an address with a password.
    Without a NAME it is about all of them; to sign all out takes --all. No token is shown.
    """
    with where.advice():
        if not sign_out:
            return run_to_end(_tell(where, names, as_json=as_json))
        if bool(names) == all_of_them:
            message = "--sign-out takes the names of accounts, or --all"
            raise click.UsageError(message)
        if not local and profile is None:
            message = "--sign-out takes the --profile of the client that revokes, or --local"
            raise click.UsageError(message)
        return run_to_end(_sign_out(where, names, None if local else profile))


async def _tell(where: Where, names: Sequence[str], *, as_json: bool) -> Exit:
    stores = where.accounts()
    async with opened(stores):
        accounts = accounts_in(stores, Onlooker())
        found = [await accounts.status(name) for name in names] if names else [one async for one in accounts.statuses()]
    if as_json:
        told = [{"account": status.name, **members(status)} for status in found]
        click.echo(json.dumps({"schema": SCHEMA, "accounts": told}, indent=2))
    else:
        for status in found:
            show(f"{excerpt(status.name or '')}: {sentence(status)}")
        if not found:
            say("There is no such directory; is its path right?" if where.is_missing else "No one is signed in there.")
    unread = next((status.remedy for status in found if status.state == "unknown" and status.remedy), None)
    if unread is not None:
        return exit_for_remedy(unread)
    return Exit.SIGN_IN if names and any(status.state == "absent" for status in found) else Exit.DONE


async def _sign_out(where: Where, names: Sequence[str], profile: str | None) -> Exit:
    stores = where.accounts()
    async with opened(stores):
        return await _signed_out(stores, names, profile)


async def _signed_out(stores: TokenStores, names: Sequence[str], profile: str | None) -> Exit:
    from aio_token._accounts.each import each_of

    if profile is None:
        failed = await each_of(_chosen(stores, names), lambda name: _delete(stores, name), at_once=1)
    else:
        from aio_token.cli._server import SessionGrant
        from aio_token.cli._session import Session

        accounts = accounts_in(stores, SessionGrant(Session.load(profile)))

        async def end(name: str) -> None:
            signed_out = await accounts[name].sign_out()
            if not signed_out.revoked:
                say(f"{excerpt(name)}: deleted here, but not revoked at the server: {signed_out.message}")

        failed = await each_of(_chosen(stores, names), end, at_once=8)
    for name, error in failed.items():
        say(f"{excerpt(name)}: {error}")
    return max(map(exit_for, failed.values()), default=Exit.DONE)


async def _delete(stores: TokenStores, name: str) -> None:
    async with stores.of(name).exclusive() as slot:  # to delete needs no key
        await slot.delete()


async def _chosen(stores: TokenStores, names: Sequence[str]) -> AsyncIterator[str]:
    if names:
        for name in names:
            yield name
    else:
        async for name in stores.names():
            yield name
