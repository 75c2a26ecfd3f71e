"""No test waits for a busy disk but those of the disk itself."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.without_sync import sitecustomize
from tests.support.without_sync.sitecustomize import WAIT_FOR_DISK

if TYPE_CHECKING:
    from pathlib import Path


def test_this_process_and_those_it_starts_sync_no_file(tmp_path: Path) -> None:
    """Neither waits, and both still say that a descriptor is not open."""
    assert os.fsync is sitecustomize.fsync
    shown = [sys.executable, "-c", "import os; print(os.fsync.__module__)"]
    child = subprocess.run(shown, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert child.stdout == "sitecustomize\n"
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fsync(99)


@pytest.mark.parametrize("waits", [False, True])
def test_who_asks_for_it_waits(waits: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real one is called where the variable is set, and nowhere else."""
    called: list[int] = []
    monkeypatch.setattr(sitecustomize, "_sync", called.append)
    if waits:
        monkeypatch.setenv(WAIT_FOR_DISK, "1")
    with (tmp_path / "file").open("wb") as file:
        os.fsync(file.fileno())
        assert called == [file.fileno()] * waits
