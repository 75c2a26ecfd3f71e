"""Starts the process that runs a document's blocks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.python_path import leading_to

ROOT = Path(__file__).parents[2]


def run(document: Path, certificates: tuple[Path, Path], directory: Path) -> subprocess.CompletedProcess[str]:
    """Run a document's blocks in a process of their own, in an empty directory."""
    trusted, shown = certificates
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment |= {"SSL_CERT_FILE": str(trusted), "PYTHONPATH": leading_to(ROOT), "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-m", "tests.support.document", str(document), str(shown)]
    return subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=50, check=False
    )
