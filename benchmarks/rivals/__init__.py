"""Ways to a token that people use, each an adapter of one file, in the way that its own documentation shows."""

from __future__ import annotations

from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from benchmarks._serving import Place
    from benchmarks.rivals._rival import Get, Rival

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
    from benchmarks.rivals import _clients

    make = _clients.by_aiohttp if rival.library == "aiohttp" else _clients.by_httpx
    async with make(rival, place, connections) as get:
        yield get
