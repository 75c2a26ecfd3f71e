"""The keyring as a store and as the home of a key, with keyrings that lock, hang, fail and are too small."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import keyring
import pytest
from keyring.errors import KeyringLocked, NoKeyringError

from aio_token._credential import Credential
from aio_token._errors import KeyUnavailable, StoreError
from aio_token._token import Token
from aio_token.stores.encrypted import Encrypted
from aio_token.stores.file import FileTokenStore
from aio_token.stores.keyring import KeyringTokenStore
from aio_token.stores.keys import KeyringKey
from aio_token.testing.store_laws import StoreLaws
from tests.support.keyrings import MemoryKeyring, memory_keyring

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aio_token._interfaces import TokenStore

KEPT = Credential(token=Token(access_token="canary-access"), refresh_token="canary-refresh")


@pytest.fixture(autouse=True)
def ring() -> Iterator[MemoryKeyring]:
    """Be the process's keyring."""
    with memory_keyring() as ring:
        yield ring


@pytest.fixture
def store(tmp_path: Path) -> KeyringTokenStore:
    """A store whose lock is the test's own."""
    return KeyringTokenStore("aio_token", "tests", lock=tmp_path / "keyring.lock")


async def save(store: TokenStore, credential: Credential = KEPT) -> None:
    """Save under the lock."""
    async with store.exclusive() as slot:
        await slot.save(credential)


class TestKeyringTokenStore(StoreLaws):
    """The keyring store keeps the laws of stores."""

    @pytest.fixture(autouse=True)
    def _storage(self, tmp_path: Path) -> None:
        self._lock = tmp_path / "made" / "keyring.lock"

    def make(self) -> TokenStore:
        """Share one entry."""
        return KeyringTokenStore("aio_token", "laws", lock=self._lock)


async def test_a_damaged_entry_is_empty_with_a_warning(
    store: KeyringTokenStore, ring: MemoryKeyring, caplog: pytest.LogCaptureFixture
) -> None:
    """Law F3: what is no credential is treated as nothing, and reported without its text."""
    ring.entries["aio_token", "tests"] = '{"canary'
    with caplog.at_level(logging.WARNING):
        assert await store.load() is None
    assert "KeyringTokenStore('aio_token', 'tests') is damaged (it is not JSON)" in caplog.text
    assert "canary" not in caplog.text


@pytest.mark.parametrize(
    ("fault", "way_out"),
    [
        (NoKeyringError("x"), "no keyring can be reached .* or use a key file"),
        (KeyringLocked("x"), "the keyring is locked; unlock it"),
        (ModuleNotFoundError("x"), r"pip install 'aio-token\[keyring\]'"),
        (ImportError("x"), r"pip install 'aio-token\[keyring\]'"),
        (OSError("x"), r"the keyring failed \(OSError\); look at: python -m keyring diagnose"),
    ],
)
async def test_a_keyring_that_cannot_be_used_is_an_error_with_a_way_out(
    store: KeyringTokenStore, ring: MemoryKeyring, fault: Exception, way_out: str
) -> None:
    """Law F7: locked, absent or broken, the keyring is `KeyUnavailable`, and what it holds stays."""
    await save(store)
    ring.fault = fault
    for failing in (store.load, store.probe, lambda: save(store, Credential())):
        with pytest.raises(KeyUnavailable, match=way_out):
            await failing()
    ring.fault = None
    assert await store.load() == KEPT


async def test_a_keyring_that_waits_for_a_person_is_not_waited_for_without_end(
    store: KeyringTokenStore, ring: MemoryKeyring, tmp_path: Path
) -> None:
    """Law F7: a keyring that does not answer is an error, and the lock is free."""
    await save(store)
    ring.go.clear()
    impatient = KeyringTokenStore("aio_token", "tests", lock=tmp_path / "keyring.lock", timeout=0.2)
    with pytest.raises(KeyUnavailable, match=r"did not answer in 0\.2 s"):
        await save(impatient, Credential())
    async with store.exclusive():
        ring.go.set()


async def test_a_credential_that_is_too_long_says_where_else_to_keep_it(
    store: KeyringTokenStore, ring: MemoryKeyring
) -> None:
    """A keyring with a limit, like that of Windows, is left as it is, and the error names the other store."""
    keyring.set_keyring(type("Small", (MemoryKeyring,), {"__module__": "keyring.backends.Windows"})())
    await save(store, Credential(refresh_token="short"))
    with pytest.raises(StoreError, match=r"this keyring 1280; keep it in a file .*Encrypted\(KeyringKey"):
        await save(store, Credential(refresh_token="r" * 1_300))
    assert await store.load() == Credential(refresh_token="short")


async def test_a_lock_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    """The lock's directory is made, and if that cannot be, the error says so."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="Not a directory"):
        await save(KeyringTokenStore("aio_token", "tests", lock=tmp_path / "file" / "lock"))


async def test_the_lock_is_in_the_home_directory_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All processes of a user find one lock, however they were started."""
    monkeypatch.setenv("HOME", str(tmp_path))
    store = KeyringTokenStore("aio_token", "tests")
    await save(store)
    assert repr(store) == "KeyringTokenStore('aio_token', 'tests')"
    assert len(list(tmp_path.glob(".local/state/aio_token/keyring-*.lock"))) == 1


async def test_a_key_in_the_keyring_opens_an_encrypted_file(tmp_path: Path, ring: MemoryKeyring) -> None:
    """Law F7: the key is made once, read once, and kept for as long as the process runs."""
    key = KeyringKey("aio_token", "key")
    store = FileTokenStore(tmp_path / "token.json", codec=Encrypted(key))
    with pytest.raises(KeyUnavailable, match=r"not in the keyring under 'key' of 'aio_token'; .*create\(\) makes one"):
        await store.probe()
    await key.create()
    made = dict(ring.entries)
    await key.create()
    assert ring.entries == made
    await save(store)
    ring.fault = KeyringLocked("x")
    assert await store.load() == KEPT
    with pytest.raises(KeyUnavailable, match="locked"):
        await FileTokenStore(tmp_path / "token.json", codec=Encrypted(KeyringKey("aio_token", "key"))).load()
    assert repr(key) == "KeyringKey('key' of 'aio_token')"


async def test_an_entry_that_is_no_key_is_a_missing_key(tmp_path: Path, ring: MemoryKeyring) -> None:
    """Law F7: an entry of another program is not taken for a key."""
    ring.entries["aio_token", "key"] = "canary"
    with pytest.raises(KeyUnavailable, match="entry 'key' of 'aio_token' does not hold a key") as caught:
        await FileTokenStore(tmp_path / "t", codec=Encrypted(KeyringKey("aio_token", "key"))).probe()
    assert "canary" not in str(caught.value)
