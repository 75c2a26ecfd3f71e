"""No test waits for a busy disk but those of the disk itself, and files lie in memory where that can be."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from tests.support import files_in_memory
from tests.support.files_in_memory import is_fit, write_to_memory
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


@pytest.mark.parametrize("chosen", ["", "PYTEST_DEBUG_TEMPROOT", "TMPDIR"])
def test_files_lie_in_memory_unless_a_person_chose_a_place(
    chosen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both pytest's folders and everybody else's are meant."""
    for variable in ("PYTEST_DEBUG_TEMPROOT", "TMPDIR"):
        monkeypatch.delenv(variable, raising=False)
    if chosen:
        monkeypatch.setenv(chosen, "/elsewhere")
    monkeypatch.setattr(files_in_memory, "_MEMORY", tmp_path)
    monkeypatch.setattr(files_in_memory, "_ROOM", 1)
    monkeypatch.setattr(tempfile, "tempdir", None)
    write_to_memory()
    places = {os.environ.get("PYTEST_DEBUG_TEMPROOT"), os.environ.get("TMPDIR")}
    assert places == ({"/elsewhere", None} if chosen else {str(tmp_path)})
    if not chosen:
        assert tempfile.gettempdir() == str(tmp_path)


def test_a_place_without_room_is_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in many containers; nor is one that is not there, or from which no program can be run."""
    assert not is_fit(tmp_path / "none")
    monkeypatch.setattr(files_in_memory, "_ROOM", 1 << 60)
    assert not is_fit(tmp_path)
    monkeypatch.setattr(files_in_memory, "_ROOM", 1)
    assert is_fit(tmp_path)
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=os.ST_NOEXEC))
    assert not is_fit(tmp_path)
