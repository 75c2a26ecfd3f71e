"""Encryption at rest: AES-256-GCM as a codec of the file store (law F7).

What a file consists of, in bytes:

    8   magic
    8   checksum, the beginning of the SHA-256 of all that follows: damage is told from a missing key
    1   version
    8   key id
    8   store id, the beginning of the SHA-256 of the store's identity: a swapped file is told from a damaged one
    16  salt of keys that are derived
    12  nonce, fresh for each write
    ... the credential's JSON, encrypted, and the tag

The tag covers version, key id, store id, salt and the whole identity.
"""

from __future__ import annotations

import hashlib
import os
import struct
from functools import partial
from typing import TYPE_CHECKING

from aio_token._disk.damage import Damaged
from aio_token._errors import KeyUnavailable, StoreError
from aio_token._public import public
from aio_token.stores.codec import MAGIC, from_json, to_json

if TYPE_CHECKING:
    from pathlib import Path

    from aio_token._credential import Credential
    from aio_token._disk.worker import Worker
    from aio_token._interfaces import TokenStore
    from aio_token.stores.key import Key, KeySource

_VERSION = 1
_HEADER = struct.Struct(">B8s8s16s")
_BODY = len(MAGIC) + 8
_NONCE = _BODY + _HEADER.size
_SEALED = _NONCE + 12
_TAG = 16


@public
class Encrypted:
    """A codec of `FileTokenStore` that encrypts with the first of its keys, and reads with any of them.

    To rotate, put a new key first: the next save uses it, and `reencrypt` saves at once. `identity` names the store;
    a file that was written under another name is refused, so that nobody who can move files can swap two. It is the
    path, with links resolved, unless given; give one if the directory will move.
    """

    def __init__(self, key: KeySource, *older: KeySource, identity: str | None = None) -> None:
        self._keys = (key, *older)
        self._identity = identity
        self._salt: bytes | None = None

    def __repr__(self) -> str:
        return f"Encrypted({', '.join(map(repr, self._keys))})"

    async def encode(self, credential: Credential, path: Path, worker: Worker) -> memoryview:
        """Encrypt. Raises `KeyUnavailable`."""
        key = await self._keys[0].key(self._salt_to_use(), worker)
        identity = await self._identity_of(path, worker)
        header = _HEADER.pack(_VERSION, key.id, identity[:8], self._salt_to_use())
        return await worker.call(_seal, key, header, identity, to_json(credential))

    async def decode(self, content: memoryview, path: Path, worker: Worker) -> Credential:
        """Decrypt. Raises `Damaged`, `KeyUnavailable`, and `StoreError` for a file of another store."""
        if content[: len(MAGIC)] != MAGIC:
            from_json(content)  # damage is damage, encrypted or not
            message = "it is not encrypted, so anybody may have written it; move it away, or encrypt it once by hand"
            raise StoreError(message)
        if len(content) < _SEALED + _TAG or content[len(MAGIC) : _BODY] != _checksum(content[_BODY:]):
            message = "its checksum is wrong"
            raise Damaged(message)
        version, key_id, store_id, salt = _HEADER.unpack_from(content, _BODY)
        if version != _VERSION:
            message = f"it was encrypted by a newer aio_token (format {version}); upgrade aio_token"
            raise StoreError(message)
        identity = await self._identity_of(path, worker)
        if store_id != identity[:8]:
            message = (
                "it was encrypted for another store; if it was moved here, give Encrypted() its old path as identity="
            )
            raise StoreError(message)
        key = await self._key(key_id, salt, worker)
        self._salt = salt  # a derived key is dear: the next write uses the same
        return from_json(await worker.call(_unseal, key, identity, content))

    async def probe(self, worker: Worker) -> None:
        """Find out whether the first key can be had. Raises `KeyUnavailable`."""
        await self._keys[0].key(self._salt_to_use(), worker)

    async def _key(self, key_id: bytes, salt: bytes, worker: Worker) -> Key:
        trouble = [f"no key of {self!r} opens it; it asks for the one with the id {key_id.hex()}"]
        for source in self._keys:
            try:
                key = await source.key(salt, worker)
            except KeyUnavailable as error:  # another one may do
                trouble.append(str(error))
            else:
                if key.id == key_id:
                    return key
        raise KeyUnavailable(trouble[-1])

    async def _identity_of(self, path: Path, worker: Worker) -> bytes:
        name = self._identity if self._identity is not None else await worker.call(partial(os.path.realpath, path))
        return hashlib.sha256(name.encode()).digest()

    def _salt_to_use(self) -> bytes:
        if self._salt is None:
            self._salt = os.urandom(16)
        return self._salt


async def reencrypt(store: TokenStore) -> None:
    """Save what the store holds once more, which encrypts it with the first key of the ring. Raises `StoreError`."""
    async with store.exclusive() as slot:
        credential = await slot.load()
        if credential is not None:
            await slot.save(credential)


def _seal(key: Key, header: bytes, identity: bytes, text: memoryview) -> memoryview:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  slow to import

    nonce = os.urandom(12)
    body = header + nonce + AESGCM(key.secret).encrypt(nonce, text, header + identity)
    return memoryview(MAGIC + _checksum(memoryview(body)) + body)


def _unseal(key: Key, identity: bytes, content: memoryview) -> memoryview:
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415  slow to import
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    header, nonce, sealed = content[_BODY:_NONCE], content[_NONCE:_SEALED], content[_SEALED:]
    try:
        return memoryview(AESGCM(key.secret).decrypt(nonce, sealed, bytes(header) + identity))
    except InvalidTag:
        message = "it was changed by somebody without its key"
        raise Damaged(message) from None


def _checksum(body: memoryview) -> bytes:
    return hashlib.sha256(body).digest()[:8]
