"""Where the key comes from at a sign-in: the keyring, shared by all that sign in at once, or a key file."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import keyring
import pytest

from aio_token._errors import StoreError
from aio_token.cli import _key_choice
from aio_token.stores.key import new_key
from aio_token.testing import AuthorizationServer
from tests.cli.command_line import at
from tests.support.keyrings import MemoryKeyring
from tests.support.python_path import leading_to

if TYPE_CHECKING:
    from tests.cli.command_line import Browser, CommandLine


async def test_the_keyring_keeps_the_key(
    aio_token: CommandLine, no_keyring: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the environment has no key; it is made once."""
    monkeypatch.delenv("AIO_TOKEN_KEY")
    memory = MemoryKeyring()
    keyring.set_keyring(memory)
    async with AuthorizationServer() as server:
        monkeypatch.setenv("AIO_TOKEN_CLIENT_SECRET", server.client.secret or "")
        for name in ("a", "b"):
            done = await aio_token("login", name, *at(server, "bot"), "--service-account")
            assert "encrypted, with the key of the keyring" in done.err
        assert (await aio_token("token", "a")).code == 0
    assert len(memory.entries) == 1


async def test_a_machine_without_a_keyring_gets_a_key_file(
    aio_token: CommandLine, no_keyring: None, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person is asked once; the file is 0600 and serves further profiles, of service accounts too."""
    monkeypatch.delenv("AIO_TOKEN_KEY")
    file = aio_token.directory / "config" / "aio-token" / "key"
    async with AuthorizationServer() as server:
        done = await aio_token("login", *at(server), stdin="\n", terminal=True)
        assert done.code == 0
        assert f"Make the key file {file}" in done.err
        assert f"encrypted, with the key of the file {file}" in done.err
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert len(file.read_text()) == len(new_key()) + 1
        assert (await aio_token("token", "--force")).code == 0
        monkeypatch.setenv("AIO_TOKEN_CLIENT_SECRET", server.client.secret or "")
        done = await aio_token("login", "bot", *at(server, "bot"), "--service-account")
        assert done.code == 0
        assert f"the key of the file {file}" in done.err
        assert "Make" not in done.err
    assert list(file.parent.glob("key*")) == [file]


@pytest.mark.parametrize(("answer", "terminal"), [("n\n", True), ("", False)])
async def test_without_a_key_nothing_is_kept_in_clear(
    answer: str,
    terminal: bool,
    aio_token: CommandLine,
    no_keyring: None,
    browser: Browser,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """5, and the ways out, if a person declines or none is there; a key file of one's own is one."""
    monkeypatch.delenv("AIO_TOKEN_KEY")
    async with AuthorizationServer() as server:
        done = await aio_token("login", *at(server), "--browser", stdin=answer, terminal=terminal)
        assert (done.code, browser.opened) == (5, [])
        assert "--key-file FILE" in done.err
        assert "--store plain" in done.err
        file = aio_token.directory / "key"
        file.touch(0o600)
        file.write_text((await aio_token("new-key")).out)
        done = await aio_token("login", *at(server), "--browser", "--key-file", file)
        assert done.code == 0
        assert f"the key of the file {file}" in done.err
        assert (await aio_token("token", "--force")).code == 0


async def test_a_script_agrees_beforehand(
    aio_token: CommandLine, no_keyring: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a person the message names `--yes`, which makes the key file and says where it is; once is enough."""
    monkeypatch.delenv("AIO_TOKEN_KEY")
    file = aio_token.directory / "config" / "aio-token" / "key"
    async with AuthorizationServer() as server:
        monkeypatch.setenv("AIO_TOKEN_CLIENT_SECRET", server.client.secret or "")
        done = await aio_token("login", *at(server, "bot"), "--service-account")
        assert done.code == 5
        assert f"pass --yes, and the key file {file} is made" in done.err
        done = await aio_token("login", *at(server, "bot"), "--service-account", "--yes")
        assert done.code == 0
        assert f"Made the key file {file}" in done.err
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        done = await aio_token("login", "b", *at(server, "bot"), "--service-account")
        assert done.code == 0
        assert "Made the key file" not in done.err


async def test_a_missing_package_is_named(aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """What to install for a keyring."""
    monkeypatch.delenv("AIO_TOKEN_KEY")
    monkeypatch.setitem(sys.modules, "keyring", None)
    done = await aio_token("login", "--issuer", "https://id.example", "--client-id", "app", "--device")
    assert done.code == 5
    assert "pip install 'aio-token[keyring]'" in done.err


def test_of_two_key_files_made_at_once_the_first_one_counts(tmp_path: Path, home: Path) -> None:
    """Its key may have encrypted a token already."""
    path = tmp_path / "new" / "key"
    _key_choice._make(path)
    first = path.read_text()
    _key_choice._make(path)
    assert path.read_text() == first
    assert list(path.parent.iterdir()) == [path]


def test_a_key_file_that_cannot_be_made(tmp_path: Path) -> None:
    """The sentence names it."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=f"{tmp_path}/file/key cannot be written"):
        _key_choice._make(tmp_path / "file" / "key")


SLOW_KEYRING = '''
import os, pathlib, time, keyring.backend
class Keyring(keyring.backend.KeyringBackend):
    """A keyring that all processes share, slow to write in some."""
    priority = 5
    file = pathlib.Path(os.environ["RING"])
    def get_password(self, service, user):
        return self.file.read_text() if self.file.exists() else None
    def set_password(self, service, user, password):
        time.sleep(float(os.environ["DELAY"]))
        draft = self.file.with_suffix(".draft" + os.environ["DELAY"])
        draft.write_text(password)
        draft.replace(self.file)
    def delete_password(self, service, user):
        self.file.unlink()
'''


async def test_two_first_sign_ins_at_once_make_one_key(home: Path) -> None:
    """Law F7: what both have stored can be read ever after."""
    (home / "slow_ring.py").write_text(SLOW_KEYRING)
    async with AuthorizationServer() as server:
        environment = {
            **os.environ,
            "PYTHONPATH": leading_to(home, Path(__file__).parents[2]),
            "PYTHON_KEYRING_BACKEND": "slow_ring.Keyring",
            "RING": str(home / "ring"),
            "AIO_TOKEN_CLIENT_SECRET": server.client.secret or "",
        }
        del environment["AIO_TOKEN_KEY"]

        async def run(*arguments: str, delay: str) -> int | None:
            line = [sys.executable, "-m", "aio_token.cli", *arguments]
            process = await asyncio.create_subprocess_exec(*line, env={**environment, "DELAY": delay})
            return await process.wait()

        options = [*at(server, "bot"), "--service-account"]
        codes = await asyncio.gather(run("login", "a", *options, delay="0.1"), run("login", "b", *options, delay="1.5"))
        assert [*codes] == [0, 0]
        again = await asyncio.gather(run("token", "a", delay="0"), run("token", "b", delay="0"))
        assert [*again] == [0, 0]


class ForgetfulKeyring(MemoryKeyring):
    """A keyring that keeps nothing."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Take the entry, and forget it."""


async def test_a_keyring_that_keeps_nothing_is_found_out(
    aio_token: CommandLine, no_keyring: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law F7: before a person signs in."""
    monkeypatch.delenv("AIO_TOKEN_KEY")
    keyring.set_keyring(ForgetfulKeyring())
    done = await aio_token("login", "--issuer", "https://id.example", "--client-id", "app", "--device")
    assert done.code == 5
    assert "the keyring does not keep the key" in done.err


async def test_a_key_that_the_keyring_has_lost(
    aio_token: CommandLine, no_keyring: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stored token keeps its key, so none is made in its place; once the token is deleted one is."""
    monkeypatch.delenv("AIO_TOKEN_KEY")
    memory = MemoryKeyring()
    keyring.set_keyring(memory)
    async with AuthorizationServer() as server:
        monkeypatch.setenv("AIO_TOKEN_CLIENT_SECRET", server.client.secret or "")
        assert (await aio_token("login", *at(server, "bot"), "--service-account")).code == 0
        assert (await aio_token("login")).code == 0
        memory.entries.clear()
        done = await aio_token("login")
        assert done.code == 5
        assert "aio-token logout default --local" in done.err
        assert memory.entries == {}
        assert (await aio_token("logout", "--local")).code == 0
        assert (await aio_token("login")).code == 0
        assert (await aio_token("token")).code == 0


async def test_a_keyring_that_asks_a_person_is_waited_for(
    aio_token: CommandLine, no_keyring: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sentence says what for; the patience is a person's, who types a password."""
    monkeypatch.delenv("AIO_TOKEN_KEY")
    monkeypatch.setattr(_key_choice, "_NOTICEABLE", 0.01)
    said = threading.Event()
    memory = MemoryKeyring()
    memory.go.clear()
    keyring.set_keyring(memory)

    def unlock(text: str) -> None:
        said.set()
        assert "Waiting for the keyring" in text
        memory.go.set()

    monkeypatch.setattr(_key_choice, "say", unlock)
    async with AuthorizationServer() as server:
        monkeypatch.setenv("AIO_TOKEN_CLIENT_SECRET", server.client.secret or "")
        assert (await aio_token("login", *at(server, "bot"), "--service-account")).code == 0
    assert said.is_set()


def test_a_state_directory_that_cannot_be_made(home: Path) -> None:
    """The sentence names the lock's file."""
    (home / "state").touch()
    with pytest.raises(StoreError, match=r"key\.lock cannot be written"):
        _key_choice.open_keyring(create=True)
