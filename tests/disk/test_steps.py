"""How steps on the disk are waited for without an event loop."""

from __future__ import annotations

import _thread
import os
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from aio_token._disk.steps import Patient, _make

if TYPE_CHECKING:
    from pathlib import Path


def test_a_call_that_hangs_is_left_behind(tmp_path: Path) -> None:
    """Law F10: opening a pipe that no one writes to hangs as a dead file system does."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(TimeoutError, match=r"does not answer within 0\.2 s"):
        Patient(0.2).step(os.open, tmp_path / "pipe", os.O_RDONLY)
    os.close(os.open(tmp_path / "pipe", os.O_RDWR))  # lets the thread go


def test_what_a_call_returns_and_raises_is_handed_on(tmp_path: Path) -> None:
    """As if it were made here."""
    steps = Patient(60)
    assert steps.step(os.path.basename, "/a/b") == "b"
    with pytest.raises(FileNotFoundError):
        steps.step(os.listdir, tmp_path / "missing")


def test_the_thread_of_a_call_says_what_came_of_it_and_that_it_is_done() -> None:
    """Made here, where it can be looked at."""
    returned: list[Any] = []
    failed: list[BaseException] = []
    for call in (partial(os.path.basename, "/a/b"), partial(os.listdir, "/missing")):
        done = _thread.allocate_lock()
        done.acquire()
        _make(call, returned, failed, done)
        assert not done.locked()
    assert (returned, [type(error) for error in failed]) == (["b"], [FileNotFoundError])
