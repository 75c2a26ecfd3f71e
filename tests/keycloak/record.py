"""Writes what a terminal shows into docs/command-line.md: python -m tests.keycloak.record (needs tmux)."""

from __future__ import annotations

import asyncio
import re
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.keycloak.administration import Administration
from tests.keycloak.realm import PASSWORD
from tests.keycloak.server import running_keycloak
from tests.keycloak.shell import Shell
from tests.support.browser import Person

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.keycloak.server import Keycloak

_DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "command-line.md"
_PORT = 8180  # that of `make keycloak`
_WIDTH, _HEIGHT = 100, 60
_LIFE = 300  # seconds, Keycloak's own default
_PROFILE = "PS1='$ '\n"  # what the shell reads first: as root it would not take it from the environment


class Terminal:
    """A shell in a tmux of its own, and what can be seen there."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self._socket = str(directory / "tmux")
        self._tmux("new-session", "-d", "-x", str(_WIDTH), "-y", str(_HEIGHT), "sh", environment=environment)

    def close(self) -> None:
        """End the shell."""
        self._tmux("kill-server")

    @property
    def text(self) -> str:
        """All that was shown, without the ends of lines that were left blank."""
        shown = self._tmux("capture-pane", "-p", "-J", "-S", "-")
        return "\n".join(line.rstrip() for line in shown.splitlines()).strip()

    async def type(self, *lines: str) -> None:
        """Type a command, of several lines perhaps."""
        for line in lines:
            self._tmux("send-keys", "-l", line)
            self._tmux("send-keys", "Enter")

    async def shows(self, pattern: str) -> str:
        """Wait for a text, and return its first group."""
        async with asyncio.timeout(60):
            while not (found := re.search(pattern, self.text)):  # noqa: ASYNC110  a terminal does not tell of news
                await asyncio.sleep(0.1)
        return found[1]

    async def prompts(self) -> None:
        """Wait until the command is done."""
        await self.shows(r"\n(\$)\Z")

    def _tmux(self, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
        command = ["tmux", "-u", "-f", "/dev/null", "-S", self._socket, *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


async def _session(keycloak: Keycloak, terminal: Terminal, alice: Person) -> str:
    await terminal.shows(r"\A(\$)\Z")
    await terminal.type(
        f"aio-token login --device --issuer {keycloak.issuer} \\",
        f"    --client-id cli --scope openid --origin {keycloak.url}",
    )
    await alice.sign_in_at(await terminal.shows(r"Or open (\S+) and compare"))
    await terminal.prompts()
    for command in (
        "aio-token status",
        "aio-token token | cut -c 1-10",
        f"aio-token request GET {keycloak.issuer}/protocol/openid-connect/userinfo; echo",
        "aio-token logout",
        "aio-token token; echo $?",
    ):
        await terminal.type(command)
        await terminal.prompts()
    return terminal.text.removesuffix("$").rstrip()


async def _record(keycloak: Keycloak, directory: Path) -> str:
    shell = Shell(directory)
    profile = directory / "profile"
    profile.write_text(_PROFILE, encoding="utf-8")
    terminal = Terminal(directory, {**shell.environment, "ENV": str(profile)})
    try:
        async with (
            Administration(keycloak) as administration,
            administration.tokens_live(_LIFE),
            Person(keycloak.url, PASSWORD) as alice,
        ):
            return await _session(keycloak, terminal, alice)
    finally:
        terminal.close()


def _main() -> None:
    with running_keycloak(_PORT) as keycloak, tempfile.TemporaryDirectory() as directory:
        text = asyncio.run(_record(keycloak, Path(directory)))
    before, begin, rest = _DOCUMENT.read_text(encoding="utf-8").partition("<!-- session -->\n")
    _, end, after = rest.partition("<!-- /session -->\n")
    _DOCUMENT.write_text(f"{before}{begin}```text\n{text}\n```\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    _main()
