"""The tests of files that survive a loss of power wait for the disk."""

from __future__ import annotations

import pytest

from tests.support.without_sync.sitecustomize import WAIT_FOR_DISK


@pytest.fixture(autouse=True)
def the_disk_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have files synced, here and in what is started."""
    monkeypatch.setenv(WAIT_FOR_DISK, "1")
