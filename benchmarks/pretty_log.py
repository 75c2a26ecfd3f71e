"""Draws docs/pictures/pretty-log.svg: what `RequestLog` really printed of real exchanges, as rich renders it."""

from __future__ import annotations

import asyncio
import io
import os
import re
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import ClientSession
from rich.console import Console
from rich.text import Text

from aio_token import BearerMiddleware
from aio_token.observe import RequestLog
from aio_token.testing import FixedSource, ManualClock, ProtectedAPI, token
from tests.support.names import connector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

PICTURE = Path(__file__).parent.parent / "docs" / "pictures" / "pretty-log.svg"
WIDTH = 96  # columns
SECRETS = ("canary-access-old", "canary-access-new", "canary-code", "canary-password", "canary-cookie")
UNTOLD = re.compile(r"│ (Date|Server) ")  # they differ from one day and one release to the next


class Terminal(io.StringIO):
    """A file that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


class Accepting:
    """The API knows the new token only, and takes its time."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock

    def accepts(self, access_token: str) -> bool:
        """Whether the access token counts."""
        self.clock.advance(0.084)
        return access_token == SECRETS[1]


@asynccontextmanager
async def exchanges() -> AsyncIterator[str]:
    """Make some, over real sockets, and yield what was printed of them."""
    printed, clock = Terminal(), ManualClock()
    source = FixedSource(token(SECRETS[0]), token(SECRETS[1]))
    async with ProtectedAPI(Accepting(clock)) as api:
        log = RequestLog(file=printed, clock=clock)
        port = int(api.url.rpartition(":")[2])
        async with ClientSession(
            middlewares=(BearerMiddleware(source, "http://api.example", send_tokens_over_plain_http=True), log),
            connector=connector({("api.example", 80): port}, elsewhere=port),
            headers={"User-Agent": "crawler/1.0"},
            cookies={"session": SECRETS[4]},
        ) as session:
            order = {"item": "tea", "password": SECRETS[3]}
            async with session.post(f"http://api.example/orders?code={SECRETS[2]}", json=order) as response:
                assert response.status == 200
                await response.read()
            async with session.get("http://api.example/redirect?to=/public&status=302") as response:
                await response.read()
        yield printed.getvalue()


def drawn(printed: str) -> str:
    """Return it as a picture, the fonts those of the reader's machine and nothing fetched from anywhere."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for line in printed.splitlines():
        text = Text.from_ansi(line)
        if not UNTOLD.match(text.plain):
            console.print(text, soft_wrap=True)
    picture = console.export_svg(title="RequestLog", unique_id="pretty-log")
    return re.sub(r"@font-face \{.*?\}\s*|<!--.*?-->\s*", "", picture, flags=re.DOTALL)


@asynccontextmanager
async def terminal() -> AsyncIterator[None]:
    """Have a terminal of known width and colours."""
    wanted = {"TERM": "xterm-256color", "COLUMNS": str(WIDTH), "COLORTERM": "truecolor"}
    before = dict(os.environ)
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        os.environ.pop(name, None)
    os.environ.update(wanted)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def shown(picture: str) -> Iterator[str]:
    """Return the words of a picture."""
    return (words.replace("&#160;", " ") for words in re.findall(r"<text[^>]*>([^<]*)</text>", picture))


async def picture() -> str:
    """Return the picture; none of the secrets is in it."""
    async with terminal(), exchanges() as printed:
        svg = drawn(printed)
    leaked = [secret for secret in SECRETS if secret in printed or secret in "".join(shown(svg))]
    assert not leaked, leaked
    return svg


def main() -> None:
    """Draw it."""
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(asyncio.run(picture()) + "\n", encoding="utf-8")
    print(f"{PICTURE.name}: {PICTURE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
