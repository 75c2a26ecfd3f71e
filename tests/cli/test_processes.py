"""What only processes show: what is imported, what signals do, and two shells at once."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from aio_token.testing import AuthorizationServer
from tests.cli.command_line import profile_of, set_up, stored

if TYPE_CHECKING:
    from pathlib import Path

NETWORK = ("aiohttp", "authlib", "joserfc", "yarl")
IMPORTED = f"""
import json, sys
from aio_token.cli._app import run
for arguments in json.loads(sys.argv[1]):
    assert run(arguments) == 0
sys.stderr.write(json.dumps([name for name in {NETWORK!r} if name in sys.modules]))
"""


async def start(*arguments: str, **variables: str) -> asyncio.subprocess.Process:
    """Start a process."""
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env={**os.environ, **variables}, stdout=pipe, stderr=pipe
    )


async def test_answers_from_disk_import_nothing_of_the_network(home: Path) -> None:
    """`--help`, `status` and `token` with a valid token import neither aiohttp nor Authlib."""
    async with AuthorizationServer() as server:
        await set_up("default", profile_of(server), server.credential(client_id="app"))
    lines = [["--help"], ["token", "--help"], ["status"], ["status", "--json", "--check"], ["token"]]
    process = await start("-c", IMPORTED, json.dumps(lines))
    out, err = await process.communicate()
    assert json.loads(err) == []
    assert b"kit-access-" in out


async def test_a_terminal_of_few_letters_gets_every_sentence(home: Path) -> None:
    """What an encoding lacks is written as an escape."""
    await set_up("default", replace(profile_of(AuthorizationServer()), client_id="łódź"))
    process = await start("-m", "aio_token.cli", "status", PYTHONIOENCODING="latin-1:strict")
    out, _ = await process.communicate()
    assert process.returncode == 0
    assert b"client \\u0142\xf3d\\u017a" in out


async def test_two_shells_at_once_cause_one_renewal(home: Path) -> None:
    """Law F5: both print the same new token, and no refresh token is presented twice."""
    async with AuthorizationServer() as server:
        profile = profile_of(server)
        await set_up("default", profile, replace(server.credential(client_id="app"), token=None))
        with server.hold() as hold:
            processes = [await start("-m", "aio_token.cli", "token") for _ in range(2)]
            await hold.arrived.wait()
            hold.release()
            shown = await asyncio.gather(*(process.communicate() for process in processes))
        assert [process.returncode for process in processes] == [0, 0]
        assert shown[0] == shown[1]
        assert server.accepts(shown[0][0].decode().strip())
        assert (server.requests["refresh_token"], server.reused) == (1, 0)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_signal_does_not_lose_what_the_server_has_given(number: signal.Signals, code: int, home: Path) -> None:
    """Law C4: a renewal under way is finished and saved, and nothing is printed."""
    async with AuthorizationServer() as server:
        profile = profile_of(server)
        await set_up("default", profile, replace(server.credential(client_id="app"), token=None))
        with server.hold(after=True) as hold:
            process = await start("-m", "aio_token.cli", "token")
            await hold.arrived.wait()
            os.kill(process.pid, number)
            hold.release()
            out, err = await process.communicate()
        assert (process.returncode, out) == (code, b"")
        assert b"Traceback" not in err
        kept = await stored("default", profile)
        assert kept is not None
        assert kept.token is not None
        assert server.accepts(kept.token.access_token)
