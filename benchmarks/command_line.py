"""A token from the disk, by `aio-token` and by other programs that give tokens to a shell.

`python -m benchmarks.command_line` prints milliseconds from start to end and of CPU, medians of interleaved rounds;
nothing is written. It measures the programs that are on the PATH, and names the others. Each is set up in a folder of
its own, its servers are on loopback, and they have ended when it is measured.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks._command_lines import PROGRAMS, Program, installed, prepared
from benchmarks._environment import load, processor

if TYPE_CHECKING:
    from collections.abc import Mapping

ROUNDS = 31


def measure(rounds: int = ROUNDS) -> dict[str, tuple[float, float]]:
    """Return the milliseconds from start to end and of CPU, of an empty Python and of each program that is here."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        programs = {
            "an empty Python": Program([sys.executable, "-c", ""], dict(os.environ)),
            **asyncio.run(prepared(Path(folder), running)),
        }
        return _medians(programs, rounds)


def _medians(programs: Mapping[str, Program], rounds: int) -> dict[str, tuple[float, float]]:
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
    for number in range(rounds):
        for name in list(programs)[:: -1 if number % 2 else 1]:
            taken[name].append(_milliseconds(programs[name]))
    return {name: (median(wall for wall, _ in each), median(cpu for _, cpu in each)) for name, each in taken.items()}


def _milliseconds(program: Program) -> tuple[float, float]:
    """Run it; the CPU is its own, and that of the processes it has waited for."""
    quiet = subprocess.DEVNULL
    began = time.perf_counter()
    process = subprocess.Popen(program.command, env=program.environment, stdin=quiet, stdout=quiet, stderr=quiet)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, program.command
    return wall * 1e3, (used.ru_utime + used.ru_stime) * 1e3


def main() -> None:
    """Measure, and print."""
    before = load()
    for name, (wall, cpu) in measure().items():
        print(f"{name:28} {wall:8.1f} ms {cpu:8.1f} ms of CPU")
    if missing := sorted(program for program in PROGRAMS if not installed(program)):
        print(f"not on the PATH: {', '.join(missing)}")
    print(f"{processor()}, {os.cpu_count()} cores, load {before} before and {load()} after")


if __name__ == "__main__":
    main()
