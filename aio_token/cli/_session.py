"""One sign-in as the commands see it: its name, its profile, and where its secrets are kept."""

from __future__ import annotations

import shlex
from contextlib import contextmanager

from aio_token._disk.damage import Damaged
from aio_token._disk.platform import HERE
from aio_token._disk.steps import Patient
from aio_token._errors import KeyUnavailable, SignInRequired, without_frames
from aio_token._ground import TYPE_CHECKING
from aio_token._ground.value import Value
from aio_token.cli import _profile_files
from aio_token.cli._encryption_key import key_described, key_source
from aio_token.cli._places import state
from aio_token.stores._content import read_credential
from aio_token.stores.codec import PlainCodec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Self

    from aio_token._credential import Credential
    from aio_token._ground.codec import Codec
    from aio_token.cli._profile import Profile
    from aio_token.stores.file import FileTokenStore

_PATIENCE = 5.0
"""Seconds for a step on the disk, as `Limits.load` has them."""


class Session(Value, kw_only=False):
    """What a profile says, and where the secrets of its name are: among the state of programs (XDG, and its kin)."""

    name: str
    profile: Profile

    @classmethod
    def load(cls, name: str) -> Self:
        """Read the profile. Raises `SignInRequired` if there is none, `ConfigurationError`, `StoreError`."""
        return cls(name, _profile_files.need(name))

    @property
    def profile_file(self) -> Path:
        """The file of the profile, which holds no secret."""
        return _profile_files.profile_file(self.name)

    @property
    def token_file(self) -> Path:
        """The file of the token and of its refresh token."""
        return _state_of(f"{self.name}.token")

    @property
    def client_secret_file(self) -> Path:
        """The file of a client's secret that a person typed in."""
        return _state_of(f"{self.name}.client-secret")

    @property
    def is_signed_in(self) -> bool:
        """Whether anything is stored, valid or not."""
        return self.token_file.exists()

    @property
    def store(self) -> FileTokenStore:
        """The store of the token."""
        return self._store_at(self.token_file)

    @property
    def client_secret_store(self) -> FileTokenStore:
        """The store of a client's secret that a person typed in."""
        return self._store_at(self.client_secret_file)

    @property
    def how_kept(self) -> str:
        """How the secrets are kept, in a few words."""
        if self.profile.store == "plain":
            return "in clear, guarded by the file's permissions alone"
        return f"encrypted, with the key of {key_described(self.profile.key)}"

    @property
    def with_openid(self) -> str:
        """The option of a sign-in that brings an ID token too, and lets the user-info endpoint be asked."""
        scopes = dict.fromkeys([*(self.profile.scope or "").split(), "openid"])
        return f" --scope {shlex.quote(' '.join(scopes))}"

    def read_credential(self) -> Credential | None:
        """Return what is stored, without waiting for a lock. Raises `StoreError`."""
        return self._read(self.token_file)

    def read_client_secret(self) -> str | None:
        """Return the stored secret of the client. Raises `StoreError`."""
        stored = self._read(self.client_secret_file)
        return None if stored is None else stored.refresh_token

    def _read(self, path: Path) -> Credential | None:
        try:
            return read_credential(path, self._codec, HERE, Patient(_PATIENCE))
        except Damaged:
            return None  # it is left to the next holder of the lock, who moves it aside

    def _store_at(self, path: Path) -> FileTokenStore:
        from aio_token.stores.file import FileTokenStore

        return FileTokenStore(path, codec=self._codec)

    @property
    def _codec(self) -> Codec:
        if self.profile.store == "plain":
            return PlainCodec()
        from aio_token.stores.encrypted import Encrypted

        return Encrypted(key_source(self.profile.key))

    @contextmanager
    def advice(self, options: str = "") -> Iterator[None]:
        """Add to an error the command that helps: another sign-in, or one after a file without its key is deleted.

        `options` of that sign-in are written behind it.
        """
        try:
            yield
        except SignInRequired as error:
            message = f"{error}; run: aio-token login {self.name}{options}"
            raise type(error)(message) from without_frames(error).__cause__
        except KeyUnavailable as error:
            message = f"{error}; if that key is lost run: aio-token logout {self.name} --local, then sign in again"
            raise type(error)(message) from without_frames(error).__cause__


def _state_of(file_name: str) -> Path:
    return state() / file_name
