"""The command line, `aio-token` (extra `cli`)."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from io import TextIOWrapper

_EXTRA = ("click", "platformdirs")


def main() -> None:
    """Run the command line, and leave with one of its exit codes."""
    if not all(map(find_spec, _EXTRA)):
        sys.stderr.write("The command line needs a few more packages. Run: pip install aio-token[cli]\n")
        sys.exit(1)
    from aio_token.cli._app import run

    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error: no sentence fails for its letters
    sys.exit(run())
