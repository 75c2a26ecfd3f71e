"""How a credential becomes the bytes that are stored, and back: JSON, and what a codec makes of it."""

from __future__ import annotations

import json

from aio_token._credential import SCHEMA_VERSION, Credential
from aio_token._disk.damage import Damaged
from aio_token._errors import KeyUnavailable, StoreError, without_frames
from aio_token._ground import TYPE_CHECKING
from aio_token.stores._arguments import having

if TYPE_CHECKING:
    from aio_token._ground.codec import Codec

MAGIC = b"AIOTOKEN"
"""What every encrypted content begins with."""

NOTHING = memoryview(json.dumps({"version": SCHEMA_VERSION, "probe": True}).encode())
"""What a probe writes where nothing is kept, and removes: it says that nothing is kept."""


class PlainCodec:
    """Leaves the content as it is."""

    def encode(self, content: memoryview, identity: str) -> memoryview:  # noqa: ARG002
        """Return the content."""
        return content

    def decode(self, content: memoryview, identity: str) -> memoryview:  # noqa: ARG002
        """Return the content, unless it is encrypted."""
        if content[: len(MAGIC)] == MAGIC:
            message = "it is encrypted, and this store was given no codec= to read it with"
            raise KeyUnavailable(message)
        return content


def codec_of(given: Codec | None) -> Codec:
    """Return the codec that a store was given, a plain one for none. Raises `ConfigurationError` for what is none."""
    if given is None:
        return PlainCodec()
    having(given, ("encode", "decode"), "codec= takes a codec, such as Encrypted(EnvironmentKey('TOKEN_KEY'))")
    return given


def to_json(credential: Credential) -> memoryview:
    """Write the credential as JSON. Raises `StoreError` if its token's `extra` holds what JSON does not."""
    try:
        return memoryview(credential.to_json())
    except (TypeError, ValueError, RecursionError) as error:
        message = "the token's extra members cannot be written as JSON"
        raise StoreError(message) from without_frames(error)


def from_json(text: bytes | memoryview) -> Credential:
    """Read JSON. Raises `Damaged`, and `StoreError` if a newer version wrote it."""
    try:
        return Credential.from_json(bytes(text))
    except ValueError as error:
        raise Damaged(str(error)) from without_frames(error)


def credential_of(text: bytes | memoryview, now: float) -> Credential | None:
    """Read JSON, None for what a probe left that was killed and for a tombstone whose time has passed.

    Raises as `from_json` does.
    """
    credential = None if text == NOTHING else from_json(text)
    return None if credential is not None and credential.has_passed(now) else credential
