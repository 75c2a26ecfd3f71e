"""`aio-token accounts`: who is signed in to a program that keeps its users in a directory, and how to end that."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from aio_token._errors import ConfigurationError, KeyUnavailable, without_frames
from aio_token.cli._exits import Exit, exit_for, run_to_end
from aio_token.cli._options import checked_name, completed_name
from aio_token.cli._terminal import excerpt, say, show

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from aio_token._accounts.accounts import Accounts
    from aio_token._credential import Credential
    from aio_token._interfaces import Grant
    from aio_token._status import Status
    from aio_token._wish import Wish
    from aio_token.stores.many.directory import DirectoryTokenStores

SCHEMA = 1


@click.command()
@click.argument("directory", type=click.Path(file_okay=False))
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--all", "all_of_them", is_flag=True, help="Sign every account out.")
@click.option("--sign-out", is_flag=True, help="Sign the named accounts out: revoke at the server, then delete.")
@click.option("--local", is_flag=True, help="Delete here only, and tell no server.")
@click.option("--key", metavar="KEY", help="What opens the records: env:VARIABLE, file:PATH or keyring.")
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
    directory: str,
    names: tuple[str, ...],
    *,
    all_of_them: bool,
    sign_out: bool,
    local: bool,
    key: str | None,
    profile: str | None,
    as_json: bool,
) -> int:
    """Tell who is signed in to a program that keeps its users in DIRECTORY, or sign some of them out.

    Without a NAME it is about all of them; to sign all out takes --all. No token is shown.
    """
    stores = _stores_in(directory, key)
    with _advice(key):
        if not sign_out:
            return run_to_end(_tell(stores, names, as_json=as_json))
        if bool(names) == all_of_them:
            message = "--sign-out takes the names of accounts, or --all"
            raise click.UsageError(message)
        if not local and profile is None:
            message = "--sign-out takes the --profile of the client that revokes, or --local"
            raise click.UsageError(message)
        return run_to_end(_sign_out(stores, names, None if local else profile))


class _Onlooker:
    """A grant that takes every record for its own, and asks no server."""

    issued_by = None

    async def obtain(self, credential: Credential | None, wish: Wish) -> Credential:  # noqa: ARG002  a grant's
        """Obtain nothing. Raises `ConfigurationError`."""
        message = "this command renews nothing"
        raise ConfigurationError(message)


def _stores_in(directory: str, key: str | None) -> DirectoryTokenStores:
    from aio_token.cli._encryption_key import key_source
    from aio_token.stores.encrypted import Encrypted
    from aio_token.stores.many.directory import DirectoryTokenStores

    return DirectoryTokenStores(directory, codec=None if key is None else Encrypted(key_source(key)))


def _accounts_in(stores: DirectoryTokenStores, grant: Grant) -> Accounts:
    from aio_token._accounts.accounts import Accounts

    return Accounts(lambda _: grant, stores, observer=None)


async def _tell(stores: DirectoryTokenStores, names: Sequence[str], *, as_json: bool) -> Exit:
    accounts = _accounts_in(stores, _Onlooker())
    found = [await accounts.status(name) for name in names] if names else [one async for one in accounts.statuses()]
    if as_json:
        click.echo(json.dumps({"schema": SCHEMA, "accounts": [_members(status) for status in found]}, indent=2))
    else:
        for status in found:
            show(f"{excerpt(status.name or '')}: {_sentence(status)}")
        if not found:
            say("No one is signed in there.")
    return Exit.SIGN_IN if names and any(status.state == "absent" for status in found) else Exit.DONE


def _members(status: Status) -> dict[str, object]:
    return {
        "account": status.name,
        "state": status.state,
        "usable": status.usable,
        "renewable": status.has_refresh_token,
        "expires_at": None if status.expires_at is None else int(status.expires_at),
        "scope": status.scope,
        "fingerprint": status.fingerprint,
        "problem": status.trouble,
    }


def _sentence(status: Status) -> str:
    if status.trouble is not None:
        return excerpt(status.trouble)
    if status.usable and status.expires_at is not None:
        return f"valid until {datetime.fromtimestamp(status.expires_at, UTC):%Y-%m-%d %H:%M:%S UTC}"
    if status.usable:
        return "valid until a time that the server did not tell"
    return "the next use obtains a token" if status.has_refresh_token else "not signed in"


async def _sign_out(stores: DirectoryTokenStores, names: Sequence[str], profile: str | None) -> Exit:
    from aio_token._accounts.each import each_of

    if profile is None:
        failed = await each_of(_chosen(stores, names), lambda name: _delete(stores, name), at_once=1)
    else:
        from aio_token.cli._server import SessionGrant
        from aio_token.cli._session import Session

        accounts = _accounts_in(stores, SessionGrant(Session.load(profile)))

        async def end(name: str) -> None:
            signed_out = await accounts[name].sign_out()
            if not signed_out.revoked:
                say(f"{excerpt(name)}: deleted here, but not revoked at the server: {signed_out.message}")

        failed = await each_of(_chosen(stores, names), end, at_once=8)
    for name, error in failed.items():
        say(f"{excerpt(name)}: {error}")
    return max(map(exit_for, failed.values()), default=Exit.DONE)


async def _delete(stores: DirectoryTokenStores, name: str) -> None:
    async with stores.of(name).exclusive() as slot:  # to delete needs no key
        await slot.delete()


async def _chosen(stores: DirectoryTokenStores, names: Sequence[str]) -> AsyncIterator[str]:
    if names:
        for name in names:
            yield name
    else:
        async for name in stores.names():
            yield name


@contextmanager
def _advice(key: str | None) -> Iterator[None]:
    """Add to an error what opens the records."""
    try:
        yield
    except KeyUnavailable as error:
        if key is not None:
            raise
        message = f"{error}; say where its key is: --key env:VARIABLE, file:PATH or keyring"
        raise KeyUnavailable(message) from without_frames(error).__cause__
