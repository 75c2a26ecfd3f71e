"""A key for AES-256, and where one comes from."""

from __future__ import annotations

import base64
import hashlib
import os
from typing import Protocol

from aio_token._ground.public import public
from aio_token._ground.value import Value
from aio_token._token import Unpicklable

KEY_SIZE = 32


@public
class Key(Unpicklable, Value, kw_only=False):
    """32 secret bytes. `id` names them in the header of what they encrypt, and tells nothing about them.

    Raises ValueError for another number of bytes.
    """

    secret: bytes

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_SIZE:
            message = f"a key is {KEY_SIZE} random bytes"
            raise ValueError(message)

    @property
    def id(self) -> bytes:
        """The first 8 bytes of a SHA-256 that nothing else is compared with."""
        return hashlib.sha256(b"aio_token key id\0" + self.secret).digest()[:8]

    def __repr__(self) -> str:
        return f"<Key {self.id.hex()}>"

    @classmethod
    def read(cls, content: memoryview) -> Key:
        """Read 32 bytes in either base64 alphabet. Raises ValueError, which tells nothing secret."""
        try:
            key = cls(_from_base64(content))
        except ValueError:
            key = None
        if key is None:  # outside of the block: that error's frames hold the content
            message = "does not hold a key, which is 32 random bytes in base64, as new_key() makes it"
            raise ValueError(message)
        return key


@public
class KeySource(Protocol):
    """Supplies one key; its repr names it in error messages."""

    def key(self, salt: bytes) -> Key:
        """Return the key, of which there is one for each `salt` if it is derived from something that people remember.

        A plain function that may block for some seconds: it is called in a thread. Raises `KeyUnavailable`.
        """
        ...


def new_key() -> str:
    """Make a random key, in base64, for an environment variable, a key file or a keyring."""
    return base64.urlsafe_b64encode(os.urandom(KEY_SIZE)).decode()


def _from_base64(content: memoryview) -> bytes:
    return base64.b64decode(
        bytes(content).strip().rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/")) + b"=", validate=True
    )
