"""What is measured: each a module with `measure`, which returns plain data."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

WORKLOADS = ("hot_path", "herd", "turnover", "refused", "processes", "store", "scale", "accounts", "faults")


def load(name: str) -> Callable[..., dict[str, Any]]:
    """Return a workload: `measure(modules, quick=...)`, where the modules are those of rivals."""
    measure: Callable[..., dict[str, Any]] = import_module(f"{__name__}.{name}").measure
    return measure
