"""Secrets of stores: in no traceback, log record, repr or event loop's message, whatever goes wrong."""

from __future__ import annotations

import asyncio
import errno
import logging
from typing import TYPE_CHECKING

import pytest

from aio_token._credential import Credential
from aio_token._errors import StoreError
from aio_token._token import Token
from aio_token.stores.encrypted import Encrypted
from aio_token.stores.file import FileTokenStore
from aio_token.stores.key import Key
from aio_token.stores.keyring import KeyringTokenStore
from aio_token.stores.keys import EnvironmentKey, KeyFile, KeyringKey, Passphrase, new_key
from tests.support.disk import Disk, FailAt, Halt
from tests.support.exposure import exposure
from tests.support.keyrings import memory_keyring

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from aio_token._interfaces import TokenStore
    from aio_token.stores import Codec

KEY = new_key()
CANARIES = ("canary", KEY, KEY[:20])
KEPT = Credential(
    token=Token(access_token="canary-access", extra={"id_token": "canary-id"}), refresh_token="canary-refresh"
)

CODECS: dict[str, Callable[[], Codec | None]] = {
    "plain": lambda: None,
    "environment": lambda: Encrypted(EnvironmentKey("CANARY_KEY")),
    "passphrase": lambda: Encrypted(Passphrase("canary-passphrase")),
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_KEY", KEY)


@pytest.fixture(autouse=True)
def records(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Look at every record, debug messages included, after each test."""
    with caplog.at_level(logging.DEBUG):
        yield caplog
    for canary in CANARIES:
        assert canary not in caplog.text


def assert_hidden(error: BaseException) -> None:
    """Law G1: nothing of an error shows a secret."""
    shown = exposure(error)
    for canary in CANARIES:
        assert canary not in shown


async def cycle(store: TokenStore) -> None:
    """Use a store in every way."""
    async with store.exclusive() as slot:
        await slot.load()
        await slot.save(KEPT)
        await slot.load()
    await store.load()


async def steps_of(path: Path, codec: Codec | None) -> list[str]:
    """List the steps of a cycle, once a derived key is known."""
    await cycle(FileTokenStore(path, codec=codec))
    disk = Disk()
    await cycle(disk.store(path, codec=codec))
    return disk.steps


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
async def test_an_error_at_any_step_shows_no_secret(tmp_path: Path, codec: Callable[[], Codec | None]) -> None:
    """Law G1: whichever step of the disk fails, the error and all frames behind it hold no secret."""
    path, made = tmp_path / "token.json", codec()
    for number, _ in enumerate(await steps_of(path, made), 1):
        disk = Disk()
        disk.before = FailAt(number, OSError(errno.EIO, "Input/output error"))
        with pytest.raises((StoreError, OSError)) as caught:
            await cycle(disk.store(path, codec=made))
        assert_hidden(caught.value)


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
async def test_a_cancellation_at_any_step_shows_no_secret(tmp_path: Path, codec: Callable[[], Codec | None]) -> None:
    """Law G1: the frames of a cancelled store show no secret."""
    path, made = tmp_path / "token.json", codec()
    for name in dict.fromkeys(await steps_of(path, made)):
        disk, halt = Disk(), Halt(name)
        disk.before = halt
        using = asyncio.create_task(cycle(disk.store(path, codec=made)))
        await asyncio.to_thread(halt.reached.wait, 10)
        using.cancel()
        await asyncio.sleep(0)
        halt.release()
        with pytest.raises(asyncio.CancelledError) as caught:
            await using
        assert_hidden(caught.value)


@pytest.mark.parametrize(
    "content", [b'{"canary', b'{"version": 1, "token": "canary"}', b'{"version": 3, "x": "canary"}']
)
async def test_a_file_that_cannot_be_read_shows_none_of_its_text(tmp_path: Path, content: bytes) -> None:
    """Law G1: damage is described, not quoted."""
    path = tmp_path / "token.json"
    for store in (FileTokenStore(path), FileTokenStore(path, codec=Encrypted(EnvironmentKey("CANARY_KEY")))):
        path.write_bytes(content)
        path.chmod(0o600)
        try:
            async with store.exclusive() as slot:
                assert await slot.load() is None
        except StoreError as error:
            assert_hidden(error)


async def test_a_key_that_is_none_shows_nothing_of_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law G1: a malformed key, wherever it is kept, is not quoted."""
    monkeypatch.setenv("CANARY_KEY", "canary-malformed")
    (tmp_path / "key").touch(0o600)
    (tmp_path / "key").write_text("canary-malformed")
    with memory_keyring() as ring:
        ring.entries["aio_token", "key"] = "canary-malformed"
        for key in (EnvironmentKey("CANARY_KEY"), KeyFile(tmp_path / "key"), KeyringKey("aio_token", "key")):
            with pytest.raises(StoreError, match="does not hold a key") as caught:
                await FileTokenStore(tmp_path / "token.json", codec=Encrypted(key)).probe()
            assert_hidden(caught.value)


async def test_a_wrong_key_shows_neither_key_nor_credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law G1: the error of a file that does not open names a key by its id alone."""
    path = tmp_path / "token.json"
    await cycle(FileTokenStore(path, codec=Encrypted(EnvironmentKey("CANARY_KEY"))))
    monkeypatch.setenv("CANARY_KEY", new_key())
    with pytest.raises(StoreError, match="no key of") as caught:
        await FileTokenStore(path, codec=Encrypted(EnvironmentKey("CANARY_KEY"))).load()
    assert_hidden(caught.value)


@pytest.mark.parametrize("fault", [RuntimeError("x"), ImportError("x")])
async def test_a_keyring_that_fails_shows_no_secret(tmp_path: Path, fault: Exception) -> None:
    """Law G1: the frames of a keyring, which hold the password, are not kept."""
    with memory_keyring() as ring:
        store = KeyringTokenStore("aio_token", "tests", lock=tmp_path / "lock")
        await cycle(store)
        ring.fault = fault
        with pytest.raises(StoreError) as caught:
            await cycle(store)
        assert_hidden(caught.value)


async def test_what_json_cannot_hold_is_not_shown(tmp_path: Path) -> None:
    """Law G1: a credential that cannot be written is not quoted either."""
    odd = Credential(token=Token(access_token="canary", extra={"canary": object()}), refresh_token="canary")
    with pytest.raises(StoreError) as caught:
        async with FileTokenStore(tmp_path / "token.json").exclusive() as slot:
            await slot.save(odd)
    assert_hidden(caught.value)


def test_a_key_hides_itself() -> None:
    """Law G1: a key is named by its id, and is not pickled."""
    key = Key.read(memoryview(KEY.encode()))
    assert repr(key) == f"<Key {key.id.hex()}>"
    with pytest.raises(TypeError, match="a Key is not pickled"):
        key.__reduce_ex__(4)


async def test_the_event_loops_debug_mode_shows_no_secret(tmp_path: Path) -> None:
    """Law G1: slow callbacks are reported with their arguments, which hold no secret."""
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0.0
    await cycle(FileTokenStore(tmp_path / "token.json", codec=Encrypted(EnvironmentKey("CANARY_KEY"))))
