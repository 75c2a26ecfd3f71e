"""The states of a repository, drawn by living them through: `python -m tests.support.states` writes the picture anew.

The states are the code's own (`_status.State`); each arrow was walked by a real repository before it is drawn.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from aio_token import MemoryTokenStore, ServerUnavailable, TokenError, TokenRepository, Windows
from aio_token._status import State
from aio_token.testing import ManualClock, ScriptedGrant, credential

if TYPE_CHECKING:
    from aio_token import Credential

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"
WINDOWS = Windows(advisory=20, mandatory=10)
LIFETIME = 100.0
MEANING: dict[State, str] = {
    "unknown": "the store was not read yet",
    "absent": "no token",
    "fresh": "the hot path",
    "expiring": "the advisory window",
    "due": "the mandatory window",
    "expired": "past its end",
}


class Life:
    """A repository, and what was seen of it: (from, to) and the reason."""

    def __init__(self, *answers: Credential | TokenError, stored: Credential | None = None) -> None:
        self.clock = ManualClock()
        self.store = MemoryTokenStore(stored)
        self.tokens = TokenRepository(
            ScriptedGrant(*answers), self.store, windows=WINDOWS, clock=self.clock, observer=None
        )
        self.arrows: list[tuple[State, State, str]] = []

    async def ask(self, why: str) -> None:
        """Ask for a token, wait for whatever runs behind it, and note where that led."""
        before = self.tokens.status.state
        try:
            await self.tokens.token()
        except TokenError:
            why = f"{why}, an error"
        await self.tokens.aclose()
        self.arrows.append((before, self.tokens.status.state, why))

    async def reject(self, why: str) -> None:
        """Ask for another token than the current one."""
        before = self.tokens.status.state
        await self.tokens.token(rejected=await self.tokens.token())
        self.arrows.append((before, self.tokens.status.state, why))

    def wait(self, left: float) -> None:
        """Let time pass until the token is good for so many seconds."""
        before, expires_in = self.tokens.status.state, self.tokens.status.expires_in
        assert expires_in is not None
        self.clock.advance(expires_in - left)
        self.arrows.append((before, self.tokens.status.state, "time"))

    async def sign_out(self) -> None:
        """End it."""
        before = self.tokens.status.state
        await self.tokens.sign_out()
        self.arrows.append((before, self.tokens.status.state, "signed out"))


def issued(number: int, age: float = 0.0) -> Credential:
    """Return what the server gave so long ago."""
    return credential(f"access-{number}", expires_at=ManualClock().time() + LIFETIME - age)


async def lives() -> list[tuple[State, State, str]]:
    """Live through all of it."""
    away = ServerUnavailable("the server is away")
    first = Life(issued(1), issued(2))
    await first.ask("nothing stored, renewed")
    await first.reject("an API rejected it, renewed")
    await first.sign_out()
    second = Life(away, stored=issued(1))
    await second.ask("stored")
    second.wait(left=15)
    await second.ask("served, the renewal behind it failed")
    second.wait(left=5)
    await second.ask("renewal failed, served all the same")
    second.wait(left=0)
    await second.ask("renewal failed")
    third = Life(away)
    await third.ask("nothing stored, renewal failed")
    for left, why in ((15, "served, renewed behind it"), (5, "waits, renewed"), (0, "waits, renewed")):
        life = Life(issued(2, age=left - LIFETIME), stored=issued(1))
        await life.tokens.token()
        life.wait(left)
        await life.ask(why)
        third.arrows += life.arrows
    fourth = Life(away, issued(1))
    await fourth.ask("nothing stored, renewal failed")
    fourth.clock.advance(60)
    await fourth.ask("renewed")
    return [*first.arrows, *second.arrows, *third.arrows, *fourth.arrows]


def diagram(arrows: list[tuple[State, State, str]]) -> str:
    """Return the picture as Mermaid."""
    states = get_args(State)
    lines = [
        "stateDiagram-v2",
        "    [*] --> unknown",
        *(f"    {state}: {state} ({MEANING[state]})" for state in states),
    ]
    walked = sorted(set(arrows), key=lambda arrow: (states.index(arrow[0]), states.index(arrow[1]), arrow[2]))
    return "\n".join([*lines, *(f"    {before} --> {after}: {why}" for before, after, why in walked)])


def drawn() -> str:
    """Return the picture of the page."""
    found = re.search(r"<!-- states -->\n```mermaid\n(.*?)\n```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return found[1]


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(text.replace(f"{drawn()}\n```", f"{diagram(asyncio.run(lives()))}\n```"), encoding="utf-8")
