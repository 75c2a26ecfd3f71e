"""Kills at random moments, as `benchmarks/kills.py` deals them out in thousands."""

from __future__ import annotations

import asyncio
import sys

KILLS = 15


async def test_killed_processes_leave_a_whole_private_file_and_lose_nothing_that_a_server_forgives() -> None:
    """Law F2: the file parses and is 0600 after every kill; with a grace window no session is lost."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.kills.kills", str(KILLS), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in output.decode().splitlines()[2:]]
    assert [(name, int(kills), int(damaged)) for name, kills, _, damaged, _ in rows] == [
        ("strict", KILLS, 0),
        ("grace window of 60 s", KILLS, 0),
    ]
    assert int(rows[1][4]) == 0
