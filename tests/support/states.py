"""The states of a repository, drawn by living them through: `python -m tests.support.states` writes the picture anew.

The states are the code's own (`_status.State`); each arrow was walked by a real repository before it is drawn.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

from aio_token import MemoryTokenStore, ServerUnavailable, TokenError, TokenRepository, Windows
from aio_token.testing import ManualClock, ScriptedGrant, credential
from tests.support.drawing import Drawing

if TYPE_CHECKING:
    from aio_token import Credential, State

PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "states.svg"
WINDOWS = Windows(advisory=20, mandatory=10)
LIFETIME = 100.0
MEANING: dict[State, str] = {
    "unknown": "the store was not read",
    "absent": "no token",
    "fresh": "the hot path",
    "expiring": "the advisory window",
    "due": "the mandatory window",
    "expired": "past its end",
}

_PLACES: dict[State, tuple[int, int]] = {
    "unknown": (100, 150),
    "absent": (100, 340),
    "fresh": (360, 250),
    "expiring": (560, 250),
    "due": (750, 250),
    "expired": (930, 250),
}
_PATHS: dict[tuple[State, State], tuple[str, float, float, str]] = {  # the line, and where its words begin
    ("unknown", "absent"): ("M100 174 V314", 108, 230, "start"),
    ("unknown", "fresh"): ("M176 146 C240 150 262 200 286 238", 250, 128, "middle"),
    ("absent", "fresh"): ("M176 334 C220 330 256 304 290 276", 224, 300, "middle"),
    ("fresh", "absent"): ("M336 274 C320 330 250 358 178 350", 290, 374, "middle"),
    ("fresh", "fresh"): ("M338 226 C316 170 362 170 352 224", 334, 162, "middle"),
    ("fresh", "expiring"): ("M434 250 H483", 458, 243, "middle"),
    ("fresh", "due"): ("M384 274 C412 412 690 412 706 276", 550, 368, "middle"),
    ("fresh", "expired"): ("M368 274 C380 476 864 476 884 276", 630, 418, "middle"),
    ("expiring", "fresh"): ("M566 226 C560 140 424 140 408 224", 486, 192, "middle"),
    ("expiring", "expiring"): ("M550 274 C530 302 590 302 572 276", 561, 314, "middle"),
    ("expiring", "due"): ("M634 250 H673", 654, 243, "middle"),
    ("due", "fresh"): ("M744 226 C700 80 460 80 390 224", 580, 110, "middle"),
    ("due", "due"): ("M760 274 C740 302 800 302 782 276", 778, 314, "middle"),
    ("due", "expired"): ("M824 250 H853", 839, 243, "middle"),
    ("expired", "fresh"): ("M916 226 C860 0 450 0 370 224", 650, 48, "middle"),
    ("expired", "expired"): ("M944 274 C924 302 984 302 966 276", 952, 314, "middle"),
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


def picture(arrows: list[tuple[State, State, str]]) -> str:
    """Draw the states, and each arrow that was walked with its reasons."""
    sheet = Drawing(1020, 440, "The states of a repository, and what leads from one to another")
    for state, (x, y) in _PLACES.items():
        sheet.box(x - 74, y - 24, 148, 48, "busy" if state == "fresh" else "box")
        sheet.words(x, y - 3, state, kind="strong")
        sheet.words(x, y + 14, MEANING[state], kind="small soft")
    reasons: dict[tuple[State, State], list[str]] = {}
    for before, after, why in sorted(set(arrows)):
        reasons.setdefault((before, after), []).append(why)
    for ends, whys in reasons.items():
        path, words_x, words_y, anchor = _PATHS[ends]
        sheet.arrow(path, "dashed" if whys == ["time"] else "lead" if "renewed" in " ".join(whys) else "")
        sheet.words(words_x, words_y, *_lines(whys), kind="small", anchor=anchor, step=15)
    return sheet.text()


def _lines(reasons: list[str]) -> list[str]:
    return [line for why in reasons for line in wrap(why, 20)]


if __name__ == "__main__":
    PICTURE.write_text(picture(asyncio.run(lives())), encoding="utf-8")
