"""A keyring of this process, that locks, hangs or fails when a test says so."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import keyring
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

if TYPE_CHECKING:
    from collections.abc import Iterator


class MemoryKeyring(KeyringBackend):
    """Keeps its entries in memory; raises `fault` if that is set, and waits while `go` is cleared."""

    priority = 1.0

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], str] = {}
        self.fault: Exception | None = None
        self.asked = 0
        self.go = threading.Event()
        self.go.set()

    def get_password(self, service: str, username: str) -> str | None:
        """Return the entry."""
        self._stumble()
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        """Replace the entry."""
        self._stumble()
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        """Remove the entry."""
        if (service, username) not in self.entries:
            raise PasswordDeleteError
        del self.entries[service, username]

    def _stumble(self) -> None:
        self.asked += 1
        self.go.wait(30)
        if self.fault is not None:
            raise self.fault


@contextmanager
def memory_keyring() -> Iterator[MemoryKeyring]:
    """Make it the keyring of the process for a while."""
    before, ring = keyring.get_keyring(), MemoryKeyring()
    keyring.set_keyring(ring)
    try:
        yield ring
    finally:
        ring.go.set()
        keyring.set_keyring(before)
