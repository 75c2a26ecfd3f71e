"""A keyring that is a file of JSON: what the system's own would add is not measured, only our way to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from keyring.backend import KeyringBackend

if TYPE_CHECKING:
    from pathlib import Path


class FileKeyring(KeyringBackend):
    """Keeps passwords in clear."""

    priority = 1.0

    def __init__(self, path: Path) -> None:
        self.path = path

    def get_password(self, service: str, username: str) -> str | None:
        """Return the entry."""
        return self._entries().get(f"{service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        """Replace the entry."""
        self._write(self._entries() | {f"{service} {username}": password})

    def delete_password(self, service: str, username: str) -> None:
        """Remove the entry."""
        self._write({name: entry for name, entry in self._entries().items() if name != f"{service} {username}"})

    def _entries(self) -> dict[str, str]:
        found: dict[str, str] = json.loads(self.path.read_text(encoding="utf-8")) if self.path.exists() else {}
        return found

    def _write(self, entries: dict[str, str]) -> None:
        self.path.write_text(json.dumps(entries), encoding="utf-8")
