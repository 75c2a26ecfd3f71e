"""On what it was measured: processor, Python, releases, and how busy the machine was."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

LIBRARIES = (
    "aiohttp",
    "httpx",
    "uvloop",
    "Authlib",
    "aiohttp-oauth2-client",
    "httpx-auth",
    "gcloud-aio-auth",
    "azure-identity",
    "cryptography",
    "filelock",
)


def processor() -> str:
    """Return the processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def version(library: str) -> str:
    """Return the installed release, or say that there is none."""
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "not installed"


def load() -> list[float]:
    """Return how many processes were ready to run, over the last 1, 5 and 15 minutes."""
    return [round(value, 2) for value in os.getloadavg()]


def environment() -> dict[str, object]:
    """Describe the machine, without its name."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "libraries": {library: version(library) for library in LIBRARIES},
    }
