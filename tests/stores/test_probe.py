"""What `probe` finds out: it does what saving does, before a person signs in and before anything is spent."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import keyring
import pytest
from keyring.backends.null import Keyring as NullKeyring

from aio_token._credential import Credential
from aio_token._errors import KeyUnavailable, StoreError
from aio_token.stores.codec import NOTHING
from aio_token.stores.encrypted import Encrypted
from aio_token.stores.file import FileTokenStore
from aio_token.stores.key import new_key
from aio_token.stores.keyring import KeyringTokenStore
from aio_token.stores.keys import EnvironmentKey, KeyringKey
from tests.support.disk import NEW, Disk, FailAt, cycle
from tests.support.keyrings import MemoryKeyring, memory_keyring

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where there is nothing yet."""
    return tmp_path / "token.json"


@pytest.fixture
def ring() -> Iterator[MemoryKeyring]:
    """Be the process's keyring."""
    with memory_keyring() as ring:
        yield ring


def names(path: Path) -> set[str]:
    """Name what is in the folder."""
    return {file.name for file in path.parent.iterdir()}


@pytest.mark.parametrize("encrypted", [False, True], ids=["in clear", "encrypted"])
async def test_what_is_there_is_saved_once_more(encrypted: bool, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law F12: a probe replaces the file by one that says the same."""
    monkeypatch.setenv("PROBE_KEY", new_key())
    store = FileTokenStore(path, codec=Encrypted(EnvironmentKey("PROBE_KEY")) if encrypted else None)
    await cycle(store)
    with path.open("rb"):  # its inode is not given away meanwhile
        before = path.stat().st_ino
        await store.probe()
        assert path.stat().st_ino != before
    assert await store.load() == NEW


async def test_where_nothing_is_there_nothing_is_left(path: Path) -> None:
    """Law F12: a probe of an empty store takes the way of a save, its rename included, and tidies up."""
    disk = Disk()
    await disk.store(path).probe()
    assert "replace" in disk.steps
    assert names(path) == {"token.json.lock"}


async def test_a_probe_that_was_killed_left_nothing(path: Path) -> None:
    """Law F12: what a probe writes says that nothing is there, even if it stays."""
    path.write_bytes(NOTHING)
    path.chmod(0o600)
    store = FileTokenStore(path)
    assert await store.load() is None
    async with store.exclusive() as slot:
        assert await slot.load() is None
    assert names(path) == {"token.json", "token.json.lock"}
    await cycle(store)
    assert await store.load() == NEW


@pytest.mark.parametrize("filled", [False, True], ids=["empty", "filled"])
@pytest.mark.parametrize("step", ["_create", "write", "fsync", "replace"])
async def test_whatever_stops_a_save_stops_a_probe(step: str, filled: bool, path: Path) -> None:
    """Law F12: a disk that is full, or a file that cannot be replaced, is found out; nothing is lost, nothing left."""
    disk = Disk()
    store = disk.store(path)
    if filled:
        await cycle(store)
    before = names(path)
    disk.before = FailAt(step, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    with pytest.raises(StoreError, match="cannot be written: No space left on device; make room on its disk"):
        await store.probe()
    assert names(path) == before | {"token.json.lock"}
    assert await FileTokenStore(path).load() == (NEW if filled else None)


MOUNT = shutil.which("mount")


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A file, and another one that it is mounted at."""
    host, app = tmp_path / "host.json", tmp_path / "app.json"
    host.touch(0o600)
    app.touch(0o600)
    if subprocess.run([str(MOUNT), "--bind", host, app], capture_output=True, check=False).returncode:
        pytest.skip("this sandbox does not mount")
    yield host, app
    subprocess.run(["umount", "-l", app], check=True)


@pytest.mark.skipif(os.geteuid() != 0 or MOUNT is None, reason="only root can mount")
async def test_a_file_that_is_mounted_by_itself_is_told_with_what_to_do(mounted: tuple[Path, Path]) -> None:
    """Law F12: `-v ./token.json:/app/token.json` cannot be replaced, for ever: mount the directory."""
    host, app = mounted
    host.write_bytes(NEW.to_json())
    with pytest.raises(StoreError, match=r"cannot be written: .* mounted as a single file.*: mount its directory"):
        await FileTokenStore(app).probe()
    host.write_bytes(b"damaged")
    with pytest.raises(StoreError, match=r"cannot be moved aside: .* mounted as a single file.*: mount its directory"):
        await FileTokenStore(app).probe()


async def test_a_keyring_is_written_and_read_back(ring: MemoryKeyring, tmp_path: Path) -> None:
    """Law F12: a probe leaves an entry as it is, and none where none was."""
    store = KeyringTokenStore("aio_token", "probe", lock=tmp_path / "lock")
    await store.probe()
    assert not ring.entries
    await cycle(store)
    await store.probe()
    assert await store.load() == NEW
    ring.entries["aio_token", "probe"] = bytes(NOTHING).decode()
    assert await store.load() is None


class Forgetful(MemoryKeyring):
    """Takes everything and keeps nothing."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Forget it."""


@pytest.mark.parametrize(
    ("backend", "sentence"),
    [
        (NullKeyring, r"the keyring keyring\.backends\.null\.Keyring keeps nothing; choose another"),
        (Forgetful, r"the keyring tests\.stores\.test_probe\.Forgetful does not keep what it is given; choose another"),
    ],
)
async def test_a_keyring_that_keeps_nothing_is_refused_by_name(
    backend: type[keyring.backend.KeyringBackend], sentence: str, ring: MemoryKeyring, tmp_path: Path
) -> None:
    """Law F12: before anything is entrusted to it, a key neither."""
    keyring.set_keyring(backend())
    with pytest.raises(KeyUnavailable, match=sentence):
        await KeyringTokenStore("aio_token", "probe", lock=tmp_path / "lock").probe()
    with pytest.raises(KeyUnavailable, match=sentence):
        await KeyringKey("aio_token", "key").create()
    assert not ring.entries


async def test_a_person_is_asked_once(ring: MemoryKeyring, tmp_path: Path) -> None:
    """Law F10: while a keyring waits for a person, it is not asked again beside; once it answers, all is well."""
    store = KeyringTokenStore("aio_token", "probe", lock=tmp_path / "lock", timeout=0.05)
    ring.entries["aio_token", "probe"] = bytes(NEW.to_json()).decode()
    ring.go.clear()
    for _ in range(5):
        with pytest.raises(KeyUnavailable, match="it may wait for a person to unlock it"):
            await store.load()
    assert ring.asked == 1
    ring.go.set()
    patient = KeyringTokenStore("aio_token", "probe", lock=tmp_path / "lock")
    assert await patient.load() == NEW
    assert await patient.load() != Credential()
