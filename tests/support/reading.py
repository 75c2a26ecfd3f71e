"""The README's reading order: the modules that a request and a renewal run through, found by running them.

`python -m tests.support.reading` writes the number of lines of each, and of all, anew. Their order is a person's work.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import ClientSession

from aio_token import (
    BearerMiddleware,
    MemoryTokenStore,
    PublicClient,
    RefreshTokenGrant,
    TokenEndpoint,
    TokenRepository,
)
from aio_token.testing import AuthorizationServer, ProtectedAPI

if TYPE_CHECKING:
    from types import FrameType

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "README.md"
PACKAGE = ROOT / "aio_token"

_SECTION = re.compile(r"^## Read it$.*?(?=^## )", re.MULTILINE | re.DOTALL)
_LISTED = re.compile(r"(\[`([\w/]+\.py)`\]\(aio_token/\2\)) \((\d+)\)")
_ROOMS = {"", "_edge", "_ground", "_narrowing", "_pacing", "_sessions"}  # of the core; the others are what plugs in
_TOTAL = re.compile(r"[\d,]+(?= lines, comments)")


def listed(page: str) -> dict[str, int]:
    """Return the modules of the reading order, each with the number of lines that the page says it has."""
    return _counts(_section(page))


def filled(page: str) -> str:
    """Return the page with the true numbers of lines."""
    section = _LISTED.sub(lambda one: f"{one[1]} ({lines_of(one[2])})", _section(page))
    section = _TOTAL.sub(f"{sum(_counts(section).values()):,}", section)
    return page.replace(_section(page), section)


def lines_of(module: str) -> int:
    """Count a module's lines, comments, docstrings and all."""
    return len((PACKAGE / module).read_text(encoding="utf-8").splitlines())


async def run_through() -> set[str]:
    """Return the modules of the core that have a part in a request, a rejection and a renewal."""
    async with AuthorizationServer() as server, ProtectedAPI(server) as api:
        await _renew_on_the_way(server, api)  # what is imported on the way has no part in it the second time
        called = await _renew_on_the_way(server, api)
    ours = (path.relative_to(PACKAGE) for path in map(Path, called) if path.is_relative_to(PACKAGE))
    return {path.as_posix() for path in ours if path.parent.as_posix().removeprefix(".") in _ROOMS}


async def _renew_on_the_way(server: AuthorizationServer, api: ProtectedAPI) -> set[str]:
    """Send requests across a renewal; return the files whose functions were called meanwhile."""
    endpoint = TokenEndpoint(server.token_url, PublicClient("app"))
    grant = RefreshTokenGrant(endpoint, first=server.sign_in(client_id="app"))
    called: set[str] = set()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            called.add(frame.f_code.co_filename)

    async with TokenRepository(grant, MemoryTokenStore()) as tokens:
        middleware = BearerMiddleware(tokens, api.url)
        async with ClientSession(middlewares=(middleware,), raise_for_status=True) as session:
            sys.setprofile(note)
            try:
                for _ in range(2):
                    async with session.get(api.url):
                        server.revoke_access_tokens()
            finally:
                sys.setprofile(None)
    return called


def _counts(section: str) -> dict[str, int]:
    return {name: int(lines) for _, name, lines in _LISTED.findall(section)}


def _section(page: str) -> str:
    found = _SECTION.search(page)
    assert found
    return found[0]


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print("run through:", *sorted(asyncio.run(run_through())))  # noqa: T201  what the order has to consist of
