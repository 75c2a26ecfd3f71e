"""Kills: a process that renews without a pause gets SIGKILL at random moments and is started again, many times.

`python -m tests.kills.kills [KILLS]` prints a Markdown table: how many sessions were lost on a strict server, which
ends a session whose refresh token comes twice, and on one with a grace window. The only kills that may cost a session
are those between the server's rotation and the record on disk; a grace window forgives them. After every kill the file
has to parse and to be private. The server runs in a process of its own, and children are forked from one that has
imported everything, since a start costs more than the rest.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import stat
import subprocess
import sys
import tempfile
import time
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aio_token import (
    Credential,
    FileTokenStore,
    PasswordGrant,
    PublicClient,
    RefreshTokenGrant,
    SignInRequired,
    TokenEndpoint,
    TokenRepository,
)
from aio_token.testing import AuthorizationServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aio_token import Token

KILLS = 1_000
LONGEST = 0.03  # seconds from a child's first token to its end
LOST, SIGNED_IN, RENEWED = b"L", b"S", b"R"


@dataclass
class Tally:
    """What the kills did."""

    kills: int = 0
    renewals: int = 0
    lost: int = 0


async def serve(grace: float) -> None:
    """Run the server until standard input ends."""
    async with AuthorizationServer(lifetime=3600.0, grace=grace) as server:
        print(server.token_url, flush=True)
        await asyncio.to_thread(sys.stdin.read)


@contextmanager
def served(grace: float) -> Iterator[str]:
    """Run the server in a process of its own; yield its token endpoint."""
    command = [sys.executable, "-m", "tests.kills.kills", "--serve", str(grace)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.communicate()


async def renew_without_pause(url: str, path: Path, report: int) -> None:
    """Renew until killed; sign in first if the session is gone."""
    endpoint = TokenEndpoint(url, PublicClient("app"))
    tokens = TokenRepository(RefreshTokenGrant(endpoint), FileTokenStore(path), observer=None)
    token: Token | None = None
    while True:
        try:
            token = await tokens.token(rejected=token or await tokens.token())
            os.write(report, RENEWED)
        except SignInRequired:
            os.write(report, LOST)
            token = await tokens.sign_in(PasswordGrant(endpoint, "ada", "lovelace"))
            os.write(report, SIGNED_IN)


def killed_child(url: str, path: Path) -> bytes:
    """Start a child, kill it at a random moment after its first token, and return what it reported."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            asyncio.run(renew_without_pause(url, path, writing))
        except BaseException:  # noqa: BLE001  whatever it is, a forked child must not go on as its parent would
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(writing)
    said = os.read(reading, 1)
    if said == LOST:
        said += os.read(reading, 1)  # a person's sign-in is not what is killed here
    time.sleep(random.uniform(0, LONGEST))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, "the child failed before it was killed"
    while more := os.read(reading, 4096):
        said += more
    os.close(reading)
    return said


def run(kills: int, *, grace: float) -> Tally:
    """Kill so many children, and look at the file each time."""
    tally = Tally()
    with served(grace) as url, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "token.json"
        for _ in range(kills):
            said = killed_child(url, path)
            tally.kills += 1
            tally.renewals += said.count(RENEWED)
            tally.lost += said.count(LOST)
            assert Credential.from_json(path.read_bytes()).refresh_token
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        leftovers = {entry.name for entry in Path(folder).iterdir()} - {"token.json", "token.json.lock"}
        assert len(leftovers) <= 1, leftovers  # the last one's draft; each start sweeps those before
    tally.lost -= 1  # the first child had no session to lose
    return tally


def main() -> None:
    """Print the table."""
    if sys.argv[1:2] == ["--serve"]:
        asyncio.run(serve(float(sys.argv[2])))
        return
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else KILLS
    print("| server | kills | renewals | files that did not parse | sessions lost |")
    print("|---|---|---|---|---|")
    for name, grace in (("strict", 0.0), ("grace window of 60 s", 60.0)):
        tally = run(kills, grace=grace)
        print(f"| {name} | {tally.kills:,} | {tally.renewals:,} | 0 | {tally.lost} |", flush=True)


if __name__ == "__main__":
    main()
