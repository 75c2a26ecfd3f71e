"""How a credential becomes the bytes of a file, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from aio_token._credential import Credential
from aio_token._disk.damage import Damaged
from aio_token._errors import KeyUnavailable, StoreError, without_frames
from aio_token._public import public

if TYPE_CHECKING:
    from pathlib import Path

    from aio_token._disk.worker import Worker

MAGIC = b"AIOTOKEN"
"""What every encrypted file begins with."""


@public
class Codec(Protocol):
    """Writes a credential as bytes, which are passed as a memoryview because its repr does not show them.

    `path` is where the bytes are kept, `worker` makes the blocking calls of the operation.
    """

    async def encode(self, credential: Credential, path: Path, worker: Worker) -> memoryview:
        """Return what is to be stored. Raises `StoreError`."""
        ...

    async def decode(self, content: memoryview, path: Path, worker: Worker) -> Credential:
        """Return what was stored.

        Raises `Damaged`, and `StoreError` if it is whole but cannot be read here and now.
        """
        ...

    async def probe(self, worker: Worker) -> None:
        """Find out whether `encode` could do its work now. Raises `StoreError`."""
        ...


class PlainCodec:
    """JSON, guarded by the file's permissions alone."""

    async def encode(self, credential: Credential, path: Path, worker: Worker) -> memoryview:  # noqa: ARG002
        """Return the credential as JSON."""
        return to_json(credential)

    async def decode(self, content: memoryview, path: Path, worker: Worker) -> Credential:  # noqa: ARG002
        """Read the JSON."""
        if content[: len(MAGIC)] == MAGIC:
            message = "it is encrypted, and this store was given no codec= to read it with"
            raise KeyUnavailable(message)
        return from_json(content)

    async def probe(self, worker: Worker) -> None:
        """JSON needs no key."""


def to_json(credential: Credential) -> memoryview:
    """Write the credential as JSON. Raises `StoreError` if its token's `extra` holds what JSON does not."""
    try:
        return memoryview(credential.to_json())
    except (TypeError, ValueError, RecursionError) as error:
        message = "the token's extra members cannot be written as JSON"
        raise StoreError(message) from without_frames(error)


def from_json(text: memoryview) -> Credential:
    """Read JSON. Raises `Damaged`, and `StoreError` if a newer version wrote it."""
    try:
        return Credential.from_json(bytes(text))
    except ValueError as error:
        raise Damaged(str(error)) from without_frames(error)
