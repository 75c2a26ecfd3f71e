"""Files as they should be: what is refused, and that the error's command repairs it."""

from __future__ import annotations

import grp
import os
import pwd
import re
import socket
import stat
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import aiofiles.os  # noqa: F401  what is imported late cannot be found by an ordinary user, where root has installed it
import filelock  # noqa: F401
import pytest

from aio_token._clock import SYSTEM_CLOCK
from aio_token._credential import Credential
from aio_token._disk import permissions
from aio_token._disk.platform import WINDOWS, flags, nothing, sync_directory
from aio_token._errors import StoreError
from aio_token._repository import TokenRepository
from aio_token.stores.file import FileTokenStore
from tests.support.disk import Disk, FailAt
from tests.support.doubles import RotatingGrant

if TYPE_CHECKING:
    from collections.abc import Iterator

KEPT = Credential(refresh_token="kept-refresh")
NOBODY = 65_534


@pytest.fixture
def path() -> Iterator[Path]:
    """A file in a folder of an ordinary user, whom root, who may do anything, becomes for the test."""
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as folder:
        if root:
            os.chown(folder, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        try:
            yield Path(folder) / "it's a token.json"
        finally:
            if root:
                os.seteuid(0)


async def save(store: FileTokenStore) -> None:
    """Save under the lock."""
    async with store.exclusive() as slot:
        await slot.save(KEPT)


async def refusal(store: FileTokenStore) -> str:
    """Return the one message that load, load under the lock, and save all fail with."""
    messages = set()
    with pytest.raises(StoreError) as caught:
        await store.load()
    messages.add(str(caught.value))
    with pytest.raises(StoreError) as caught:
        async with store.exclusive() as slot:
            await slot.load()
    messages.add(str(caught.value))
    with pytest.raises(StoreError) as caught:
        await save(store)
    messages.add(str(caught.value))
    (message,) = messages
    return message


def repair(message: str) -> None:
    """Run the command that the message names, as the user would."""
    command = re.split(r"; (?:.*?: )", message, maxsplit=1)[1].removeprefix("sudo ")
    subprocess.run(["/bin/sh", "-c", command], check=True)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
async def test_a_file_that_others_may_read_is_refused_until_it_is_repaired(path: Path, mode: int) -> None:
    """Law F4: a file that group or others may read or write is refused; the error's command repairs it."""
    store = FileTokenStore(path)
    await save(store)
    path.chmod(mode)
    message = await refusal(store)
    assert "may be read or written by other users; where modes are fixed (WSL, CIFS)" in message
    assert "check_permissions=False; else run: chmod 600" in message
    repair(message)
    assert await store.load() == KEPT


@pytest.mark.parametrize("mode", [0o777, 0o707, 0o770])
async def test_a_directory_that_others_may_write_is_refused_until_it_is_repaired(path: Path, mode: int) -> None:
    """Law F4: a user who may write to the directory could exchange the file; the error's command repairs it."""
    store = FileTokenStore(path)
    await save(store)
    path.parent.chmod(mode)
    if mode == 0o770:
        give_to_a_foreign_group(path.parent)
    message = await refusal(store)
    assert "could exchange the file in it; where modes are fixed (WSL, CIFS), choose another place" in message
    assert "check_permissions=False; else run: chmod go-w" in message
    repair(message)
    assert await store.load() == KEPT


def give_to_a_foreign_group(directory: Path) -> None:
    """Let another group than the user's own have the directory."""
    if os.getuid() == 0:
        os.seteuid(0)
        os.chown(directory, NOBODY, 1)
        os.chmod(directory, 0o770)  # noqa: PTH101, S103  the fault
        os.seteuid(NOBODY)


async def test_a_sticky_directory_is_good_enough(path: Path) -> None:
    """Law F4: in a directory like /tmp no user can exchange another's file."""
    path.parent.chmod(0o1777)
    store = FileTokenStore(path)
    await save(store)
    assert await store.load() == KEPT


async def test_a_symbolic_link_is_refused_until_it_is_repaired(path: Path) -> None:
    """Law F4: a link in the file's place is not followed; the error's command puts the file there."""
    real = path.with_name("real.json")
    await save(FileTokenStore(real))
    path.symlink_to(real.name)
    store = FileTokenStore(path)
    message = await refusal(store)
    assert "is a symbolic link; put the file itself there: mv" in message
    repair(message)
    assert not path.is_symlink()
    assert await store.load() == KEPT


async def test_a_directory_in_the_files_place_is_refused_until_it_is_repaired(path: Path) -> None:
    """Law F4: a directory with the file's name stays as it is until a person moves it."""
    path.mkdir()
    store = FileTokenStore(path)
    message = await refusal(store)
    assert "is a directory; name a file in it, or move it out of the way: mv" in message
    repair(message)
    await save(store)
    assert path.is_file()


async def test_a_directory_in_the_files_place_is_not_deleted(path: Path) -> None:
    """Law F4: signing out does not remove what is no credential."""
    path.mkdir()
    with pytest.raises(StoreError, match=r"is a directory|cannot be removed"):
        async with FileTokenStore(path).exclusive() as slot:
            await slot.delete()
    assert path.is_dir()


async def test_a_pipe_in_the_files_place_is_refused_without_waiting(path: Path) -> None:
    """Law F4: a pipe without a writer does not hang the reader."""
    os.mkfifo(path)
    store = FileTokenStore(path)
    message = await refusal(store)
    assert "is not a regular file; remove it: rm" in message
    repair(message)
    assert await store.load() is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
async def test_a_file_of_another_user_is_refused_until_it_is_repaired(path: Path) -> None:
    """Law F4: what another user owns is not believed; the error's command repairs it."""
    store = FileTokenStore(path)
    await save(store)
    os.seteuid(0)
    store = FileTokenStore(path)
    os.chown(path.parent, 0, 0)
    message = await refusal(store)
    assert f"belongs to another user (uid {NOBODY}), as after sudo; " in message
    assert "; else run: chown 0" in message
    repair(message)
    assert await store.load() == KEPT


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give directories away")
async def test_a_directory_of_another_user_is_refused(path: Path) -> None:
    """Law F4: the owner of a directory can exchange what is in it; root may own it."""
    os.seteuid(0)
    with pytest.raises(StoreError, match=rf"belongs to another user \(uid {NOBODY}\), who could exchange") as caught:
        await save(FileTokenStore(path))
    repair(str(caught.value))
    await save(FileTokenStore(path))


async def test_an_unreadable_file_is_no_empty_store(path: Path) -> None:
    """Law F3: what cannot be read is an error, and the error's command repairs it."""
    store = FileTokenStore(path)
    await save(store)
    path.chmod(0)
    with pytest.raises(StoreError, match=r"cannot be read: permission denied; .* chmod") as caught:
        await store.load()
    repair(str(caught.value))
    assert await store.load() == KEPT


async def test_a_directory_that_may_not_be_written_is_an_error_and_the_file_stays(path: Path) -> None:
    """Law F3: in a read-only directory nothing is lost, and the error's command repairs it."""
    store = FileTokenStore(path)
    await save(store)
    path.parent.chmod(0o500)
    with pytest.raises(StoreError, match=r"cannot be written: permission denied; .* chmod") as caught:
        await save(store)
    assert await store.load() == KEPT
    repair(str(caught.value))
    await save(store)


async def test_a_read_only_directory_costs_no_token(path: Path) -> None:
    """Law C4: a token that was paid for is served though its directory became read-only, and saved when it is not."""
    grant = RotatingGrant(SYSTEM_CLOCK)
    async with TokenRepository(grant, FileTokenStore(path)) as tokens:
        token = await tokens.token()
        path.parent.chmod(0o500)
        assert (await tokens.token(rejected=token)).access_token == "access-2"
        assert tokens.status.unsaved
        path.parent.chmod(0o700)
    assert (await FileTokenStore(path).load() or Credential()).refresh_token == "refresh-2"


async def test_a_read_only_directory_without_a_lock_file_is_an_error(path: Path) -> None:
    """Law F3: where not even the lock can be made, the error says which file could not be."""
    path.parent.chmod(0o500)
    with pytest.raises(StoreError, match=r"\.lock cannot be locked: permission denied; .* chmod"):
        await save(FileTokenStore(path))
    path.parent.chmod(0o700)


@pytest.mark.parametrize("umask", [0o000, 0o777])
async def test_an_ordinary_user_can_save_under_any_umask(path: Path, umask: int) -> None:
    """Law F4: with umask 0777 the user can still read, write and enter what was made."""
    below = path.parent / "a" / "b" / path.name
    before = os.umask(umask)
    try:
        await save(FileTokenStore(below))
        assert await FileTokenStore(below).load() == KEPT
    finally:
        os.umask(before)
    modes = [stat.S_IMODE(made.stat().st_mode) for made in (below.parent.parent, below.parent, below)]
    assert modes == [0o700, 0o700, 0o600]


async def test_an_explicit_argument_overrides_the_checks(path: Path) -> None:
    """Law F4: on a volume whose modes cannot be set, `check_permissions=False` takes what is there."""
    real = path.with_name("real.json")
    await save(FileTokenStore(real))
    real.chmod(0o644)
    path.parent.chmod(0o777)
    path.symlink_to(real.name)
    store = FileTokenStore(path, check_permissions=False)
    assert await store.load() == KEPT
    await save(store)
    assert path.is_symlink()
    path.parent.chmod(0o700)
    assert await FileTokenStore(real).load() == KEPT


async def test_checks_do_not_allow_a_directory_in_the_files_place(path: Path) -> None:
    """Law F4: no argument makes a directory a file."""
    path.mkdir()
    with pytest.raises(StoreError, match="is a directory"):
        await FileTokenStore(path, check_permissions=False).load()


def test_a_group_of_ones_own_exposes_nothing() -> None:
    """Law F4: where every user has a group, their folders are 0775, and that exposes nothing."""
    assert permissions._is_private_group(os.getegid()) == (os.getegid() == os.geteuid())


def test_a_group_without_a_name_is_foreign() -> None:
    """Law F4: the members of a group without a name cannot be known."""
    assert not permissions._is_private_group(2_000_000_001)


def test_flags_that_a_system_does_not_know_are_left_out() -> None:
    """The file store opens files with what the system offers."""
    assert flags("O_APPEND", "O_NO_SUCH_FLAG") == os.O_APPEND
    nothing(1, 2)


def test_a_directory_that_cannot_be_synced_is_no_error(path: Path) -> None:
    """Law F1: some filesystems cannot sync a directory, and what is missing is an error all the same."""
    path.parent.chmod(0o300)
    sync_directory(path.parent)
    path.parent.chmod(0o700)
    with pytest.raises(FileNotFoundError):
        sync_directory(path.parent / "none")


class WindowsStore(FileTokenStore):
    """The file store as it is on Windows."""

    _platform = WINDOWS


async def test_on_windows_a_file_that_stays_in_use_is_an_error(path: Path) -> None:
    """Law F1: the patience with a file in use has an end, and the old file stays."""
    await save(FileTokenStore(path))
    disk = Disk()
    disk.before = FailAt("replace", PermissionError(13, "The process cannot access the file"))
    with pytest.raises(StoreError, match="cannot be written: permission denied"):
        await save(disk.store(path, kind=WindowsStore))
    assert await FileTokenStore(path).load() == KEPT


async def test_on_windows_a_file_in_use_is_waited_for(path: Path) -> None:
    """Law F1: a file that is being read cannot be replaced there for a moment, so it is tried again."""
    disk = Disk()

    def busy(number: int, name: str) -> None:
        if name == "replace" and disk.steps.count("replace") < 4:
            raise PermissionError(13, "The process cannot access the file because it is being used")

    disk.before = busy
    await save(disk.store(path, kind=WindowsStore))
    assert disk.steps.count("replace") == 4
    assert await FileTokenStore(path).load() == KEPT


def owned_by(directory: Path, user: int) -> None:
    """Give a directory away, as root."""
    os.seteuid(0)
    os.chown(directory, user, user)
    os.seteuid(NOBODY)


@pytest.mark.parametrize("mode", [0o777, 0o770])
async def test_a_directory_above_that_others_may_write_is_refused_until_it_is_repaired(path: Path, mode: int) -> None:
    """Law F4: who may write further up could exchange a whole directory; that is found before anything is written."""
    below = path.parent / "above" / "of mine" / path.name
    below.parent.parent.mkdir()
    below.parent.parent.chmod(mode)
    if mode == 0o770:
        give_to_a_foreign_group(below.parent.parent)
    with pytest.raises(
        StoreError, match=r"other users may write to the directory .*above, and could exchange"
    ) as caught:
        await save(FileTokenStore(below))
    assert not below.exists()
    repair(str(caught.value))
    await save(FileTokenStore(below))
    assert await FileTokenStore(below).load() == KEPT


async def test_a_sticky_directory_above_is_good_enough(path: Path) -> None:
    """Law F4: in one like /tmp no user can exchange another's directory."""
    below = path.parent / "above" / "of mine" / path.name
    below.parent.parent.mkdir()
    below.parent.parent.chmod(0o1777)
    await save(FileTokenStore(below))


@pytest.mark.parametrize("target", ["shared/real", "{}/shared/real", "../folder/shared/real"])
async def test_the_directories_that_a_link_leads_through_are_looked_at(path: Path, target: str) -> None:
    """Law F4: a link on the way is followed step by step: who may write to where it leads through is on the way too."""
    folder = path.parent / "folder"
    real = folder / "shared" / "real"
    real.mkdir(parents=True)
    real.parent.chmod(0o777)
    (folder / "link").symlink_to(target.format(folder))
    store = FileTokenStore(folder / "link" / path.name)
    with pytest.raises(StoreError, match=r"other users may write to the directory .*/shared, and could exchange"):
        await save(store)
    real.parent.chmod(0o755)
    await save(store)
    assert (real / path.name).is_file()


async def test_a_circle_of_links_is_an_error(path: Path) -> None:
    """Law F4: a way without end is told."""
    (path.parent / "a").symlink_to("a")
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        permissions.refuse_exposed_way(path.parent / "a")
    with pytest.raises(StoreError):
        await FileTokenStore(path.parent / "a" / path.name).load()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give directories away")
async def test_a_directory_above_of_another_user_is_not_taken_over(path: Path) -> None:
    """Law F4: its owner could exchange what is in it, and it may be a home: no command takes that away."""
    below = path.parent / "home" / "mine" / path.name
    below.parent.mkdir(parents=True)
    owned_by(below.parent.parent, 12_345)
    with pytest.raises(
        StoreError, match=r"/home, on the way to .*/mine, belongs to another user \(uid 12345\)"
    ) as caught:
        await save(FileTokenStore(below))
    assert "chown" not in str(caught.value)
    assert "or pass check_permissions=False" in str(caught.value)
    await save(FileTokenStore(below, check_permissions=False))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("part", ["file", "directory"])
async def test_what_sudo_left_is_told_with_a_command_that_this_user_can_run(path: Path, part: str) -> None:
    """Law F4: a user cannot chown what is root's; the command has sudo, and names what is in the way."""
    below = path.parent / "state" / path.name
    await save(FileTokenStore(below))
    os.seteuid(0)
    os.chown(below, 0, 0)
    if part == "directory":
        os.chown(below.parent, 0, 0)
    os.seteuid(NOBODY)
    with pytest.raises(StoreError, match=r"\(uid 0\), as after sudo; .*run: sudo chown 65534 ") as caught:
        await save(FileTokenStore(below))
    os.seteuid(0)
    repair(str(caught.value))
    os.seteuid(NOBODY)
    if part == "directory":
        with pytest.raises(StoreError, match=r"\(uid 0\), as after sudo; .*run: sudo chown 65534 ") as caught:
            await save(FileTokenStore(below))
        os.seteuid(0)
        repair(str(caught.value))
        os.seteuid(NOBODY)
    await save(FileTokenStore(below))


def test_who_owns_the_root_directory_is_trusted() -> None:
    """Law F4: in a sandbox root is not always 0, and who owns the root directory may do anything anyway."""
    assert permissions._trusted() == {os.geteuid(), 0, Path("/").stat().st_uid}


@pytest.mark.parametrize(("others", "private"), [([], True), (["a colleague"], False)])
def test_a_group_that_is_the_first_of_another_account_is_not_private(
    others: list[str], private: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law F4: such an account is no listed member of the group, and is in it all the same."""
    group = grp.getgrgid(os.getegid())
    mine = pwd.struct_passwd((group.gr_name, "x", os.geteuid(), group.gr_gid, "", "/", "/bin/sh"))
    theirs = [pwd.struct_passwd((name, "x", 77_777, group.gr_gid, "", "/", "/bin/sh")) for name in others]
    monkeypatch.setattr(pwd, "getpwuid", lambda _: mine)
    monkeypatch.setattr(pwd, "getpwall", lambda: [mine, *theirs])
    assert permissions._is_private_group(group.gr_gid) is private


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="access control lists of Linux")
async def test_a_directory_that_a_list_opens_to_others_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law F4: the mode's group is all whom an access control list names, though the group is this user's own."""
    monkeypatch.setattr(permissions, "_is_private_group", lambda _: True)
    store = FileTokenStore(path)
    await save(store)
    path.parent.chmod(0o770)
    assert await store.load() == KEPT
    owner, named, group, mask, others = (0x01, -1), (0x02, 1), (0x04, -1), (0x10, -1), (0x20, -1)
    rights = ((owner, 7), (named, 7), (group, 7), (mask, 7), (others, 0))
    entries = (struct.pack("<HHi", tag, may, who) for (tag, who), may in rights)
    try:
        os.setxattr(path.parent, "system.posix_acl_access", struct.pack("<I", 2) + b"".join(entries))
    except OSError as error:
        pytest.skip(f"this file system has no such lists: {error}")
    message = await refusal(store)
    assert "other users may write to the directory" in message
    repair(message)
    assert await store.load() == KEPT


async def test_what_belongs_to_the_system_is_not_to_be_taken_over(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law F4: `chown` is named for what sudo has left in this user's directories, never for /etc or another's home."""
    home = path.parent / "home"
    home.mkdir()
    store = FileTokenStore(home / "token.json")
    monkeypatch.setattr(os, "geteuid", lambda: 4_242)
    for message in (await refusal_to_hold(store), await refusal_to_hold(FileTokenStore("/etc/of/no/one/token.json"))):
        assert "chown" not in message
        assert "choose a place of your own (HOME, XDG_STATE_HOME)" in message


async def refusal_to_hold(store: FileTokenStore) -> str:
    """Return what holding it fails with."""
    with pytest.raises(StoreError) as caught:
        await save(store)
    return str(caught.value)


@pytest.mark.parametrize("name", ["/dev/null", "a socket"])
async def test_no_device_and_no_socket_is_removed(name: str) -> None:
    """Law F4: `rm /dev/null` is no way out."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        place = Path(folder, name)
        if name == "a socket":
            listener.bind(str(place))
        with pytest.raises(StoreError) as caught:
            await FileTokenStore(place).load()
    assert str(caught.value).startswith(str(place))
    assert str(caught.value).endswith("choose another path")


async def test_a_way_that_leads_nowhere_says_so(path: Path) -> None:
    """Law F4: links to nothing and in circles, and a file where a directory should be."""
    folder = path.parent
    (folder / "nowhere").symlink_to(folder / "gone")
    (folder / "circle").symlink_to("circle")
    (folder / "file").write_text("x")
    for name in ("nowhere", "circle"):
        message = await refusal_to_hold(FileTokenStore(folder / name / "token.json"))
        assert "File exists; a link on the way to it leads nowhere: choose another path" in message
    message = await refusal_to_hold(FileTokenStore(folder / "file" / "token.json"))
    assert "Not a directory; a part of its path is a file: choose another path" in message
    message = await refusal_to_hold(FileTokenStore(folder / "file" / "more" / "token.json"))
    assert "Not a directory; a part of its path is a file: choose another path" in message
    if sys.platform == "linux":
        message = await refusal_to_hold(FileTokenStore("/proc/nowhere/token.json"))
        assert "No such file or directory; a directory on its way was removed" in message
        assert message.endswith("or cannot be: choose another path")


async def test_a_directory_that_another_process_makes_first_is_not_changed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law F4: it is not this one's; in a directory for all, it may be a link to one that is not to be closed."""
    other = path.parent / "other"
    other.mkdir(mode=0o755)
    other.chmod(0o755)
    made = Path.mkdir

    def late(directory: Path, mode: int = 0o777) -> None:
        monkeypatch.undo()
        directory.symlink_to(other)
        made(directory, mode)

    monkeypatch.setattr(Path, "mkdir", late)
    await save(FileTokenStore(path.parent / "new" / "token.json"))
    assert stat.S_IMODE(other.stat().st_mode) == 0o755
    assert (other / "token.json").exists()


async def test_a_file_in_a_directory_that_may_not_be_listed_is_removed(path: Path) -> None:
    """Law E3: signing out removes it, and says that there may be damaged ones beside it."""
    if os.geteuid() == 0:
        pytest.skip("root may list all")
    store = FileTokenStore(path)
    await save(store)
    path.parent.chmod(0o300)
    with pytest.raises(StoreError, match="cannot be removed: permission denied; as this process's user, run: chmod"):
        async with store.exclusive() as slot:
            await slot.delete()
    assert not path.exists()
    path.write_bytes(b"damaged")
    path.chmod(0o600)
    async with store.exclusive() as slot:
        assert await slot.load() is None
    path.parent.chmod(0o700)
    assert len(list(path.parent.glob("*.corrupt-*"))) == 1
