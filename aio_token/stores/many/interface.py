"""The seam for the stores of many accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from aio_token._ground.public import public_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_token._interfaces import TokenStore


@public_in("stores")
class TokenStores(Protocol):
    """Keeps the credentials of many accounts, each under a name: 1 to 256 characters, none of them a control one.

    `account_key` makes of such a name what can stand in a file's name, a key or an address.
    """

    def of(self, name: str) -> TokenStore:
        """Return the store of one account; does no I/O. Raises `ConfigurationError` for what is no name.

        Two stores of one name exclude each other, as two handles on one store do.
        """
        ...

    def names(self) -> AsyncIterator[str]:
        """Return the names of the accounts that something is kept of, in any order. Raises `StoreError`."""
        ...

    def due(self, before: float) -> AsyncIterator[str]:
        """Return the names of those whose refresh token ends before that moment (POSIX seconds). Raises `StoreError`.

        Refresh tokens that are refused already, `Credential.is_refused`, are left out.
        """
        ...
