"""`aio-token status`: what is known of the profiles, or of a program's session; no token is shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from aio_token.cli import _profile_files
from aio_token.cli._exits import Exit, exit_for_remedy, run_to_end
from aio_token.cli._onlooker import members, sentence, status_in
from aio_token.cli._options import profile_argument
from aio_token.cli._profile_status import look_at
from aio_token.cli._store_address import opened, store_options
from aio_token.cli._terminal import excerpt, say, show

if TYPE_CHECKING:
    from aio_token._status import Status
    from aio_token.cli._store_address import Where

SCHEMA = 1


@click.command()
@profile_argument(default=None, or_store=True)
@click.argument("session", required=False)
@store_options("profile", many=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, whose members docs/command-line.md explains.")
@click.option("--check", is_flag=True, help="Exit with 3, 4 or 5 if `token` would fail now.")
def command(session: str | None, *, where: Where | None, as_json: bool, check: bool, profile: str | None = None) -> int:
    """Tell how long each token is valid, from what is stored.

    No token endpoint is asked, nothing is renewed, and no token is shown. Without PROFILE it is about all of them.

    Instead of PROFILE, a store on a server and the name of the SESSION that a program keeps there: redis://HOST/0 bot,
    postgresql://USER@HOST/NAME bot, or env:VARIABLE bot, for an address with a password.
    """
    if where is not None:
        return run_to_end(_tell(where, session, as_json=as_json, check=check))
    if session is not None:
        message = f"there is one profile at a time, and {profile} is no store: that is an address, or env:VARIABLE"
        raise click.UsageError(message)
    if profile is not None:
        _profile_files.need(profile)
    found = [look_at(name) for name in ([profile] if profile is not None else _profile_files.names())]
    if as_json:
        click.echo(json.dumps({"schema": SCHEMA, "profiles": [status.members for status in found]}, indent=2))
    elif found:
        show("\n".join(status.text for status in found))
    else:
        say("There is no profile yet; run: aio-token login --issuer URL --client-id ID")
    if check and not found:
        return Exit.SIGN_IN
    return next((status.exit for status in found if status.exit), 0) if check else 0


async def _tell(where: Where, session: str | None, *, as_json: bool, check: bool) -> Exit:
    if session is None:
        message = "say which SESSION of the store; the users of a program are told by: aio-token accounts"
        raise click.UsageError(message)
    store = where.session(session)
    async with opened(store):
        status = await status_in(store, session)
    if as_json:
        click.echo(json.dumps({"schema": SCHEMA, "sessions": [{"session": session, **members(status)}]}, indent=2))
    else:
        show(f"{excerpt(session)}: {sentence(status)}")
    return _check(status) if check else Exit.DONE


def _check(status: Status) -> Exit:
    if status.usable or status.state == "expired":  # what renews it is the program's business
        return Exit.DONE
    return Exit.SIGN_IN if status.remedy is None else exit_for_remedy(status.remedy)
