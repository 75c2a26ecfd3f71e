"""Where the key is that secrets are encrypted with: in a file, in an environment variable, in the keyring."""

from __future__ import annotations

from aio_token._ground import TYPE_CHECKING

if TYPE_CHECKING:
    from aio_token.stores.key import KeySource

KEY_VARIABLE = "AIO_TOKEN_KEY"
KEYRING = "keyring"
ENTRY = ("aio-token", "key of the command line")
"""The service and the user of the keyring's entry."""
_TIMEOUT = 4.0  # seconds for a keyring that should be unlocked; less than reading a store may take


def key_source(key: str | None) -> KeySource:
    """Return what reads the key, from what a profile says of it."""
    from aio_token.stores.keys import EnvironmentKey, KeyFile, KeyringKey

    kind, _, detail = (key or KEYRING).partition(":")
    if kind == "env":
        return EnvironmentKey(detail)
    if kind == "file":
        return KeyFile(detail)
    return KeyringKey(*ENTRY, timeout=_TIMEOUT)


def key_described(key: str | None) -> str:
    """Say where the key comes from."""
    kind, _, detail = (key or KEYRING).partition(":")
    return {"env": f"the environment variable {detail}", "file": f"the file {detail}"}.get(kind, "the keyring")
