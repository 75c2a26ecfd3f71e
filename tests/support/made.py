"""What is fetched or built once for the tests, and kept outside of the tree."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

if TYPE_CHECKING:
    from collections.abc import Iterator

_PAUSES = (10, 30, 0)  # seconds between attempts to fetch over what may be a slow line
_LIMIT = 900  # seconds for one attempt


class MissingServerError(Exception):
    """There is no server to run; the message says what is missing."""


def made_once(name: str) -> Path | None:
    """Return what was made under this name before, None if nothing was."""
    made = _cache() / name
    return made if made.exists() else None


@contextmanager
def making(name: str) -> Iterator[Path]:
    """Give a directory to make something in; `keep` puts it into its place. One process at a time does so."""
    cache = _cache()
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / f"{name}.lock"), tempfile.TemporaryDirectory(dir=cache, prefix="unfinished-") as directory:
        yield Path(directory)


def keep(made: Path, name: str) -> Path:
    """Put what is whole into its place."""
    return made.rename(_cache() / name)


def fetch(doing: str, command: list[str], where: Path) -> None:
    """Run a command that fetches something until it succeeds, three times at most."""
    for pause in _PAUSES:
        try:
            run(doing, command, where)
            break
        except (MissingServerError, subprocess.TimeoutExpired):
            if not pause:
                raise
            time.sleep(pause)


def run(doing: str, command: list[str], where: Path) -> None:
    """Run a command that takes a while, and show what it says only if it fails."""
    print(f"{doing} ...", file=sys.stderr, flush=True)  # noqa: T201  it takes a while
    done = subprocess.run(
        command,
        cwd=where,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_LIMIT,
        check=False,
    )
    if done.returncode:
        message = f"{doing} failed: {' '.join(command)}\n{done.stdout[-4000:]}"
        raise MissingServerError(message)


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aio_token"
