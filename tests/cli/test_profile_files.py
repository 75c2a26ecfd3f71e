"""The files of profiles: law G5, one that others may write or exchange is refused, since it says where secrets go."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aio_token._errors import StoreError
from aio_token.cli import _profile_files
from aio_token.testing import AuthorizationServer, ProtectedAPI
from tests.cli.command_line import profile_file, profile_of, set_up

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.cli.command_line import CommandLine

ANOTHER_USER = 54_321


@pytest.fixture
async def server(home: Path) -> AsyncIterator[AuthorizationServer]:
    """Run a server at which the default profile is signed in."""
    async with AuthorizationServer() as server:
        profile = profile_of(server, revocation_endpoint=server.revocation_url)
        await set_up("default", profile, server.credential(client_id="app"))
        yield server


def exposed_file() -> Path:
    """Let the group write the profile."""
    profile_file().chmod(0o664)
    return profile_file()


def exposed_directory() -> Path:
    """Let all exchange the profile."""
    profile_file().parent.chmod(0o777)
    return profile_file().parent


def exposed_directory_above() -> Path:
    """Let all exchange the whole configuration."""
    above = profile_file().parents[2]
    above.chmod(0o777)
    return above


def exposed_target() -> Path:
    """Put a link to a file that others may exchange in the profile's place."""
    elsewhere = profile_file().parents[2] / "repository"
    elsewhere.mkdir()
    profile_file().rename(elsewhere / "work.json")
    profile_file().symlink_to(elsewhere / "work.json")
    elsewhere.chmod(0o777)
    return elsewhere


@pytest.mark.parametrize("expose", [exposed_file, exposed_directory, exposed_directory_above, exposed_target])
async def test_a_profile_that_others_may_write_is_refused(
    expose: Callable[[], Path], server: AuthorizationServer, aio_token: CommandLine
) -> None:
    """Law G5: 5 and the command; no token goes to an origin, and none to a revocation endpoint, that others named."""
    exposed = expose()
    async with ProtectedAPI(server) as api:
        for arguments in (["token"], ["request", "GET", api.url], ["logout"], ["login", "--device"]):
            done = await aio_token(*arguments)
            assert (done.code, done.out) == (5, "")
            assert f"chmod go-w {exposed}" in done.err
        assert "chmod go-w" in (await aio_token("status")).out
        assert (await aio_token("status", "--check")).code == 5
        assert api.requests == 0
    assert not server.requests
    exposed.chmod(0o700)
    assert (await aio_token("token")).code == 0


async def test_a_link_to_a_guarded_file_is_followed(server: AuthorizationServer, aio_token: CommandLine) -> None:
    """Configuration is often kept in a repository of its own."""
    exposed_target().chmod(0o755)
    assert (await aio_token("token")).code == 0


async def test_no_profile_is_put_where_others_may_exchange_it(aio_token: CommandLine) -> None:
    """Before a person signs in."""
    profile_file().parent.mkdir(parents=True)
    directory = exposed_directory()
    async with AuthorizationServer() as server:
        done = await aio_token("login", "--issuer", server.issuer, "--client-id", "app", "--device")
    assert done.code == 5
    assert f"chmod go-w {directory}" in done.err
    assert not server.user_codes


@pytest.mark.parametrize("kind", [os.mkfifo, os.mkdir, lambda path: path.symlink_to(path)])
async def test_what_is_not_a_file_is_refused(
    kind: Callable[[Path], None], server: AuthorizationServer, aio_token: CommandLine
) -> None:
    """A pipe is not waited for, and a link to itself not followed for ever."""
    profile_file().unlink()
    kind(profile_file())
    done = await aio_token("token")
    assert done.code == 5
    assert str(profile_file()) in done.err


async def test_another_user_s_profile(server: AuthorizationServer, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The owner may write it whatever its mode; the command takes over the topmost thing that is not this user's."""
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: ANOTHER_USER)
        patch.setenv("HOME", str(home))
        with pytest.raises(StoreError, match=f"sudo chown -R {ANOTHER_USER} {home}/config$") as refused:
            _profile_files._refuse_exposed(profile_file(), _owned_by(profile_file(), 1))
    assert "belongs to another user (uid 1)" in str(refused.value)


async def test_root_may_use_what_others_own(server: AuthorizationServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """With sudo, the home directory is often that of the user who called it."""
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: 0)
        _profile_files._refuse_exposed(profile_file(), _owned_by(profile_file(), 1))


async def test_after_a_run_with_sudo(home: Path, monkeypatch: pytest.MonkeyPatch, aio_token: CommandLine) -> None:
    """What root left in the way is named with a command that this user can run; a mode of one's own with another."""

    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    profile_file().parent.mkdir(parents=True)
    with monkeypatch.context() as patch:
        patch.setattr(os, "listdir", denied)
        done = await aio_token("status")
        assert done.code == 5
        assert done.err.endswith(f"chmod u+rwx {profile_file().parent}\n")
        patch.setenv("HOME", str(home))
        patch.setattr(os, "geteuid", lambda: ANOTHER_USER)
        done = await aio_token("status")
    assert done.code == 5
    assert f"sudo chown -R {ANOTHER_USER} {home}/config" in done.err


def test_a_profile_outside_of_the_home_directory(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What else is there is not taken over."""
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: ANOTHER_USER)
        with pytest.raises(StoreError, match=f"run: sudo chown {ANOTHER_USER} {home}$"):
            _profile_files._refuse_foreign(home, 1)


async def test_what_is_above_the_home_directory_is_not_looked_at(
    server: AuthorizationServer, home: Path, monkeypatch: pytest.MonkeyPatch, aio_token: CommandLine
) -> None:
    """In a sandbox its owners are not known."""
    monkeypatch.setenv("HOME", str(home / "config" / "aio-token"))
    (home / "config").chmod(0o777)
    assert (await aio_token("token")).code == 0


def test_the_system_s_own_directories_are_left_to_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their modes are no business of a user's, who could not change them; in a container the home may be the root."""
    with monkeypatch.context() as patch:
        patch.setenv("HOME", "/")
        patch.setattr(os, "geteuid", lambda: ANOTHER_USER)
        _profile_files._refuse_exposed_directories(Path("/profile"))


def test_a_mode_of_one_s_own(tmp_path: Path) -> None:
    """It is repaired without sudo."""
    refused = _profile_files._unusable(tmp_path / "a.json", "read", PermissionError(13, "Permission denied"))
    assert f"chmod 600 {tmp_path}/a.json" in str(refused)


def test_a_way_that_cannot_be_seen_has_no_owner(tmp_path: Path) -> None:
    """Below a directory that may not be entered nothing is known."""
    assert _profile_files._owner(tmp_path / "missing") is None


def _owned_by(path: Path, uid: int) -> os.stat_result:
    found = list(path.stat())
    found[4] = uid
    return os.stat_result(found)
