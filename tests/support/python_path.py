"""Where the Pythons that tests start look for modules."""

from __future__ import annotations

import os
from pathlib import Path

_WITHOUT_SYNC = Path(__file__).with_name("without_sync")


def leading_to(*directories: Path) -> str:
    """Return the value of PYTHONPATH that leads to these first, and to what is there already."""
    return os.pathsep.join([*map(str, directories), *filter(None, [os.environ.get("PYTHONPATH")])])


def wait_for_no_disk() -> None:
    """Let this process, and each Python that it starts, sync no file: see `without_sync/sitecustomize.py`."""
    import tests.support.without_sync.sitecustomize  # noqa: F401, PLC0415  it acts when it is imported

    os.environ["PYTHONPATH"] = leading_to(_WITHOUT_SYNC)
