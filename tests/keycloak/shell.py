"""A shell on a machine without a desktop, where `aio-token` is this checkout's command line."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

from aio_token.stores.keys import new_key
from tests.keycloak.realm import BOT_SECRET, PASSWORD
from tests.support.python_path import leading_to

_ROOT = Path(__file__).parent.parent.parent
_FOREIGN = re.compile(r"AIO_TOKEN_.*|BROWSER|CI|.*DISPLAY|NO_COLOR|SSH_.*|XDG_.*|.*_proxy", re.IGNORECASE)
_SECRETS = re.compile(rf"eyJ[\w-]+\.[\w-]+\.|{re.escape(BOT_SECRET)}|{re.escape(PASSWORD)}")
"""A JSON Web Token, such as all of Keycloak's tokens are, and what people type."""
_PATIENCE = 60.0  # seconds, for a machine that is busy with other things


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of a command."""

    code: int
    out: str = field(repr=False)
    err: str


class Running:
    """A command that is waiting for a person."""

    def __init__(self, process: asyncio.subprocess.Process, heard: list[str]) -> None:
        self._process = process
        self._heard = heard
        self._said = ""

    async def says(self, pattern: str) -> str:
        """Wait until a line of standard error holds the pattern, and return its first group."""
        assert self._process.stderr is not None
        async with asyncio.timeout(_PATIENCE):
            while not (found := re.search(pattern, self._said)):
                line = await self._process.stderr.readline()
                assert line, f"it ended, and said: {self._said}"
                self._said += line.decode()
        return found[1]

    async def done(self, stdin: str = "") -> Done:
        """Wait for the end."""
        async with asyncio.timeout(_PATIENCE):
            out, err = await self._process.communicate(stdin.encode())
        self._said += err.decode()
        self._heard.append(self._said)
        return Done(code=self._process.returncode or 0, out=out.decode(), err=self._said)


class Shell:
    """Runs commands as processes, for a user with a key in the environment and nothing else yet."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._heard: list[str] = []
        programs = directory / "bin"
        programs.mkdir()
        program = programs / "aio-token"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m aio_token.cli "$@"\n', encoding="utf-8")
        program.chmod(0o700)
        self.environment = {name: value for name, value in os.environ.items() if not _FOREIGN.fullmatch(name)} | {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": leading_to(_ROOT),
            "LC_ALL": "C.UTF-8",
            "XDG_CONFIG_HOME": str(directory / "config"),
            "XDG_STATE_HOME": str(directory / "state"),
            "AIO_TOKEN_KEY": new_key(),
        }

    async def start(self, *command: str) -> Running:
        """Start a command."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, stderr=pipe, env=self.environment
        )
        return Running(process, self._heard)

    async def run(self, *command: str, stdin: str = "") -> Done:
        """Run a command to its end."""
        return await (await self.start(*command)).done(stdin)

    async def aio_token(self, *arguments: str, stdin: str = "") -> Done:
        """Run `aio-token`."""
        return await self.run("aio-token", *arguments, stdin=stdin)

    def secrets_in_view(self) -> list[str]:
        """Return what was told to people, or is on the disk, with a secret in it: the store is encrypted."""
        files = [file for file in self._directory.rglob("*") if file.is_file()]
        texts = self._heard + [file.read_bytes().decode(errors="replace") for file in files]
        return [text for text in texts if _SECRETS.search(text)]
