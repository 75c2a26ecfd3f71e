"""Where a profile's secrets are kept, and where the key comes from that they are encrypted with."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from aio_token._errors import KeyUnavailable
from aio_token.stores.file import FileTokenStore

if TYPE_CHECKING:
    from pathlib import Path

    from aio_token.cli._profile import Profile
    from aio_token.stores.key import KeySource

KEY_VARIABLE = "AIO_TOKEN_KEY"
KEYRING = "keyring"
_SERVICE, _USER = "aio-token", "key of the command line"
_TIMEOUT = 10.0  # seconds for a keyring that asks somebody to unlock it


def store_of(profile: Profile, path: Path) -> FileTokenStore:
    """Return the store of a file of the profile's."""
    if profile.store == "plain":
        return FileTokenStore(path)
    from aio_token.stores.encrypted import Encrypted  # noqa: PLC0415  not for those who have no key

    return FileTokenStore(path, codec=Encrypted(_source(profile.key or KEYRING)))


def described(profile: Profile) -> str:
    """Say how the profile's secrets are kept."""
    if profile.store == "plain":
        return "in clear, guarded by the file's permissions alone"
    kind, _, detail = (profile.key or KEYRING).partition(":")
    where = {"env": f"the environment variable {detail}", "file": f"the file {detail}"}
    return f"encrypted, with the key of {where.get(kind, 'the keyring')}"


async def choose_key(key_file: Path | None) -> str:
    """Return where the key is to come from: a file that was named, the environment, else the keyring.

    Raises `KeyUnavailable` if there is no such place; nothing is kept in clear because of that.
    """
    if key_file is not None:
        return f"file:{key_file}"
    if os.environ.get(KEY_VARIABLE):
        return f"env:{KEY_VARIABLE}"
    from aio_token.stores.keys import KeyringKey  # noqa: PLC0415

    try:
        await KeyringKey(_SERVICE, _USER, timeout=_TIMEOUT).create()
    except KeyUnavailable as error:
        message = (
            f"there is no key to encrypt the token with: {error}; or make a key file, (umask 077; aio-token new-key "
            f"> FILE), and pass --key-file FILE; or set {KEY_VARIABLE}; or keep the token in clear with --store plain"
        )
        raise KeyUnavailable(message) from error.__cause__
    return KEYRING


def _source(key: str) -> KeySource:
    from aio_token.stores.keys import EnvironmentKey, KeyFile, KeyringKey  # noqa: PLC0415

    kind, _, detail = key.partition(":")
    if kind == "env":
        return EnvironmentKey(detail)
    if kind == "file":
        return KeyFile(detail)
    return KeyringKey(_SERVICE, _USER, timeout=_TIMEOUT)
