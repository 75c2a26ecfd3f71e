"""The files beside a credential's own: drafts of a write, and damaged files that were moved aside."""

from __future__ import annotations

import re
import secrets
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_KEPT = 3


def draft_of(path: Path) -> Path:
    """Name a file to write before it takes the place of `path`; the name was never used before."""
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")


def set_aside(path: Path) -> Path:
    """Move a damaged file out of the way, and keep the last few of its kind (law F3); return where it is now."""
    aside = path.with_name(f"{path.name}.corrupt-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    path.replace(aside)
    for old in sorted(_aside_of(path))[:-_KEPT]:
        old.unlink(missing_ok=True)
    return aside


def sweep(path: Path) -> None:
    """Remove drafts of writers that were killed; whoever calls holds the lock, so that nobody else is writing."""
    with suppress(OSError):  # what cannot be removed harms nobody: a draft is never read
        for draft in _named(path, rf"\.{re.escape(path.name)}\.[0-9a-f]{{16}}\.tmp"):
            draft.unlink(missing_ok=True)


def forget(path: Path) -> None:
    """Remove the file and all that was ever moved aside: damaged, it may still hold a secret."""
    for file in [path, *_aside_of(path)]:
        file.unlink(missing_ok=True)


def _aside_of(path: Path) -> list[Path]:
    return _named(path, rf"{re.escape(path.name)}\.corrupt-[0-9TZ.]+")


def _named(path: Path, pattern: str) -> list[Path]:
    return [file for file in path.parent.iterdir() if re.fullmatch(pattern, file.name)]
