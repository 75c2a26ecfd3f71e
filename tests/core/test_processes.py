"""One sign-in, several processes, a server that revokes the family when a refresh token is presented twice."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from aio_token import FileTokenStore, Limits, PublicClient, RefreshTokenGrant, TokenEndpoint, TokenRepository
from aio_token.stores import LockTimeout
from aio_token.testing import AuthorizationServer, ProtectedAPI

if TYPE_CHECKING:
    from pathlib import Path

PROCESSES, CALLS, LIFETIME = 8, 100, 2.0


async def run_process(*arguments: object) -> dict[str, Any]:
    """Run one of the processes and return its report."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.sharing_process", *map(str, arguments), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    report: dict[str, Any] = json.loads(output)
    return report


async def test_processes_share_one_sign_in(tmp_path: Path) -> None:
    """Law F5: 800 of 800 calls succeed, no refresh token is presented twice, one renewal per rotation."""
    async with AuthorizationServer(lifetime=LIFETIME) as server, ProtectedAPI(server) as api:
        began = time.monotonic()
        shared = (server.token_url, api.url, tmp_path / "token.json", server.sign_in(client_id="app"), CALLS)
        reports = await asyncio.gather(*(run_process(*shared) for _ in range(PROCESSES)))
        took = time.monotonic() - began
    assert [report["succeeded"] for report in reports] == [CALLS] * PROCESSES
    assert server.reused == 0
    soft_window = LIFETIME / 2  # what it is at most
    assert 2 <= server.requests["refresh_token"] <= took / (LIFETIME - soft_window) + 1
    events = [event["event"] for report in reports for event in report["events"]]
    assert events.count("Renewed") == server.requests["refresh_token"]
    assert events.count("Adopted") > 0
    assert not {"RenewalFailed", "Unsaved"} & set(events)


HOLDER = """
import asyncio, sys
from aio_token import FileTokenStore
async def main():
    async with FileTokenStore(sys.argv[1]).exclusive():
        print("held", flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


async def hold(path: Path) -> asyncio.subprocess.Process:
    """Start a process that holds the lock."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, str(path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"held\n"
    return process


IMPATIENT = Limits(lock=0.2)


def sharing(server: AuthorizationServer, path: Path, first: str, limits: Limits = IMPATIENT) -> TokenRepository:
    """Return a repository that waits for the lock, a little or as long as `limits` says."""
    grant = RefreshTokenGrant(TokenEndpoint(server.token_url, PublicClient("app")), first=first)
    return TokenRepository(grant, FileTokenStore(path), limits=limits)


async def test_a_killed_holder_of_the_lock_blocks_nobody(tmp_path: Path) -> None:
    """Law F5: SIGKILL frees the lock at once, since the kernel holds it."""
    path = tmp_path / "token.json"
    async with AuthorizationServer() as server:
        holder = await hold(path)
        tokens = sharing(server, path, server.sign_in(client_id="app"))
        with pytest.raises(LockTimeout):
            await tokens.token()
        holder.send_signal(signal.SIGKILL)
        await holder.communicate()
        again = sharing(server, path, server.sign_in(client_id="app"), Limits())
        assert server.accepts((await again.token()).access_token)


async def test_a_stopped_holder_of_the_lock_blocks_nobody_beyond_the_limit(tmp_path: Path) -> None:
    """Law F5: with a valid token on disk a lock that is taken is no error, and without one the wait is bounded."""
    path = tmp_path / "token.json"
    async with AuthorizationServer() as server:
        first = server.sign_in(client_id="app")
        await sharing(server, path, first, Limits()).token()
        holder = await hold(path)
        holder.send_signal(signal.SIGSTOP)
        try:
            tokens = sharing(server, path, first)
            token = await tokens.token()
            began = time.monotonic()
            with pytest.raises(LockTimeout, match="locked by another process"):
                await tokens.token(rejected=token)
            assert time.monotonic() - began < Limits().lock
        finally:
            os.kill(holder.pid, signal.SIGKILL)
            await holder.communicate()


async def test_a_process_that_lost_the_race_goes_on_with_the_winner_s_credential(tmp_path: Path) -> None:
    """Law E1: after `invalid_grant` and a sign-in elsewhere, the new session is adopted, without a call in between."""
    path = tmp_path / "token.json"
    async with AuthorizationServer() as server:
        loser = sharing(server, path, server.sign_in(client_id="app"))
        token = await loser.token()
        server.revoke_all()
        winner = sharing(server, path, "unused")
        await winner.sign_in(
            RefreshTokenGrant(
                TokenEndpoint(server.token_url, PublicClient("app")), first=server.sign_in(client_id="app")
            )
        )
        calls = server.requests["refresh_token"]
        adopted = await loser.token(rejected=token)
        assert server.accepts(adopted.access_token)
        assert server.requests["refresh_token"] == calls
