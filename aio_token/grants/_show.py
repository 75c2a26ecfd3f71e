"""Shows a person what to do, where nothing else was arranged for."""

from __future__ import annotations

import sys


def show_on_stderr(prompt: object) -> None:
    """Write to standard error, where no program looks for data."""
    sys.stderr.write(f"{prompt}\n")
    sys.stderr.flush()
