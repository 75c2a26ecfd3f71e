"""Ways to a token that people use, each an adapter of one file, in the way that its own documentation shows."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from benchmarks._serving import Place

    Get = Callable[[str], Awaitable[int]]


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


BARE_AIOHTTP, BARE_HTTPX = "bare_aiohttp", "bare_httpx"
LIGHT = (BARE_AIOHTTP, "ours", "lock_and_double_check")  # need nothing but this project
MODULES = (
    *LIGHT,
    "aiohttp_oauth2_client",
    "gcloud_aio_auth",
    "azure_identity",
    BARE_HTTPX,
    "authlib_httpx",
    "httpx_auth",
)


def load(module: str) -> Rival:
    """Import an adapter, and the library that it adapts."""
    rival: Rival = import_module(f"{__name__}.{module}").RIVAL
    return rival


def load_all(modules: tuple[str, ...]) -> tuple[list[Rival], dict[str, str]]:
    """Import the adapters; return those that could be, and why the others could not."""
    found: list[Rival] = []
    missing: dict[str, str] = {}
    for module in modules:
        try:
            found.append(load(module))
        except ImportError as error:
            missing[module] = f"not installed ({error.name})"
    return found, missing


async def row_of(rival: Rival, measuring: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    """Return what was measured, or a row that says that it failed."""
    try:
        return await measuring
    except Exception as error:  # noqa: BLE001  one that fails is a result, too
        return {"name": rival.name, "outcome": f"failed: {type(error).__name__}"}


@asynccontextmanager
async def opened(rival: Rival, place: Place, *, connections: int) -> AsyncIterator[Get]:
    """Yield a function that fetches a page with the rival's help and returns the status."""
    from benchmarks.rivals import _clients  # noqa: PLC0415  imports the libraries

    make = _clients.by_aiohttp if rival.library == "aiohttp" else _clients.by_httpx
    async with make(rival, place, connections) as get:
        yield get
