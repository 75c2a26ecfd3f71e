"""What a crawl went through: its requests, and the renewals beside them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Request:
    """A request: its client, when it began and ended, and its waits for a token (seconds on the loop's clock)."""

    client: int
    began: float
    ended: float
    waits: tuple[tuple[float, float], ...]


@dataclass(slots=True)
class Crawl:
    """What one middleware went through."""

    name: str
    requests: list[Request] = field(default_factory=list)
    renewals: list[tuple[float, float]] = field(default_factory=list)
    failed: int = 0

    @property
    def waited(self) -> list[float]:
        """Seconds that requests waited, of those that did."""
        return [sum(end - begin for begin, end in request.waits) for request in self.requests if request.waits]
