"""The seam between a text and what is kept of it elsewhere: in a store, or in a browser."""

from __future__ import annotations

from typing import Protocol

from aio_token._ground.public import public_in


@public_in("stores")
class Codec(Protocol):
    """Turns what is to be stored into other bytes, such as encrypted ones, and back.

    Both methods are plain functions and may block: they are called in a thread. `identity` is a text that names the
    place, such as the path of a file as it was configured; what was written for another place should be refused.
    Contents come as memoryviews, because their repr does not show them.
    """

    def encode(self, content: memoryview, identity: str) -> bytes | memoryview:
        """Return what is to be stored. Raises `StoreError`."""
        ...

    def decode(self, content: memoryview, identity: str) -> bytes | memoryview:
        """Return what `encode` was given.

        Raises `Damaged`, and `StoreError` if it is whole but cannot be read here and now.
        """
        ...
