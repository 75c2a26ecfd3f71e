"""Writes what a first hour at a terminal shows into docs/first-hour.md: python -m tests.cli.record (needs tmux, pip).

The machine has no keyring: aio_token is built here and installed into an empty environment, as a user installs it.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from aio_token.testing import AuthorizationServer, ProtectedAPI
from tests.keycloak.record import Terminal

_ROOT = Path(__file__).parent.parent.parent
_DOCUMENT = _ROOT / "docs" / "first-hour.md"
_FOREIGN = re.compile(r"AIO_TOKEN_.*|BROWSER|CI|.*DISPLAY|NO_COLOR|PYTHON.*|SSH_.*|VIRTUAL_ENV|XDG_.*", re.IGNORECASE)
_PYTHON = str(Path(sys.base_prefix) / "bin" / "python3")
_PROFILE = "PS1='$ '\n"


def _surroundings(directory: Path) -> dict[str, str]:
    """Build what is installed, and return the environment of a person who has nothing yet."""
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", str(directory / "wheels"), str(_ROOT)], check=True)
    (directory / "profile").write_text(_PROFILE, encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not _FOREIGN.fullmatch(name)}
    return {
        **kept,
        "ENV": str(directory / "profile"),
        "HOME": str(directory),
        "NO_PROXY": "127.0.0.1",
        "PATH": f"/usr/bin:/bin:{kept['PATH']}",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_FIND_LINKS": str(directory / "wheels"),
        "PIP_ROOT_USER_ACTION": "ignore",
        "VIRTUAL_ENV_DISABLE_PROMPT": "1",
    }


async def _session(server: AuthorizationServer, api: ProtectedAPI, terminal: Terminal) -> str:
    await terminal.shows(r"\A(\$)\Z")
    for command in (
        "cd",
        f"{_PYTHON} -m venv .venv && . .venv/bin/activate",
        "pip install --quiet 'aio-token[cli]'",
    ):
        await terminal.type(command)
        await terminal.prompts()
    await terminal.type(f"aio-token login --issuer {server.issuer} --client-id app --origin {api.url}")
    await terminal.shows(r"(\[Y/n\])")
    await terminal.type("y")
    await terminal.shows(r"enter the code (\S+)\.")
    server.approve(server.user_codes[0])
    await terminal.prompts()
    for command in (
        "aio-token token | cut -c 1-11",
        "aio-token status",
        "aio-token whoami",
        f"aio-token request GET {api.url}/me; echo",
        "aio-token exec -- sh -c 'echo \"a token of ${#ACCESS_TOKEN} characters\"'",
        "aio-token doctor",
        "aio-token logout",
        "aio-token token; echo $?",
    ):
        await terminal.type(command)
        await terminal.prompts()
    return terminal.text.removeprefix("$ cd\n").removesuffix("$").rstrip()


async def _record(directory: Path) -> str:
    terminal = Terminal(directory, await asyncio.to_thread(_surroundings, directory))
    try:
        async with AuthorizationServer() as server, ProtectedAPI(server) as api:
            return await _session(server, api, terminal)
    except TimeoutError:
        sys.stderr.write(terminal.text)
        raise
    finally:
        terminal.close()


def _main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        text = asyncio.run(_record(Path(directory)))
    text = text.replace(directory, "/tmp/ada").replace(_PYTHON, "python3")  # noqa: S108  a name, no file
    before, begin, rest = _DOCUMENT.read_text(encoding="utf-8").partition("<!-- session -->\n")
    _, end, after = rest.partition("<!-- /session -->\n")
    _DOCUMENT.write_text(f"{before}{begin}```text\n{text}\n```\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    _main()
