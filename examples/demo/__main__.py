"""Runs the demo: python -m examples.demo."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from aio_token import TokenError
from examples.demo.arguments import read
from examples.demo.contestants import MAKERS, OURS
from examples.demo.crawl import Crawl
from examples.demo.display import display
from examples.demo.open_files import connections_for
from examples.demo.picture import picture
from examples.demo.report import rows, verdict
from examples.demo.stage import LIFETIME, embedded, real
from examples.demo.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from examples.demo.arguments import Settings
    from examples.demo.display import Display


async def run(settings: Settings, screen: Display) -> int:
    """Run the demo, and return its exit code."""
    screen.say(_introduction(settings))
    connections = connections_for(settings.clients)
    tallies: dict[str, Tally] = {}
    for name in MAKERS if settings.contrast else [OURS]:
        tallies[name] = await _crawl(name, settings, screen, connections)
    screen.table(list(tallies), rows(tallies))
    settings.picture.write_text(picture(tallies), encoding="utf-8")
    good = tallies[OURS].flawless
    for line, its in zip(verdict(tallies), (good, None, None), strict=False):
        screen.say(line, good=its)
    screen.say(f"The run as a picture: {settings.picture}")
    return 0 if good else 1


async def _crawl(name: str, settings: Settings, screen: Display, connections: int) -> Tally:
    tally = Tally()
    async with (
        real(settings) if settings.issuer else embedded() as stage,
        MAKERS[name](stage, tally.tokens) as middleware,
    ):
        crawl = Crawl(settings, stage, middleware, tally, connections)
        task = asyncio.create_task(crawl.run())
        loop = asyncio.get_running_loop()
        began = loop.time()
        with screen.progress(name) as update:
            while not task.done():
                await asyncio.wait({task}, timeout=screen.every)
                done = 1.0 if task.done() else min((loop.time() - began) / crawl.seconds, 0.99)
                update(done, _so_far(tally, crawl.phase))
        task.result()
        if stage.server is not None:
            tally.reused = stage.server.reused
    return tally


def _so_far(tally: Tally, phase: str) -> str:
    return f"answered {tally.answered:<7,} failed {tally.failed:<5,} renewals {tally.tokens.answered:<3} {phase}"


def _introduction(settings: Settings) -> str:
    where = settings.issuer or f"servers of its own: tokens live {LIFETIME:g} s, each refresh token works once"
    return f"{settings.clients:,} clients at once, against {where}.\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and run."""
    settings = read(arguments)
    try:
        return asyncio.run(run(settings, display(plain=settings.plain)))
    except TokenError as error:
        print(f"The demo could not run: {error}.", file=sys.stderr)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
