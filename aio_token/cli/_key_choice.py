"""Choosing a key to encrypt with: one that is there, or one that is made, in a keyring or in a file."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

from aio_token._disk.directories import make_private
from aio_token._disk.lock import ProcessLock
from aio_token._disk.permissions import unusable
from aio_token._disk.platform import HERE
from aio_token._errors import KeyUnavailable, without_frames
from aio_token.cli._encryption_key import ENTRY, KEY_VARIABLE, KEYRING
from aio_token.cli._places import configuration, state
from aio_token.cli._terminal import is_interactive, say
from aio_token.stores.key import new_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PATIENCE = 300.0  # seconds for one that asks a person, who is there to sign in
_NOTICEABLE = 3.0  # seconds


def choose_key(named: Path | None, *, agreed: bool = False) -> str:
    """Return where the key comes from: the file that was named, else the environment, else the keyring, else a file.

    That last file is made if a person agrees, or has `agreed` beforehand. Raises `KeyUnavailable` if none is
    left, `StoreError` if it cannot be made; nothing is kept in clear because of that.
    """
    if named is not None:
        return f"file:{named}"
    if os.environ.get(KEY_VARIABLE):
        return f"env:{KEY_VARIABLE}"
    try:
        open_keyring(create=True)
    except KeyUnavailable as error:
        path = default_key_file()
        if not path.exists():
            if not agreed:
                _ask_for_key_file(path, error)
            _make(path)
            say(f"Made the key file {path}, which only you can read; without it the token cannot be read either.")
        return f"file:{path}"
    return KEYRING


def default_key_file() -> Path:
    """Return where a key file is made: among the configuration, so that a copy of the tokens alone opens nothing."""
    return configuration() / "key"


def open_keyring(*, create: bool) -> None:
    """Have the keyring unlocked, for which it may ask a person, and the key in it. Raises `KeyUnavailable`.

    `create` makes a key if there is none. A keyring cannot compare and set, so that is done under a lock: of two keys,
    the first one would be lost with what it has encrypted. What was written is read again: some keyrings keep nothing.
    """
    if find_spec("keyring") is None:
        message = "no keyring is installed (pip install 'aio-token[keyring]')"
        raise KeyUnavailable(message)
    from aio_token.stores._os_keyring import KeyringEntry

    entry = KeyringEntry(*ENTRY, _PATIENCE)
    with _hint(), _lock():
        if entry.read() is not None:
            return
        if create:
            entry.write(memoryview(new_key().encode()))
        if entry.read() is None:
            message = "the keyring does not keep the key; look at: python -m keyring diagnose"
            raise KeyUnavailable(message)


@contextmanager
def _hint() -> Iterator[None]:
    """Say what is waited for, if it takes long."""
    timer = threading.Timer(_NOTICEABLE, say, ["Waiting for the keyring, which may ask you to unlock it."])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def _lock() -> Iterator[None]:
    """Keep other processes of this user from making a key meanwhile. Raises `StoreError`."""
    path = state() / "key.lock"
    try:
        make_private(path.parent, HERE.sync_directory)
    except OSError as error:
        raise unusable(path, "written", error) from without_frames(error)
    lock = ProcessLock(path)
    try:
        lock.acquire()
        yield
    finally:
        lock.release()


def _ask_for_key_file(path: Path, missing: KeyUnavailable) -> None:
    """Return if a person agrees. Raises `KeyUnavailable` with the other ways."""
    if is_interactive():
        say(f"The token is kept encrypted, and there is no place for the key yet: {missing}.")
        if click.confirm(f"Make the key file {path}, which only you can read?", default=True, err=True):
            return
    message = (
        f"there is no key to encrypt the token with: {missing}; pass --yes, and the key file {path} is made, which "
        f"only you can read; or --key-file FILE, made by (umask 077; aio-token new-key > FILE); or set {KEY_VARIABLE}; "
        "or keep the token in clear with --store plain"
    )
    raise KeyUnavailable(message) from missing.__cause__


def _make(path: Path) -> None:
    """Make the key file. Of two that are made at once the first one counts, since tokens may depend on it already."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        make_private(path.parent, HERE.sync_directory)
        with open(draft, "x", encoding="ascii", opener=partial(os.open, mode=0o600)) as file:
            file.write(f"{new_key()}\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            with suppress(FileExistsError):
                os.link(draft, path)
        finally:
            draft.unlink()
        HERE.sync_directory(path.parent)
    except OSError as error:
        raise unusable(path, "written", error) from without_frames(error)
