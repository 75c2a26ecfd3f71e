"""The record of one account of many: the name stands before the credential, and is compared (law I4)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeGuard

from aio_token._disk.damage import Damaged
from aio_token._errors import ConfigurationError, StoreError
from aio_token.stores.many.names import account_key, checked_name

if TYPE_CHECKING:
    from aio_token._credential import Credential
    from aio_token._ground.codec import Codec

_END = ord("\n")
_LONGEST = 4_096
"""Bytes of a line with a name; JSON may take twelve for a character."""


class NamedRecord:
    """A codec around another one, which may encrypt: what it encrypts begins with a line that names the account.

    The record of another account that was moved here is refused, whatever the other codec binds.
    """

    def __init__(self, codec: Codec, key: str, name: str = "") -> None:
        """Take the account's key; the `name` is learnt from what is read."""
        self._codec = codec
        self._key = key
        self.name: str = name

    def encode(self, content: memoryview, identity: str) -> bytes | memoryview:
        """Return what is to be stored. Raises `StoreError`."""
        line = json.dumps({"account": self.name}, separators=(",", ":")).encode()
        return self._codec.encode(memoryview(b"\n".join((line, content))), identity)

    def decode(self, content: memoryview, identity: str) -> memoryview:
        """Return what `encode` was given. Raises `Damaged`, and `StoreError` for the record of another account."""
        record = memoryview(self._codec.decode(content, identity))
        end = next((place for place, byte in enumerate(record[:_LONGEST]) if byte == _END), 0)
        name = _name_in(record[:end])
        if name is None:
            message = "it does not begin with the name of an account"
            raise Damaged(message)
        if account_key(name) != self._key:
            message = "it is the record of another account, which was moved here; move it back, or remove it"
            raise StoreError(message)
        self.name = name
        return record[end + 1 :]


def _name_in(line: memoryview) -> str | None:
    try:
        return checked_name(json.loads(bytes(line))["account"])
    except (ValueError, RecursionError, LookupError, TypeError, ConfigurationError):
        return None


def is_there(credential: Credential | None) -> TypeGuard[Credential]:
    """Whether something is kept of an account, and not only that it was removed."""
    return credential is not None and not credential.is_tombstone


def is_due(credential: Credential, before: float) -> bool:
    """Whether the refresh token is known to end before that moment (POSIX seconds), and is not refused yet."""
    ends = credential.refresh_expires_at if credential.refresh_token else None
    return ends is not None and ends < before and not credential.is_refused
