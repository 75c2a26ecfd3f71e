"""`make bench`: every measurement in turn, or those that are named: `make bench ARGS=herd`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

MEASUREMENTS = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_"))


def main() -> int:
    """Run each in a process of its own; return 1 if a name is unknown or a measurement failed."""
    chosen = sys.argv[1:] or MEASUREMENTS
    if unknown := set(chosen) - set(MEASUREMENTS):
        print(f"not known: {', '.join(sorted(unknown))}; there are {', '.join(MEASUREMENTS)}", file=sys.stderr)
        return 1
    return max(subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode for name in chosen)


if __name__ == "__main__":
    sys.exit(main())
