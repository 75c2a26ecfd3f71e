"""A directory of accounts: names stand inside the files, and records stay where they belong."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from aio_token import ConfigurationError, Credential, Encrypted, StoreError
from aio_token.stores import DirectoryTokenStores, KeyUnavailable, account_key, new_key
from aio_token.stores.keys import EnvironmentKey

if TYPE_CHECKING:
    import os
    from pathlib import Path

KEPT = Credential(refresh_token="canary-kept")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return where the accounts are."""
    return tmp_path / "accounts"


@pytest.fixture
def stores(root: Path) -> DirectoryTokenStores:
    """Return stores in clear."""
    return DirectoryTokenStores(root)


@pytest.fixture
def encrypted(root: Path, monkeypatch: pytest.MonkeyPatch) -> DirectoryTokenStores:
    """Return stores that are encrypted, under a name as well that takes the path's place in what is bound."""
    monkeypatch.setenv("ACCOUNTS_KEY", new_key())
    return DirectoryTokenStores(root, codec=Encrypted(EnvironmentKey("ACCOUNTS_KEY"), identity="the bot"))


async def save(stores: DirectoryTokenStores, *names: str) -> None:
    """Keep something under these names."""
    for name in names:
        async with stores.of(name).exclusive() as slot:
            await slot.save(KEPT)


async def names_of(stores: DirectoryTokenStores) -> list[str]:
    """Return the names that are listed."""
    return sorted([name async for name in stores.names()])


def file_of(root: Path, name: str) -> Path:
    """Return where an account's file is."""
    key = account_key(name)
    return root / key[:2] / key


async def test_a_file_is_called_by_digits_in_one_of_256_folders(root: Path, stores: DirectoryTokenStores) -> None:
    """Laws I1 and I4: the name leads nowhere and looks like no other file's; folders and files are private."""
    await save(stores, "../x", "bob.json.lock", "CON")
    files = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file() and not path.suffix}
    assert files == {f"{account_key(name)[:2]}/{account_key(name)}" for name in ("../x", "bob.json.lock", "CON")}
    assert {path.stat().st_mode & 0o777 for path in (root, *root.iterdir())} == {0o700}
    assert {(root / file).stat().st_mode & 0o777 for file in files} == {0o600}


async def test_an_encrypted_directory_shows_no_name(root: Path, encrypted: DirectoryTokenStores) -> None:
    """Names are people's: who reads the disk does not learn them."""
    await save(encrypted, "ada@example.org")
    assert b"ada@" not in file_of(root, "ada@example.org").read_bytes()
    assert await names_of(encrypted) == ["ada@example.org"]


@pytest.mark.parametrize("kind", ["stores", "encrypted"])
async def test_a_record_of_another_account_is_refused(
    kind: str, root: Path, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    """Laws I2 and I4: who exchanges two files gives no one another's session; in a list both are left out."""
    stores = cast("DirectoryTokenStores", request.getfixturevalue(kind))
    await save(stores, "alice", "bob", "carol")
    alice, bob = file_of(root, "alice"), file_of(root, "bob")
    hers, his = alice.read_bytes(), bob.read_bytes()
    alice.write_bytes(his)
    bob.write_bytes(hers)
    with pytest.raises(StoreError, match="it is the record of another account"):
        await stores.of("alice").load()
    async with stores.of("bob").exclusive() as slot:
        with pytest.raises(StoreError, match="it is the record of another account"):
            await slot.load()
    assert await names_of(stores) == ["carol"]
    assert caplog.text.count("is left out of the accounts") == 2
    alice.write_bytes(hers)
    assert await stores.of("alice").load() == KEPT


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"{}\n{}", b'{"account":7}\n{}', b'{"account":""}\n{}', b"[1]\n{}", b"[" * 4_000 + b"\n", b"\xff\n{}"],
)
async def test_a_damaged_file_is_left_out_of_the_list_and_moved_aside_when_it_is_used(
    content: bytes, root: Path, stores: DirectoryTokenStores, caplog: pytest.LogCaptureFixture
) -> None:
    """Law F3: what names no account is no record, and keeps no other account from being listed."""
    await save(stores, "alice", "bob")
    file_of(root, "alice").write_bytes(content)
    assert await names_of(stores) == ["bob"]
    assert "does not begin with the name of an account" in caplog.text
    assert await stores.of("alice").load() is None
    async with stores.of("alice").exclusive() as slot:
        assert await slot.load() is None
    assert list(file_of(root, "alice").parent.glob("*.corrupt-*"))
    assert await names_of(stores) == ["bob"]


async def test_a_key_that_is_lost_is_no_empty_list(
    root: Path, encrypted: DirectoryTokenStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law F3: without the key nothing can be said about who is there."""
    await save(encrypted, "alice")
    monkeypatch.delenv("ACCOUNTS_KEY")
    with pytest.raises(KeyUnavailable, match="ACCOUNTS_KEY is not set"):
        await names_of(encrypted)
    with pytest.raises(KeyUnavailable):
        await names_of(DirectoryTokenStores(root))


async def test_a_folder_that_cannot_be_listed_is_an_error(root: Path, stores: DirectoryTokenStores) -> None:
    """What stands in a folder's place is named."""
    await save(stores, "alice")
    (root / "00").write_text("a file")
    with pytest.raises(StoreError, match="accounts/00 cannot be listed"):
        await names_of(stores)


async def test_other_files_are_no_accounts(root: Path, stores: DirectoryTokenStores) -> None:
    """Locks, drafts, files that were moved aside and what people put there are passed by."""
    await save(stores, "alice")
    folder = file_of(root, "alice").parent
    for name in ("README", "f" * 31, "G" * 32, f"{'0' * 32}.corrupt-1"):
        (folder / name).write_text("{}")
    (root / "lost+found").mkdir()
    assert await names_of(stores) == ["alice"]


async def test_what_a_killed_probe_left_is_no_account(root: Path, stores: DirectoryTokenStores) -> None:
    """Law F12: it says that nothing is kept."""
    await save(stores, "alice")
    record = file_of(root, "alice").read_bytes().partition(b"\n")[0]
    file_of(root, "alice").write_bytes(record + b'\n{"version": 2, "probe": true}')
    assert await stores.of("alice").load() is None
    assert await names_of(stores) == []


async def test_a_directory_may_move_with_a_name_of_its_own(root: Path, encrypted: DirectoryTokenStores) -> None:
    """What is bound is the account's name, and the place or, if there is one, the identity of the codec."""
    await save(encrypted, "alice")
    elsewhere = root.with_name("elsewhere")
    root.rename(elsewhere)
    moved = DirectoryTokenStores(elsewhere, codec=encrypted._codec)
    assert await moved.of("alice").load() == KEPT


@pytest.mark.parametrize("directory", [None, "", 7, "a\0b"])
def test_what_is_no_directory_is_refused(directory: object) -> None:
    """A mistake in the configuration is told where it is made."""
    with pytest.raises(ConfigurationError, match="takes the path of a directory"):
        DirectoryTokenStores(cast("os.PathLike[str]", directory))


def test_what_is_no_codec_is_refused(root: Path) -> None:
    """Stores in clear by mistake are none."""
    with pytest.raises(ConfigurationError, match="codec= takes a codec"):
        DirectoryTokenStores(root, codec=cast("Encrypted", "secret"))
