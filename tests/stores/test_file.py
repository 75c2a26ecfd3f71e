"""The file store: what is written, what is refused, what is moved aside."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from aio_token._credential import Credential
from aio_token._errors import ConfigurationError, KeyUnavailable, StoreCorrupt, StoreError
from aio_token._token import Token
from aio_token.stores.codec import MAGIC
from aio_token.stores.encrypted import Encrypted
from aio_token.stores.file import FileTokenStore
from aio_token.stores.keys import EnvironmentKey
from tests.support.disk import Disk, FailAt, unmeasured

if TYPE_CHECKING:
    from pathlib import Path

KEPT = Credential(token=Token(access_token="kept-access"), refresh_token="kept-refresh")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file in an ordinary folder, as in a project."""
    folder = tmp_path / "project"
    folder.mkdir()
    folder.chmod(0o755)
    return folder / "token.json"


async def save(store: FileTokenStore, credential: Credential = KEPT) -> None:
    """Save under the lock."""
    async with store.exclusive() as slot:
        await slot.save(credential)


async def delete(store: FileTokenStore) -> None:
    """Delete under the lock."""
    async with store.exclusive() as slot:
        await slot.delete()


async def load_held(store: FileTokenStore) -> Credential | None:
    """Load under the lock."""
    async with store.exclusive() as slot:
        return await slot.load()


def beside(path: Path) -> list[str]:
    """Name what is in the folder besides the file and its lock."""
    return sorted(file.name for file in path.parent.iterdir() if file.name not in (path.name, f"{path.name}.lock"))


async def test_it_works_in_an_ordinary_folder(path: Path) -> None:
    """Law F4: a project's 0755 folder is good enough, and the file in it is private."""
    await save(FileTokenStore(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o755
    assert beside(path) == []


async def test_the_file_is_json_with_a_version(path: Path) -> None:
    """Law F3: what is written names its schema, in JSON without a blank or a line of its own."""
    await save(FileTokenStore(path))
    content = path.read_bytes()
    assert json.loads(content)["version"] == 2
    assert b" " not in content
    assert b"\n" not in content


async def test_a_write_syncs_the_file_before_it_replaces_and_the_directory_after(path: Path) -> None:
    """Law F1: the order that survives a loss of power."""
    disk = Disk()
    async with disk.store(path).exclusive() as slot:
        disk.steps.clear()
        await slot.save(KEPT)
        steps = [step for step in disk.steps if step in ("_create", "write", "fsync", "replace", "sync_directory")]
    assert steps == ["_create", "write", "fsync", "replace", "sync_directory"]


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
async def test_directories_are_made_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    """Law F4: each directory that we make is 0700 and the file 0600, with umask 0777 and 0000 alike."""
    path = tmp_path / "a" / "b" / "token.json"
    before = os.umask(umask)
    try:
        await save(FileTokenStore(path))
    finally:
        os.umask(before)
    modes = [stat.S_IMODE(made.stat().st_mode) for made in (path.parent.parent, path.parent, path)]
    assert modes == [0o700, 0o700, 0o600]


async def test_loading_makes_nothing(tmp_path: Path) -> None:
    """A store that is only read leaves no directory and no lock behind."""
    assert await FileTokenStore(tmp_path / "none" / "token.json").load() is None
    assert list(tmp_path.iterdir()) == []


async def test_a_path_means_the_same_after_a_change_of_directory(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path is taken from where the process was when the store was made."""
    monkeypatch.chdir(path.parent)
    store = FileTokenStore(path.name)
    monkeypatch.chdir("/")
    await save(store)
    assert path.exists()
    assert repr(store) == f"FileTokenStore({str(path)!r})"


async def test_a_tilde_is_the_home_directory(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`~` in a path is the user's home."""
    monkeypatch.setenv("HOME", str(path.parent))
    await save(FileTokenStore("~/token.json"))
    assert path.exists()


async def test_drafts_of_killed_writers_are_swept_and_never_read(path: Path) -> None:
    """Law F2: a leftover goes with the next write or delete, and only this file's does."""
    draft, others = path.with_name(".token.json.tmp"), path.with_name(".token.json.bak.tmp")
    others.touch()
    store = FileTokenStore(path)
    for use in (save(store), delete(store)):
        draft.write_bytes(KEPT.to_json())
        assert await load_held(FileTokenStore(path)) in (None, KEPT)
        await use
        assert beside(path) == [others.name]


async def test_a_draft_that_cannot_be_removed_does_no_harm(path: Path) -> None:
    """Law F2: an odd thing with the name of a draft is left alone."""
    path.with_name(".token.json.tmp").mkdir()
    store = FileTokenStore(path)
    await save(store)
    assert await store.load() == KEPT
    await delete(store)
    assert beside(path) == [".token.json.tmp"]


async def test_a_save_lists_no_directory(path: Path) -> None:
    """Law F1: what a save costs does not grow with the number of other files: 80 ms in a folder of 10,000 accounts."""
    script = """
import asyncio, os, sys
from aio_token.stores.file import FileTokenStore
from tests.support.disk import cycle

path, seen = sys.argv[1], set()
sys.addaudithook(lambda event, about: about and str(about[0]).startswith(os.path.dirname(path)) and seen.add(event))
asyncio.run(cycle(FileTokenStore(path)))
print("os.rename" in seen, seen & {"os.listdir", "os.scandir"})
"""
    arguments = [sys.executable, "-c", script, str(path)]
    process = await asyncio.create_subprocess_exec(*arguments, stdout=subprocess.PIPE, env=unmeasured())
    assert (await process.communicate())[0] == b"True set()\n"


async def test_a_damaged_file_is_moved_aside_with_one_warning(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Law F3: damage is treated as empty, kept for a look, and reported once, without its text."""
    path.write_bytes(b'{"access_token": "canary')
    path.chmod(0o600)
    store = FileTokenStore(path)
    with caplog.at_level(logging.WARNING):
        assert await store.load() is None
        assert path.exists()
        assert await load_held(store) is None
        assert await load_held(store) is None
    (aside,) = beside(path)
    assert aside.startswith("token.json.corrupt-")
    assert stat.S_IMODE(path.with_name(aside).stat().st_mode) == 0o600
    assert len(caplog.records) == 1
    assert "it is not JSON" in caplog.text
    assert "canary" not in caplog.text


async def test_three_damaged_files_are_kept(path: Path) -> None:
    """Law F3: the newest three damaged files stay."""
    store = FileTokenStore(path)
    for number in range(5):
        path.write_text(f"damage {number}")
        path.chmod(0o600)
        assert await load_held(store) is None
    kept = [path.with_name(name).read_text() for name in beside(path)]
    assert kept == ["damage 2", "damage 3", "damage 4"]


async def test_a_damaged_file_that_cannot_be_moved_is_an_error(path: Path) -> None:
    """Law F3: where damage cannot be moved aside, the error says so."""
    path.write_text("damage")
    path.chmod(0o600)
    disk = Disk()
    disk.before = FailAt("set_aside", OSError(30, "Read-only file system"))
    with pytest.raises(StoreCorrupt, match="cannot be moved aside: Read-only file system"):
        await load_held(disk.store(path))


async def test_an_enormous_file_is_not_read(path: Path) -> None:
    """Law F3: more than 1 MiB is damage."""
    with path.open("wb") as file:
        file.truncate(2**40)
    path.chmod(0o600)
    assert await load_held(FileTokenStore(path)) is None
    assert len(beside(path)) == 1


async def test_an_enormous_credential_is_not_written(path: Path) -> None:
    """Law F3: what could not be read again is not written, and what is kept stays."""
    store = FileTokenStore(path)
    await save(store)
    enormous = Token(access_token="a", extra={"more": "x" * 2**20})
    with pytest.raises(StoreError, match="larger than 1048576 bytes"):
        await save(store, Credential(token=enormous))
    assert await store.load() == KEPT


async def test_a_credential_that_json_cannot_hold_is_an_error(path: Path) -> None:
    """What is kept stays when the next credential cannot be written."""
    store = FileTokenStore(path)
    await save(store)
    with pytest.raises(StoreError, match="extra members cannot be written as JSON"):
        await save(store, Credential(token=Token(access_token="a", extra={"odd": object()})))
    assert await store.load() == KEPT


async def test_a_newer_version_is_left_alone(path: Path) -> None:
    """Law F3: a file of a newer aio_token stays, and the error says to upgrade."""
    path.write_text('{"version": 3}')
    path.chmod(0o600)
    with pytest.raises(StoreError, match=r"token\.json: it was written by a newer aio_token .*upgrade"):
        await load_held(FileTokenStore(path))
    assert path.read_text() == '{"version": 3}'


async def test_an_encrypted_file_is_not_damage_to_a_store_without_a_codec(path: Path) -> None:
    """Law F3: a forgotten codec loses nothing."""
    path.write_bytes(MAGIC + b"...")
    path.chmod(0o600)
    with pytest.raises(KeyUnavailable, match=r"token\.json: it is encrypted, .* no codec="):
        await load_held(FileTokenStore(path))
    assert path.exists()


async def test_delete_removes_what_was_moved_aside_too(path: Path) -> None:
    """A damaged file may hold a secret: signing out leaves none behind."""
    path.write_text("damage")
    path.chmod(0o600)
    store = FileTokenStore(path)
    await load_held(store)
    await save(store)
    async with store.exclusive() as slot:
        await slot.delete()
    assert beside(path) == []
    assert not path.exists()


async def test_a_slot_is_of_no_use_after_its_hold(path: Path) -> None:
    """A slot that is kept beyond `exclusive` reads and writes nothing."""
    async with FileTokenStore(path).exclusive() as slot:
        pass
    for use in (slot.save(KEPT), slot.load()):
        with pytest.raises(RuntimeError, match="the operation has ended"):
            await use
    assert not path.exists()


async def test_probe_finds_that_nothing_could_be_saved(tmp_path: Path) -> None:
    """Law F7: before a person signs in, the store says whether it could keep the outcome."""
    await FileTokenStore(tmp_path / "fine" / "token.json").probe()
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="Not a directory"):
        await FileTokenStore(tmp_path / "file" / "token.json").probe()


async def test_what_was_read_with_the_lock_is_handed_out_once(path: Path) -> None:
    """Law C14: the first load under the lock is the read that came with it; the next one reads again."""
    store = FileTokenStore(path)
    await save(store)
    async with store.exclusive() as slot:
        path.write_bytes(Credential(refresh_token="by hand").to_json())
        assert await slot.load() == KEPT
        assert await slot.load() == Credential(refresh_token="by hand")


async def test_a_hold_that_only_writes_tells_nothing_of_what_it_could_not_read(path: Path) -> None:
    """Law F3: deleting needs no key and no readable file; what the read came to is raised where it is asked for."""
    path.write_bytes(MAGIC + b"...")
    path.chmod(0o600)
    async with FileTokenStore(path).exclusive() as slot:
        await slot.delete()
        assert await slot.load() is None


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (b"token.json", "takes the path of a file, as a text or a Path, not a bytes"),
        (None, "takes the path of a file, as a text or a Path, not a NoneType"),
        (7, "takes the path of a file, as a text or a Path, not a int"),
        (os.fsencode, "takes the path of a file, as a text or a Path, not a function"),
        (FileTokenStore, "takes the path of a file, as a text or a Path, not the class FileTokenStore itself"),
        ("", "takes the path of a file, and '' names none"),
        ("/", "takes the path of a file, and '/' names none"),
        ("a\0b", "names none"),
        ("~no-such-user/token.json", "there is no such home directory; give the whole path"),
    ],
)
def test_a_path_is_judged_at_once(path: Any, sentence: str) -> None:
    """What is no path is one sentence when the store is made, not an error in a renewal."""
    with pytest.raises(ConfigurationError, match=re.escape(sentence)):
        FileTokenStore(path)


class AsyncCodec:
    """A codec that does not know that it runs in a thread."""

    async def encode(self, content: memoryview, identity: str) -> bytes:
        """Return it."""
        return bytes(content)

    decode = encode


@pytest.mark.parametrize(
    ("codec", "sentence"),
    [
        ("a key", "codec= takes a codec, such as Encrypted(EnvironmentKey('TOKEN_KEY')), not a str"),
        (Encrypted, "not the class Encrypted itself"),
        (EnvironmentKey("KEY"), "not a EnvironmentKey"),
        (AsyncCodec(), "AsyncCodec.encode() must not be async: it is called in a thread"),
    ],
)
def test_a_codec_is_judged_at_once(codec: Any, sentence: str) -> None:
    """What is no codec is one sentence when the store is made; it does not show what may be a key."""
    with pytest.raises(ConfigurationError, match=re.escape(sentence)) as refusal:
        FileTokenStore("token.json", codec=codec)
    assert "a key" not in str(refusal.value)
