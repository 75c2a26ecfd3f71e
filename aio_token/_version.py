"""The version of the installed package."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("aio-token")
except PackageNotFoundError:  # a program that was frozen into one file, without the package's metadata
    __version__ = "unknown"
