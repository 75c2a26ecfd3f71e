"""The credentials of many accounts in the files of one directory, 256 folders deep (law I1)."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from aio_token._disk.damage import Damaged
from aio_token._disk.permissions import unusable
from aio_token._disk.platform import HERE, unguarded
from aio_token._disk.threads import Strand
from aio_token._disk.worker import Worker
from aio_token._errors import KeyUnavailable, StoreError, without_frames
from aio_token._ground.public import public_in
from aio_token.stores._arguments import file_path
from aio_token.stores._content import read_credential
from aio_token.stores.codec import codec_of
from aio_token.stores.file import FileTokenStore
from aio_token.stores.many.listed import Listed
from aio_token.stores.many.names import KEY_LENGTH, account_key
from aio_token.stores.many.record import NamedRecord, is_there

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aio_token._credential import Credential
    from aio_token._ground.codec import Codec
    from aio_token._interfaces import TokenStore

_FOLDERS = tuple(f"{number:02x}" for number in range(256))
_HEX = frozenset("0123456789abcdef")

_logger = logging.getLogger("aio_token")


@public_in("stores")
class DirectoryTokenStores(Listed):
    """Keeps each account's credential in a file of its own in `directory`, as a `FileTokenStore` does.

    A file is called by the first 32 hex digits of the SHA-256 of the account's name, in the folder of the first two.
    The name itself stands in the file, encrypted if `codec` encrypts, and a file in another one's place is refused.
    Listing reads every file, so that names need no list of their own that could be wrong; a file that cannot be read is
    left out, with a warning. `codec` and `check_permissions` are those of `FileTokenStore`. Raises
    `ConfigurationError` for arguments of other kinds.
    """

    def __init__(
        self, directory: str | os.PathLike[str], *, codec: Codec | None = None, check_permissions: bool = True
    ) -> None:
        self._directory = file_path(directory, "DirectoryTokenStores()", "directory")
        self._codec: Codec = codec_of(codec)
        self._check_permissions = check_permissions

    def __repr__(self) -> str:
        return f"DirectoryTokenStores({str(self._directory)!r})"

    def of(self, name: str) -> TokenStore:
        """Return the store of one account. Raises `ConfigurationError` for what is no name."""
        key = account_key(name)
        return FileTokenStore(
            self._file_of(key),
            codec=NamedRecord(self._codec, key, name),
            check_permissions=self._check_permissions,
        )

    async def _records(self) -> AsyncIterator[tuple[str, Credential]]:
        strand = Strand()
        for folder in _FOLDERS:
            async with Worker(strand) as worker:
                records = await worker.call(self._read, folder, worker)
            for record in records:
                yield record

    def _read(self, folder: str, worker: Worker) -> list[tuple[str, Credential]]:
        """Read the files of one folder."""
        try:
            found = worker.step(os.listdir, self._directory / folder)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise unusable(self._directory / folder, "listed", error) from without_frames(error)
        platform = HERE if self._check_permissions else unguarded(HERE)
        records = []
        for key in sorted(name for name in found if len(name) == KEY_LENGTH and _HEX.issuperset(name)):
            record = NamedRecord(self._codec, key)
            try:
                credential = read_credential(self._file_of(key), record, platform, worker)
            except KeyUnavailable:  # no other file could be read either
                raise
            except (Damaged, StoreError) as trouble:
                _logger.warning("%s is left out of the accounts: %s", self._file_of(key), trouble)
                continue
            if is_there(credential):
                records.append((record.name, credential))
        return records

    def _file_of(self, key: str) -> Path:
        return self._directory / key[:2] / key
