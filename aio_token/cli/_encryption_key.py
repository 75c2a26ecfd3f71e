"""The key that secrets are encrypted with: a file, an environment variable, or the keyring; a profile names which."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from aio_token._errors import KeyUnavailable

if TYPE_CHECKING:
    from pathlib import Path

    from aio_token.stores.key import KeySource

KEY_VARIABLE = "AIO_TOKEN_KEY"
KEYRING = "keyring"
_SERVICE, _USER = "aio-token", "key of the command line"
_TIMEOUT = 10.0  # seconds for a keyring that asks its owner to unlock it


async def choose_key(key_file: Path | None) -> str:
    """Return where the key comes from: the file that was named, else the environment, else the keyring.

    Raises `KeyUnavailable` if there is none of them; nothing is kept in clear because of that.
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


def key_source(key: str | None) -> KeySource:
    """Return what reads the key, from what `choose_key` returned."""
    from aio_token.stores.keys import EnvironmentKey, KeyFile, KeyringKey  # noqa: PLC0415

    kind, _, detail = (key or KEYRING).partition(":")
    if kind == "env":
        return EnvironmentKey(detail)
    if kind == "file":
        return KeyFile(detail)
    return KeyringKey(_SERVICE, _USER, timeout=_TIMEOUT)


def key_described(key: str | None) -> str:
    """Say where the key comes from."""
    kind, _, detail = (key or KEYRING).partition(":")
    return {"env": f"the environment variable {detail}", "file": f"the file {detail}"}.get(kind, "the keyring")
