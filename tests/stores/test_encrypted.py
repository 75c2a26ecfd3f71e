"""Encryption at rest: what is written, what opens it, what is refused."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from aio_token._credential import Credential
from aio_token._errors import ConfigurationError, KeyUnavailable, StoreError
from aio_token._token import Token
from aio_token.stores.codec import MAGIC
from aio_token.stores.encrypted import Encrypted, reencrypt
from aio_token.stores.file import FileTokenStore
from aio_token.stores.keys import EnvironmentKey, KeyFile, Passphrase, new_key
from aio_token.testing.store_laws import StoreLaws
from tests.support.exposure import exposure

if TYPE_CHECKING:
    from pathlib import Path

    from aio_token._interfaces import TokenStore

KEPT = Credential(token=Token(access_token="canary-access"), refresh_token="canary-refresh")


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", new_key())
    monkeypatch.setenv("OLDER_KEY", new_key())


class TestEncryptedFileTokenStore(StoreLaws):
    """The encrypted file store keeps the laws of stores."""

    token_size = 65_536

    @pytest.fixture(autouse=True)
    def _storage(self, tmp_path: Path) -> None:
        self._path = tmp_path / "token.json"

    def make(self) -> TokenStore:
        """Open the test's file."""
        return encrypted(self._path)


def encrypted(path: Path, *keys: str, identity: str | None = None) -> FileTokenStore:
    """Open a file with the keys of environment variables."""
    first, *older = (EnvironmentKey(key) for key in keys or ("KEY",))
    return FileTokenStore(path, codec=Encrypted(first, *older, identity=identity))


async def save(store: TokenStore, credential: Credential = KEPT) -> None:
    """Save under the lock."""
    async with store.exclusive() as slot:
        await slot.save(credential)


async def load_held(store: TokenStore) -> Credential | None:
    """Load under the lock."""
    async with store.exclusive() as slot:
        return await slot.load()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file."""
    return tmp_path / "token.json"


async def test_nothing_is_in_clear(path: Path) -> None:
    """Law F7: neither a secret nor a name of a member can be read in the file."""
    await save(encrypted(path))
    content = path.read_bytes()
    assert content.startswith(MAGIC)
    for text in (b"canary", b"access_token", b"refresh"):
        assert text not in content


async def test_each_write_has_a_nonce_of_its_own(path: Path) -> None:
    """Law F7: one credential written a hundred times gives a hundred different files."""
    store, seen = encrypted(path), set()
    for _ in range(100):
        await save(store)
        seen.add(path.read_bytes()[49:61])
    assert len(seen) == 100


async def test_a_rotated_key_ring_reads_the_old_and_writes_the_new(path: Path) -> None:
    """Law F7: with a new key first, the old file opens, and the next save needs the new key alone."""
    await save(encrypted(path, "OLDER_KEY"))
    rotated = encrypted(path, "KEY", "OLDER_KEY")
    assert await rotated.load() == KEPT
    await save(rotated)
    assert await encrypted(path, "KEY").load() == KEPT
    with pytest.raises(KeyUnavailable):
        await encrypted(path, "OLDER_KEY").load()


async def test_a_rotation_can_be_completed_at_once(path: Path) -> None:
    """Law F7: `reencrypt` needs no renewal to put the new key in force; on nothing it does nothing."""
    with pytest.raises(ConfigurationError, match=r"reencrypt\(\) takes a store, such as FileTokenStore"):
        await reencrypt(path)  # type: ignore[arg-type]
    await reencrypt(encrypted(path))
    assert not path.exists()
    await save(encrypted(path, "OLDER_KEY"))
    await reencrypt(encrypted(path, "KEY", "OLDER_KEY"))
    assert await encrypted(path, "KEY").load() == KEPT


async def test_a_file_of_another_store_is_refused(path: Path) -> None:
    """Law F7: two files of one key that are exchanged open neither store, and stay as they are."""
    other = path.with_name("other.json")
    await save(encrypted(path))
    await save(encrypted(other))
    content = other.read_bytes()
    path.write_bytes(content)
    with pytest.raises(StoreError, match="encrypted for another store; if it was moved"):
        await load_held(encrypted(path))
    assert path.read_bytes() == content


@pytest.mark.parametrize("follows", [False, True])
async def test_a_link_in_the_place_of_an_encrypted_file(path: Path, follows: bool) -> None:
    """Laws F4 and F7: it is refused; who chose to follow links gets what was written for this place, and no other."""
    other, store = path.with_name("other.json"), encrypted(path)
    if follows:
        store = FileTokenStore(path, codec=Encrypted(EnvironmentKey("KEY")), check_permissions=False)
    await save(encrypted(other))
    path.symlink_to(other.name)
    with pytest.raises(StoreError, match="encrypted for another store" if follows else "is a symbolic link"):
        await store.load()
    with pytest.raises(StoreError):
        await load_held(store)
    assert await encrypted(other).load() == KEPT


async def test_an_encrypted_file_on_a_volume_of_kubernetes(path: Path) -> None:
    """Laws F4 and F7: the volume is exchanged by a link, and the file is bound to its path as configured."""
    await save(encrypted(path))
    for name in ("..2026_01", "..2026_02"):
        version = path.with_name(name)
        version.mkdir(0o700)
        (version / path.name).write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(f"..data/{path.name}")
    store = FileTokenStore(path, codec=Encrypted(EnvironmentKey("KEY")), check_permissions=False)
    for name in ("..2026_01", "..2026_02"):
        now = path.with_name("..data_tmp")
        now.symlink_to(name)
        now.replace(path.with_name("..data"))
        assert await store.load() == KEPT


async def test_a_directory_that_was_moved_opens_with_the_identity_it_had(path: Path) -> None:
    """Law F7: what the error proposes for a moved file works."""
    await save(encrypted(path))
    moved = path.parent / "moved"
    moved.mkdir(0o700)
    path.rename(moved / path.name)
    with pytest.raises(StoreError, match="for another store"):
        await encrypted(moved / path.name).load()
    assert await encrypted(moved / path.name, identity=str(path)).load() == KEPT


async def test_a_store_with_a_name_may_be_moved(path: Path) -> None:
    """Law F7: an explicit identity, and not the path, is what is bound."""
    await save(encrypted(path, identity="tenant 42"))
    other = path.with_name("other.json")
    path.rename(other)
    assert await encrypted(other, identity="tenant 42").load() == KEPT
    with pytest.raises(StoreError, match="for another store"):
        await encrypted(other, identity="tenant 43").load()


async def test_a_header_that_was_changed_with_its_checksum_is_not_believed(path: Path) -> None:
    """Law F7: a file that looks whole can be made without a key, and is not adopted."""
    other = path.with_name("other.json")
    await save(encrypted(path))
    await save(encrypted(other))
    mine, theirs = path.read_bytes(), other.read_bytes()
    header = slice(16, 33)
    forged = bytearray(theirs)
    forged[header] = mine[header]
    path.write_bytes(_with_checksum(bytes(forged[16:])))
    assert await load_held(encrypted(path)) is None
    assert list(path.parent.glob("token.json.corrupt-*"))


def _with_checksum(body: bytes) -> bytes:
    """Do what can be done without a key."""
    return MAGIC + sha256(body).digest()[:8] + body


async def test_a_newer_format_is_left_alone(path: Path) -> None:
    """Law F3: a file that a newer version encrypted stays, and the error says to upgrade."""
    await save(encrypted(path))
    content = _with_checksum(b"\x02" + path.read_bytes()[17:])
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"newer aio_token \(format 2\); upgrade"):
        await load_held(encrypted(path))
    assert path.read_bytes() == content


async def test_a_file_in_clear_is_not_believed(path: Path) -> None:
    """Law F7: who can write the file but has no key cannot plant a credential; a damaged file is damage."""
    await save(FileTokenStore(path))
    with pytest.raises(StoreError, match="it is not encrypted"):
        await load_held(encrypted(path))
    assert await FileTokenStore(path).load() == KEPT
    path.write_text("{")
    assert await load_held(encrypted(path)) is None


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("MISSING_KEY", "the environment variable MISSING_KEY is not set"),
        ("OTHER_KEY", r"no key of Encrypted\(EnvironmentKey\('OTHER_KEY'\)\) opens it"),
        ("BAD_KEY", "the environment variable BAD_KEY does not hold a key"),
    ],
)
async def test_without_its_key_a_file_stays_as_it_is(
    path: Path, key: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law F7: a missing, wrong or malformed key is an error of its own, and costs nothing."""
    monkeypatch.setenv("OTHER_KEY", new_key())
    monkeypatch.setenv("BAD_KEY", "canary")
    await save(encrypted(path))
    content = path.read_bytes()
    with pytest.raises(KeyUnavailable, match=message) as caught:
        await load_held(encrypted(path, key))
    assert "canary" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == content


async def test_one_missing_key_does_not_hide_another(path: Path) -> None:
    """Law F7: the ring is tried whole."""
    await save(encrypted(path, "OLDER_KEY"))
    assert await encrypted(path, "MISSING_KEY", "KEY", "OLDER_KEY").load() == KEPT


async def test_a_save_without_a_key_keeps_what_is_there(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law F7: when the key is gone at the time of writing, the old file stays."""
    store = encrypted(path)
    await save(store)
    content = path.read_bytes()
    monkeypatch.delenv("KEY")
    with pytest.raises(KeyUnavailable, match="KEY is not set"):
        await save(store, Credential())
    assert path.read_bytes() == content


async def test_the_key_is_probed_before_a_sign_in(path: Path) -> None:
    """Law F7: `probe` fails where a save would, and writes nothing."""
    with pytest.raises(KeyUnavailable, match="MISSING_KEY is not set"):
        await encrypted(path, "MISSING_KEY").probe()
    await encrypted(path).probe()
    assert not path.exists()


async def test_a_passphrase_opens_the_file_elsewhere_and_another_does_not(path: Path) -> None:
    """Law F7: the salt is in the header, so that the passphrase alone is enough; a wrong one is a missing key."""

    def with_passphrase(passphrase: str) -> FileTokenStore:
        return FileTokenStore(path, codec=Encrypted(Passphrase(passphrase)))

    await save(with_passphrase("correct horse"))
    again = with_passphrase("correct horse")
    assert await again.load() == KEPT
    salt = path.read_bytes()[33:49]
    await save(again)
    assert path.read_bytes()[33:49] == salt
    with pytest.raises(KeyUnavailable, match="no key of"):
        await with_passphrase("wrong horse").load()


async def test_deriving_a_key_leaves_the_loop_free(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law F7: scrypt runs in a thread; meanwhile the loop goes round."""
    loop, derive = asyncio.get_running_loop(), hashlib.scrypt

    def once_the_loop_has_gone_round(*arguments: Any, **options: Any) -> bytes:
        gone_round = threading.Event()
        loop.call_soon_threadsafe(gone_round.set)
        assert gone_round.wait(30)
        return derive(*arguments, **options)

    monkeypatch.setattr(hashlib, "scrypt", once_the_loop_has_gone_round)
    await FileTokenStore(path, codec=Encrypted(Passphrase("x"))).probe()


async def test_an_empty_passphrase_is_refused(path: Path) -> None:
    """Law F7: a prompt that was answered with nothing is no key."""
    with pytest.raises(KeyUnavailable, match="the passphrase is empty"):
        await FileTokenStore(path, codec=Encrypted(Passphrase(lambda: ""))).probe()
    with pytest.raises(KeyUnavailable, match="the passphrase is no text") as caught:
        await FileTokenStore(path, codec=Encrypted(Passphrase("canary-\ud800"))).probe()
    assert "canary-" not in exposure(caught.value)
    await FileTokenStore(path, codec=Encrypted(Passphrase("of a variable in Latin-1: \udce4"))).probe()


async def test_key_files_take_both_alphabets_and_raw_bytes(path: Path) -> None:
    """Law F7: a key is 32 random bytes, as they are or in base64."""
    file = path.with_name("key")
    for content in (new_key().encode() + b"\n", os.urandom(31) + b"\xff", new_key().rstrip("=").encode()):
        file.unlink(missing_ok=True)
        file.touch(0o600)
        file.write_bytes(content)
        store = FileTokenStore(path, codec=Encrypted(KeyFile(file)))
        await save(store)
        assert await FileTokenStore(path, codec=Encrypted(KeyFile(file))).load() == KEPT


async def test_a_key_file_that_others_may_read_is_refused(path: Path) -> None:
    """Law F7: a key file is checked like a credential's, with the command that repairs it, unless told otherwise."""
    file = path.with_name("key")
    file.write_text(new_key())
    file.chmod(0o640)
    with pytest.raises(KeyUnavailable, match=r"may be read or written by other users; .* run: chmod 600"):
        await FileTokenStore(path, codec=Encrypted(KeyFile(file))).probe()
    await FileTokenStore(path, codec=Encrypted(KeyFile(file, check_permissions=False))).probe()


@pytest.mark.parametrize("fault", ["missing", "directory", "text", "unreadable", "large"])
async def test_a_key_file_that_holds_no_key_is_a_missing_key(path: Path, fault: str) -> None:
    """Law F7: whatever is wrong with the key's file, the error names it and is `KeyUnavailable`."""
    file = path.with_name("key")
    if fault == "directory":
        file.mkdir()
    elif fault != "missing":
        file.touch(0o600)
        file.write_text("x" * (2**21 if fault == "large" else 32))
    if fault == "unreadable":
        file = file / "below"
    with pytest.raises(KeyUnavailable, match=str(file)):
        await FileTokenStore(path, codec=Encrypted(KeyFile(file))).probe()


async def test_a_credential_of_the_systemd_unit_is_a_key(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law F7: systemd hands secrets over in $CREDENTIALS_DIRECTORY, and decides itself who may read them."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(KeyUnavailable, match=r"token-key: .*CREDENTIALS_DIRECTORY is not set; add LoadCredential="):
        KeyFile.systemd("token-key")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(path.parent))
    path.with_name("token-key").write_text(new_key())
    path.with_name("token-key").chmod(0o440)
    await save(FileTokenStore(path, codec=Encrypted(KeyFile.systemd("token-key"))))


def test_reprs_name_the_source_and_no_secret(path: Path) -> None:
    """Law G1: a ring can be shown."""
    codec = Encrypted(EnvironmentKey("KEY"), KeyFile("/k"), Passphrase("canary"))
    assert repr(codec) == "Encrypted(EnvironmentKey('KEY'), KeyFile('/k'), Passphrase(...))"
