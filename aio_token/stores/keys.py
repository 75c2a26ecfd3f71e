"""Where the key of an encrypted store comes from: an environment variable, a file, the OS keyring, a passphrase."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from aio_token._disk.damage import Damaged
from aio_token._disk.durable import DurableFile
from aio_token._disk.permissions import unusable
from aio_token._disk.platform import HERE, unguarded
from aio_token._errors import KeyUnavailable, StoreError, raise_alone, without_frames
from aio_token._ground.public import public
from aio_token.stores._arguments import file_path, not_async, text
from aio_token.stores.key import KEY_SIZE, Key, KeySource, new_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

__all__ = ["EnvironmentKey", "KeyFile", "KeySource", "KeyringKey", "Passphrase", "new_key"]


@public
class EnvironmentKey:
    """A key in an environment variable, as `new_key` makes it; read for each use."""

    def __init__(self, variable: str) -> None:
        self._variable = text(variable, "EnvironmentKey()")

    def __repr__(self) -> str:
        return f"EnvironmentKey({self._variable!r})"

    def key(self, salt: bytes) -> Key:  # noqa: ARG002
        """Return the key. Raises `KeyUnavailable`."""
        if self._variable not in os.environ:
            message = f"its key is not there: the environment variable {self._variable} is not set"
            raise KeyUnavailable(message)
        return _read(
            f"the environment variable {self._variable}",
            memoryview(os.environ[self._variable].encode(errors="surrogateescape")),
        )


@public
class KeyFile:
    """A key in a file, as `new_key` makes it or as 32 random bytes; read for each use, so that it may be exchanged.

    The file must be the process's own and 0600 or less; `check_permissions=False` takes what is there, for mounted
    secrets.
    """

    def __init__(self, path: str | os.PathLike[str], *, check_permissions: bool = True) -> None:
        self._path = file_path(path, "KeyFile()")
        self._check_permissions = check_permissions

    @classmethod
    def systemd(cls, name: str) -> Self:
        """Read the credential `name` of this systemd unit (`LoadCredential=`, `LoadCredentialEncrypted=`).

        systemd alone decides who may read it. Raises `KeyUnavailable` outside of such a unit.
        """
        directory = os.environ.get("CREDENTIALS_DIRECTORY")
        if directory is None:
            message = (
                f"there is no credential {name}: $CREDENTIALS_DIRECTORY is not set; add LoadCredential= to the unit"
            )
            raise KeyUnavailable(message)
        return cls(Path(directory, name), check_permissions=False)

    def __repr__(self) -> str:
        return f"KeyFile({str(self._path)!r})"

    def key(self, salt: bytes) -> Key:  # noqa: ARG002
        """Return the key. Raises `KeyUnavailable`."""
        try:
            platform = HERE if self._check_permissions else unguarded(HERE)  # mounted secrets are links, as a rule
            content = DurableFile(self._path, platform).read()
        except OSError as error:
            raise KeyUnavailable(str(unusable(self._path, "read", error))) from without_frames(error)
        except StoreError as error:
            raise KeyUnavailable(str(error)) from without_frames(error)
        except Damaged as error:
            message = f"{self._path} holds no key: {error}"
            raise KeyUnavailable(message) from without_frames(error)
        if content is None:
            message = f"its key is not there: no file {self._path}"
            raise KeyUnavailable(message)
        if len(content) == KEY_SIZE and not bytes(content).isascii():
            return Key(bytes(content))
        return _read(f"the file {self._path}", content)


@public
class KeyringKey:
    """A key in the keyring of the operating system (extra `keyring`), read once; `timeout` in seconds."""

    def __init__(self, service: str, username: str, *, timeout: float = 4.0) -> None:
        from aio_token.stores._os_keyring import KeyringEntry  # noqa: PLC0415  with its threads: not for other keys

        self._entry = KeyringEntry(service, username, timeout)
        self._key: Key | None = None

    def __repr__(self) -> str:
        return f"KeyringKey({self._entry!r})"

    async def create(self) -> None:
        """Put a new key into the keyring unless there is one already. Raises `KeyUnavailable`.

        For the set-up of a machine: two that do this at once may each believe in a key of their own.
        """
        from aio_token._disk.worker import Worker  # noqa: PLC0415  with asyncio, which reading a key does without

        async with Worker() as worker:
            await worker.call(self._create)

    def key(self, salt: bytes) -> Key:  # noqa: ARG002
        """Return the key. Raises `KeyUnavailable`."""
        if self._key is None:
            content = self._entry.read()
            if content is None:
                message = f"its key is not in the keyring under {self._entry!r}; KeyringKey.create() makes one"
                raise KeyUnavailable(message)
            self._key = _read(f"the keyring's entry {self._entry!r}", content)
        return self._key

    def _create(self) -> None:
        if self._entry.read() is not None:
            return
        key = memoryview(new_key().encode())
        self._entry.write(key)
        self._entry.check(key)


@public
class Passphrase:
    """A key derived from a passphrase with scrypt, off the loop, in about half a second and 64 MiB.

    A plain function is asked once for each derivation, in a thread, and may ask a person.
    """

    def __init__(self, passphrase: str | Callable[[], str]) -> None:
        self._ask = not_async(passphrase) if callable(passphrase) else _given(text(passphrase, "Passphrase()"))
        self._keys: dict[bytes, Key] = {}

    def __repr__(self) -> str:
        return "Passphrase(...)"

    def key(self, salt: bytes) -> Key:
        """Return the key that belongs to the salt. Raises `KeyUnavailable`."""
        if salt not in self._keys:
            self._keys[salt] = self._derive(salt)
        return self._keys[salt]

    def _derive(self, salt: bytes) -> Key:
        try:
            secret = memoryview(self._ask().encode(errors="surrogateescape"))  # a variable's bytes as they are
        except UnicodeError:  # it quotes the passphrase
            raise_alone(KeyUnavailable("the passphrase is no text; check where it comes from"))
        if not secret:
            message = "the passphrase is empty"
            raise KeyUnavailable(message)
        # OWASP's second choice (N=2**16, r=8, p=2): it costs as much to guess as its first, with half the memory.
        return Key(hashlib.scrypt(secret, salt=salt, n=2**16, r=8, p=2, maxmem=2**27, dklen=32))


def _given(passphrase: str) -> Callable[[], str]:
    return lambda: passphrase


def _read(where: str, content: memoryview) -> Key:
    try:
        return Key.read(content)
    except ValueError as error:
        message = f"{where} {error}"
        raise KeyUnavailable(message) from None
