"""What is kept of a session or an account in a program's store, told without a server and without a token."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aio_token._clock import SYSTEM_CLOCK
from aio_token._errors import ConfigurationError
from aio_token._freshness import Windows
from aio_token.cli._store_address import Where
from aio_token.cli._terminal import excerpt
from aio_token.cli._wording import spoken

if TYPE_CHECKING:
    from aio_token._accounts.accounts import Accounts
    from aio_token._credential import Credential
    from aio_token._interfaces import Grant, TokenStore
    from aio_token._status import Status
    from aio_token._wish import Wish
    from aio_token.stores.many.interface import TokenStores


class Onlooker:
    """A grant that takes every record for its own, and asks no server."""

    issued_by = None

    async def obtain(self, credential: Credential | None, wish: Wish) -> Credential:  # noqa: ARG002  a grant's
        """Obtain nothing. Raises `ConfigurationError`."""
        message = "this command renews nothing"
        raise ConfigurationError(message)


def accounts_in(stores: TokenStores, grant: Grant) -> Accounts:
    """Return the accounts of a store, each with this grant."""
    from aio_token._accounts.accounts import Accounts

    return Accounts(lambda _: grant, stores, observer=None)


async def status_in(store: TokenStore, name: str) -> Status:
    """Return the status of the session that the store keeps."""
    from aio_token._accounts.looking import look_at
    from aio_token._limits import Limits

    return await look_at(store, None, name=name, limits=Limits(), windows=Windows(), clock=SYSTEM_CLOCK)


def members(status: Status) -> dict[str, object]:
    """Return what is written as JSON; docs/command-line.md promises these members."""
    return {
        "state": status.state,
        "usable": status.usable,
        "renewable": status.has_refresh_token,
        "expires_at": None if status.expires_at is None else int(status.expires_at),
        "scope": status.scope,
        "fingerprint": status.fingerprint,
        "problem": None if status.trouble is None else spoken(Where.worded(status.trouble)),
    }


def sentence(status: Status) -> str:
    """Say in a few words how it stands: the problem, or how long the token is valid."""
    if status.trouble is not None:
        return excerpt(Where.worded(status.trouble))
    if status.usable and status.expires_at is not None:
        return f"valid until {datetime.fromtimestamp(status.expires_at, UTC):%Y-%m-%d %H:%M:%S UTC}"
    if status.usable:
        return "valid until a time that the server did not tell"
    return "the next use obtains a token" if status.has_refresh_token else "not signed in"
