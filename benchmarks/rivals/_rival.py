"""What is said of a way to a token, so that it can be measured like the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    Get = Callable[[str], Awaitable[int]]  # fetches a page, returns the status


@dataclass(frozen=True, slots=True)
class Rival:
    """How to use one of them.

    `make` gives a client middleware for aiohttp, or for httpx a client; the latter takes a transport to use in place of
    the network, or None. `margin` is how many seconds before its end it counts a token as ended, where that is a
    constant that the benchmarks' short tokens would never outlive.
    """

    name: str
    library: Literal["aiohttp", "httpx"]
    grant: str
    make: Callable[..., AbstractAsyncContextManager[Any]]
    margin: float = 0.0

    @property
    def bare(self) -> str:
        """The client without it."""
        return f"bare {self.library}"

    @property
    def client_id(self) -> str:
        """As whom it comes to the server."""
        return self.name.replace(" ", "-")

    @property
    def is_bare(self) -> bool:
        """Whether it is a client with a header that never changes."""
        return self.name == self.bare
