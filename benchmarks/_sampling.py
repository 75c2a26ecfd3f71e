"""Samples: taken in turn, so that the machine's noise meets all alike, and summed up by median and tail."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median, quantiles
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Rounds:
    """Figures of several rounds: the middle one, and the ends."""

    low: float
    mid: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Rounds:
        """Sum them up."""
        return cls(min(values), median(values), max(values))

    def json(self) -> dict[str, float]:
        """Return plain figures, rounded to what can be believed."""
        return {name: significant(value) for name, value in asdict(self).items()}


def significant(value: float, digits: int = 4) -> float:
    """Round to so many significant digits."""
    return float(f"{value:.{digits}g}")


def tail(values: Sequence[float]) -> dict[str, float]:
    """Return the median, p99, p99.9 and the largest."""
    if len(values) < 2:
        return dict.fromkeys(("p50", "p99", "p99.9", "max"), significant(max(values, default=0.0)))
    cuts = quantiles(values, n=1000, method="inclusive")
    found = {"p50": cuts[499], "p99": cuts[989], "p99.9": cuts[998], "max": max(values)}
    return {name: significant(value) for name, value in found.items()}


async def in_turn(samples: Mapping[str, Callable[[], Awaitable[float]]], rounds: int) -> dict[str, list[float]]:
    """Take a sample of each, round after round; every other round goes backwards, so that none is always first."""
    taken: dict[str, list[float]] = {name: [] for name in samples}
    for number in range(rounds):
        for name in list(samples)[:: -1 if number % 2 else 1]:
            taken[name].append(await samples[name]())
    return taken
