"""Codecs: bytes in, bytes out, in the thread of the store, and never for another store than the one they were told."""

from __future__ import annotations

import json
import threading
import zlib
from typing import TYPE_CHECKING

import pytest

from aio_token._credential import Credential
from aio_token._errors import StoreError
from aio_token.stores import Damaged, Encrypted, EnvironmentKey, FileTokenStore, Key, KeyUnavailable, new_key

if TYPE_CHECKING:
    from pathlib import Path

    from aio_token.stores import Codec

KEPT = Credential(refresh_token="kept-refresh")


class Compressed:
    """A codec as a stranger writes it, with public names alone."""

    def __init__(self) -> None:
        self.identities: list[str] = []
        self.threads: set[int] = set()
        self.error: Exception | None = None

    def encode(self, content: memoryview, identity: str) -> bytes:
        """Compress."""
        return zlib.compress(content)

    def decode(self, content: memoryview, identity: str) -> bytes:
        """Decompress."""
        self.identities.append(identity)
        self.threads.add(threading.get_ident())
        if self.error is not None:
            raise self.error
        try:
            return zlib.decompress(content)
        except zlib.error:
            message = "it is not compressed"
            raise Damaged(message) from None


async def save(store: FileTokenStore, credential: Credential = KEPT) -> None:
    """Save under the lock."""
    async with store.exclusive() as slot:
        await slot.save(credential)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file."""
    return tmp_path / "token.json"


async def test_a_codec_of_ones_own_is_given_json_and_the_path(path: Path) -> None:
    """Law F7: what it wrote is what is stored; it runs in another thread than the loop, and is told the path."""
    codec = Compressed()
    store = FileTokenStore(path, codec=codec)
    await save(store)
    assert json.loads(zlib.decompress(path.read_bytes()))["refresh_token"] == "kept-refresh"
    assert await store.load() == KEPT
    assert codec.identities == [str(path)]
    assert threading.get_ident() not in codec.threads


async def test_damage_that_a_codec_finds_is_moved_aside(path: Path) -> None:
    """Law F3: a codec's `Damaged` is treated as damage of the file, like any other."""
    await save(FileTokenStore(path))
    store = FileTokenStore(path, codec=Compressed())
    assert await store.load() is None
    async with store.exclusive() as slot:
        assert await slot.load() is None
    assert [file.read_bytes() for file in path.parent.glob("*.corrupt-*")] == [KEPT.to_json()]


async def test_what_a_codec_fails_with_is_raised_where_the_store_is_read(path: Path) -> None:
    """Law F3: an error that is no `Damaged` leaves the file where it is, and hinders no delete."""
    codec = Compressed()
    store = FileTokenStore(path, codec=codec)
    await save(store)
    codec.error = ValueError("the vault does not answer")
    async with store.exclusive() as slot:
        for load in (slot.load, store.load):
            with pytest.raises(ValueError, match="the vault does not answer"):
                await load()
        assert path.exists()
        await slot.delete()
    assert not path.exists()


@pytest.mark.parametrize("check_permissions", [True, False])
async def test_a_link_in_the_place_of_a_record_leads_to_no_other_credential(
    path: Path, check_permissions: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law F7: the identity is the path as configured, so that who can write to the volume, but has no key, cannot give
    one account the credential of another by a link.
    """
    monkeypatch.setenv("KEY", new_key())

    def encrypted(path: Path) -> FileTokenStore:
        codec: Codec = Encrypted(EnvironmentKey("KEY"))
        return FileTokenStore(path, codec=codec, check_permissions=check_permissions)

    alice, bob = path.parent / "alice" / "token", path.parent / "bob" / "token"
    for account in (alice, bob):
        await save(encrypted(account))
    alice.unlink()
    alice.symlink_to("../bob/token")
    with pytest.raises(StoreError, match="symbolic link" if check_permissions else "encrypted for another store"):
        await encrypted(alice).load()
    alice.parent.rename(path.parent / "moved")
    alice.parent.symlink_to("bob")
    with pytest.raises(StoreError, match="encrypted for another store"):
        await encrypted(alice).load()


async def test_a_source_of_keys_of_ones_own(path: Path) -> None:
    """Law F7: a stranger's source gives a `Key`, and may block; without it, the store says what it says."""
    secret = Key(bytes(range(32)))

    class Vault:
        sealed = False

        def key(self, salt: bytes) -> Key:
            if self.sealed:
                message = "the vault is sealed"
                raise KeyUnavailable(message)
            return secret

    vault = Vault()
    store = FileTokenStore(path, codec=Encrypted(vault))
    await save(store)
    assert await store.load() == KEPT
    vault.sealed = True
    with pytest.raises(KeyUnavailable, match=r"token\.json: the vault is sealed"):
        await store.load()


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_key_has_32_bytes(size: int) -> None:
    """Law F7: a key of another length is no key for AES-256."""
    with pytest.raises(ValueError, match="a key is 32 random bytes"):
        Key(bytes(size))
