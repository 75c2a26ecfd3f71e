"""Encryption at rest: AES-256-GCM as a codec (law F7).

What is stored consists of, in bytes:

    8   magic
    8   checksum, the beginning of the SHA-256 of all that follows: damage is told from a missing key
    1   version
    8   key id
    8   store id, the beginning of the SHA-256 of the store's identity: a swapped record is told from a damaged one
    16  salt of keys that are derived
    12  nonce, fresh for each write
    ... the content, encrypted, and the tag

The tag covers version, key id, store id, salt and the whole identity.
"""

from __future__ import annotations

import hashlib
import os
import struct
from typing import TYPE_CHECKING

from aio_token._arguments import demand
from aio_token._disk.damage import Damaged
from aio_token._errors import KeyUnavailable, StoreError
from aio_token._ground.public import public
from aio_token.stores._arguments import having, text
from aio_token.stores.codec import MAGIC, from_json

if TYPE_CHECKING:
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
    """A codec that encrypts with the first of its keys, and reads with any of them.

    To rotate, put a new key first: the next save uses it, and `reencrypt` saves at once. `identity` names the store;
    what was written under another name is refused, so that who can move files cannot swap two. By default it is what
    the store says of itself: of a file, its path as configured, and never where a link leads; give one if the file will
    move. Raises `ConfigurationError` for what is no source of keys.
    """

    def __init__(self, key: KeySource, *older: KeySource, identity: str | None = None) -> None:
        self._keys = (key, *older)
        for source in self._keys:
            having(source, ("key",), "Encrypted() takes sources of keys, such as EnvironmentKey('TOKEN_KEY')")
        self._identity = None if identity is None else text(identity, "identity=")
        self._salt: bytes | None = None

    def __repr__(self) -> str:
        return f"Encrypted({', '.join(map(repr, self._keys))})"

    def encode(self, content: memoryview, identity: str) -> memoryview:
        """Encrypt. Raises `KeyUnavailable`."""
        salt = self._salt_to_use()
        key = self._keys[0].key(salt)
        bound = self._bound(identity)
        return _seal(key, _HEADER.pack(_VERSION, key.id, bound[:8], salt), bound, content)

    def decode(self, content: memoryview, identity: str) -> memoryview:
        """Decrypt. Raises `Damaged`, `KeyUnavailable`, and `StoreError` for what was written for another store."""
        if content[: len(MAGIC)] != MAGIC:
            from_json(content)  # damage is damage, encrypted or not
            message = "it is not encrypted, so anyone may have written it; move it away, or encrypt it once by hand"
            raise StoreError(message)
        if len(content) < _SEALED + _TAG or content[len(MAGIC) : _BODY] != _checksum(content[_BODY:]):
            message = "its checksum is wrong"
            raise Damaged(message)
        version, key_id, store_id, salt = _HEADER.unpack_from(content, _BODY)
        if version != _VERSION:
            message = f"it was encrypted by a newer aio_token (format {version}); upgrade aio_token"
            raise StoreError(message)
        bound = self._bound(identity)
        if store_id != bound[:8]:
            message = (
                "it was encrypted for another store; if it was moved here, give Encrypted() its old path as identity="
            )
            raise StoreError(message)
        key = self._key(key_id, salt)
        self._salt = salt  # deriving a key takes long: the next write uses the same
        return _unseal(key, bound, content)

    def _key(self, key_id: bytes, salt: bytes) -> Key:
        trouble = [f"no key of {self!r} opens it; it asks for the one with the id {key_id.hex()}"]
        for source in self._keys:
            try:
                key = source.key(salt)
            except KeyUnavailable as error:  # another one may do
                trouble.append(str(error))
            else:
                if key.id == key_id:
                    return key
        raise KeyUnavailable(trouble[-1])

    def _bound(self, identity: str) -> bytes:
        # The path of a file may hold bytes that are no UTF-8, as half surrogate pairs.
        name = identity if self._identity is None else self._identity
        return hashlib.sha256(name.encode(errors="surrogatepass")).digest()

    def _salt_to_use(self) -> bytes:
        if self._salt is None:
            self._salt = os.urandom(16)
        return self._salt


async def reencrypt(store: TokenStore) -> None:
    """Save what the store holds once more, which encrypts it with the first key of the ring. Raises `StoreError`."""
    demand(store, "exclusive", "reencrypt() takes a store, such as FileTokenStore(path, codec=ring)")
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
        message = "it was changed without its key"
        raise Damaged(message) from None


def _checksum(body: memoryview) -> bytes:
    return hashlib.sha256(body).digest()[:8]
