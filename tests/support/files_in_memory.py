"""Where tests write: in memory, since even a rename waits for a disk whose journal is being written."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108  its folders are made as those in /tmp are
_ROOM = 2 << 30  # bytes; the tests need an eighth of it
_CHOSEN = ("PYTEST_DEBUG_TEMPROOT", "TMPDIR")  # pytest's own variable for its folders, and everybody's


def write_to_memory() -> None:
    """Have temporary files made there, here and in what is started, unless a person chose another place.

    Containers often have little room there, or run no program from it; then it is the disk.
    """
    if not any(variable in os.environ for variable in _CHOSEN) and is_fit(_MEMORY):
        os.environ.update(dict.fromkeys(_CHOSEN, str(_MEMORY)))
        tempfile.tempdir = None  # looked up anew


def is_fit(place: Path) -> bool:
    """Whether there is such a place, with room, that programs can be run from."""
    if not os.access(place, os.W_OK | os.X_OK):
        return False
    runs_programs = not os.statvfs(place).f_flag & getattr(os, "ST_NOEXEC", 0)
    return runs_programs and shutil.disk_usage(place).free >= _ROOM
