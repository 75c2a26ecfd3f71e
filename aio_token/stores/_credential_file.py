"""A credential in a file, by plain functions that block: a store's worker calls them, and so may a command line."""

from __future__ import annotations

import logging
import os
from concurrent.futures import Future
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from aio_token._clock import SYSTEM_CLOCK
from aio_token._disk.beside import another_draft_of
from aio_token._disk.damage import Damaged
from aio_token._disk.directories import make_private
from aio_token._disk.durable import DurableFile
from aio_token._disk.lock import ProcessLock
from aio_token._disk.permissions import unusable
from aio_token._disk.platform import unguarded
from aio_token._disk.steps import STRAIGHT, Steps
from aio_token._errors import StoreCorrupt, StoreError, without_frames
from aio_token.stores._content import explaining, named, read_credential
from aio_token.stores.codec import NOTHING, to_json

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from aio_token._credential import Credential
    from aio_token._disk.platform import Platform
    from aio_token._ground.codec import Codec

_logger = logging.getLogger("aio_token")


class CredentialFile:
    """The file in the hands of one operation; everything raises `StoreError`.

    `enter` tries the lock and reads at once, so that both are one call of a thread (law C14); `load` then begins with
    what was read. `may_have_two_holders` tells then that the lock's file is younger than the mark "spending": whoever
    wrote that has held another file, which was removed. What the codec is told is the path as configured, never where a
    link leads (law F7).
    """

    def __init__(
        self, path: Path, codec: Codec, platform: Platform, steps: Steps = STRAIGHT, *, follow_links: bool = False
    ) -> None:
        self._identity = str(path)
        self._configured = path
        self._codec = codec
        self._follow_links = follow_links
        self._platform = unguarded(platform) if follow_links else platform
        self._steps = steps
        self._read_at_entry: Future[Credential | None] | None = None
        self.may_have_two_holders: bool = False

    @cached_property
    def _path(self) -> Path:
        return Path(os.path.realpath(self._configured)) if self._follow_links else self._configured

    @cached_property
    def _file(self) -> DurableFile:
        return DurableFile(self._path, self._platform, self._steps)

    @cached_property
    def _lock(self) -> ProcessLock:
        return ProcessLock(self._path.with_name(f"{self._path.name}.lock"))

    @property
    def is_read(self) -> bool:
        """Whether `load` needs no disk: the credential was read when the lock was taken, and is not written since."""
        return self._read_at_entry is not None and self._read_at_entry.exception() is None

    def enter(self) -> bool:
        """Make the directory, or find fault with it; try to take the lock, and read; tell whether it was taken."""
        with self._explained("reached"):
            self._steps.step(make_private, self._path.parent, self._platform.sync_directory)
            self._steps.step(self._platform.guard_way, self._path.parent)
            if not self._lock.attempt(self._steps):
                return False
        self._read_at_entry = Future()
        try:
            kept = self.read()
            since = kept.spending_since if kept is not None else None
            self.may_have_two_holders = since is not None and self._lock.made_at > since
            self._read_at_entry.set_result(kept)
        except Exception as error:  # noqa: BLE001  whatever it is, who loads is told; deleting needs no key
            self._read_at_entry.set_exception(error)
        return True

    def leave(self) -> None:
        """Release the lock, whether it was taken or not."""
        self._read_at_entry = None
        self._lock.release()

    def read(self) -> Credential | None:
        """Return what is kept. Raises `Damaged`, too."""
        return read_credential(self._configured, self._codec, self._platform, self._steps)

    def load(self) -> Credential | None:
        """Return what is kept; a damaged file is moved aside first. The lock must be held."""
        at_entry, self._read_at_entry = self._read_at_entry, None
        try:
            return self.read() if at_entry is None else at_entry.result()
        except Damaged as damage:
            try:
                aside = self._file.set_aside()
            except OSError as error:
                message = f"{self._path} is damaged ({damage}), and {unusable(self._path, 'moved aside', error)}"
                raise StoreCorrupt(message) from without_frames(error)
            _logger.warning("%s is damaged (%s): moved to %s and treated as empty", self._path, damage, aside)
            return None

    def save(self, credential: Credential) -> None:
        """Replace what is kept. The lock must be held."""
        self._write(to_json(credential))

    def delete(self) -> None:
        """Leave a tombstone in the file if one is needed, else none, and no damaged ones that were moved aside.

        The lock must be held. To delete needs no key, and no room on the disk: without them there is no tombstone.
        """
        tombstone = self._tombstone()
        self._read_at_entry = None
        if tombstone is not None:
            with suppress(StoreError):
                self.save(tombstone)
                with self._explained("removed"):
                    self._file.remove_the_rest()
                return
        with self._explained("removed"):
            self._file.remove()

    def _tombstone(self) -> Credential | None:
        kept = None
        with suppress(Exception):  # to delete needs nothing
            kept = self.read()
        return kept.tombstone(SYSTEM_CLOCK.time()) if kept is not None else None

    def probe(self) -> None:
        """Do what saving does: save what is there once more, or that there is nothing, and remove that again (law F12).

        The lock must be held.
        """
        kept = self.load()
        if kept is not None:
            self.save(kept)
            return
        try:
            self._write(NOTHING)
        finally:
            with self._explained("removed"):
                self._steps.step(self._path.unlink, missing_ok=True)

    def _write(self, record: memoryview) -> None:
        self._read_at_entry = None
        with named(self._path):
            content = memoryview(self._codec.encode(record, self._identity))
        with self._explained("written"):
            # The earlier holder may be about to put its draft in the file's place: that one is left alone.
            self._file.write(content, another_draft_of(self._path) if self.may_have_two_holders else None)

    def _explained(self, done: str) -> AbstractContextManager[None]:
        return explaining(self._path, done)
