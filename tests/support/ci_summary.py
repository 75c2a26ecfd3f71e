"""Shows in pytest's summary how the other steps of CI went: `-p tests.support.ci_summary`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the notes of the run, such as a Python that this machine does not have."""
    terminalreporter.section("the other steps of this run")
    terminalreporter.write(Path(os.environ["CI_NOTES"]).read_text(encoding="utf-8"))
