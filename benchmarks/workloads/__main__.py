"""One workload in a process of its own: `python -m benchmarks.workloads NAME [--quick]` prints its result in JSON."""

from __future__ import annotations

import json
import logging
import sys

from benchmarks.rivals import MODULES
from benchmarks.workloads import load

logging.basicConfig(handlers=[logging.NullHandler()])  # what is logged is made, and goes nowhere
print(json.dumps(load(sys.argv[1])(MODULES, quick="--quick" in sys.argv)))
