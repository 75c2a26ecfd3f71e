"""Runs the shell blocks of a document, where `aio-token` and `python` are this checkout's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from aio_token.stores.keys import new_key
from tests.support.loopback_names import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_COMMANDS = {
    "python": f'exec "{sys.executable}" "$@"\n',
    "aio-token": f'exec "{sys.executable}" -m aio_token.cli "$@"\n',
}
_NOT_THE_READER_S = ("CI", "AIO_TOKEN_PROFILE", "AIO_TOKEN_CLIENT_SECRET")


class Shell:
    """A shell of a person who has not signed in anywhere yet, and keeps a key in the environment."""

    def __init__(self, directory: Path, ports: Mapping[str, int]) -> None:
        for name, script in _COMMANDS.items():
            command = directory / name
            command.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
            command.chmod(0o700)
        customized = (
            "from tests.support.loopback_names import lead_as_told\n"
            "from tests.support.without_sync import sitecustomize\n\nlead_as_told()\n"
        )
        (directory / "sitecustomize.py").write_text(customized, encoding="utf-8")
        self._environment = {name: value for name, value in os.environ.items() if name not in _NOT_THE_READER_S} | {
            "PATH": f"{directory}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": f"{directory}{os.pathsep}{os.environ['PYTHONPATH']}",
            "XDG_CONFIG_HOME": str(directory / "config"),
            "XDG_STATE_HOME": str(directory / "state"),
            "AIO_TOKEN_KEY": new_key(),
            VARIABLE: json.dumps(dict(ports)),
        }

    def run(self, source: str, where: str) -> None:
        """Run a block; the first command that fails ends it. Raises `RuntimeError` with what was said."""
        done = subprocess.run(
            ["sh", "-euc", source],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        sys.stdout.write(done.stdout)
        if done.returncode:
            message = f"{where} ended with {done.returncode}:\n{done.stderr}"
            raise RuntimeError(message)
