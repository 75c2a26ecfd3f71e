"""`make bench`: every workload in turn, or those that are named: `make bench ARGS="herd turnover"`.

The results go to benchmarks/results/latest.json, and from there into the documents and pictures. With `--quick` it
takes two minutes, prints, and writes nothing. Other measurements are run by their names.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks._environment import environment, load
from benchmarks.workloads import WORKLOADS

RESULTS = report.RESULTS
OTHERS = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_"))


def main(arguments: list[str]) -> int:
    """Run what is chosen; return 1 if anything failed or a rival is not installed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join((*WORKLOADS, *OTHERS))}")
    parser.add_argument("--quick", action="store_true", help="two minutes for all workloads; nothing is written")
    wanted = parser.parse_args(arguments)
    names = wanted.names or list(WORKLOADS)
    if unknown := set(names) - {*WORKLOADS, *OTHERS}:
        parser.error(f"not known: {', '.join(sorted(unknown))}; there are {', '.join((*WORKLOADS, *OTHERS))}")
    others = [name for name in names if name in OTHERS]
    worst = max((_run("benchmarks." + name).returncode for name in others), default=0)
    chosen = [name for name in WORKLOADS if name in names]
    if not chosen:
        return worst
    kept = {} if wanted.quick or not RESULTS.exists() else json.loads(RESULTS.read_text(encoding="utf-8"))["workloads"]
    failed = []
    for name in chosen:
        record = measure(name, quick=wanted.quick)
        if record is None or record["result"].get("missing"):
            failed.append(name)
        if record is not None:
            kept[name] = record
    found = {"environment": environment(), "workloads": {name: kept[name] for name in WORKLOADS if name in kept}}
    if wanted.quick:
        print("\n\n".join(f"{name}\n\n{table}" for name, table in report.tables(found).items()))
    else:
        RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        report.main()
    if failed:
        print(f"failed, or without a rival that is not installed: {', '.join(failed)}", file=sys.stderr)
    return max(worst, bool(failed))


def measure(name: str, *, quick: bool) -> dict[str, Any] | None:
    """Run a workload in a process of its own; return its record, None if it failed."""
    before, began = load(), time.monotonic()
    done = _run("benchmarks.workloads", name, *(["--quick"] if quick else []), capture=True)
    seconds = round(time.monotonic() - began)
    print(f"{name}: {seconds} s", file=sys.stderr)
    if done.returncode:
        return None
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return {"at": now, "seconds": seconds, "load": [before, load()], "result": json.loads(done.stdout)}


def _run(module: str, *arguments: str, capture: bool = False) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, check=False, text=True, stdout=subprocess.PIPE if capture else None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
