"""The states that a repository can be in, and the picture of them."""

from __future__ import annotations

from typing import get_args

from aio_token._status import State
from tests.support import states


async def test_the_picture_is_what_a_repository_does() -> None:
    """docs/pictures/states.svg shows every state of the code's table, and the arrows that real repositories walked."""
    arrows = await states.lives()
    assert {state for before, after, _ in arrows for state in (before, after)} == set(get_args(State))
    assert states.PICTURE.read_text(encoding="utf-8") == states.picture(arrows), (
        "draw it anew: python -m tests.support.states"
    )


async def test_time_alone_leads_to_the_end() -> None:
    """Nothing but time leads from a window to the next, and no state is skipped back without a renewal."""
    arrows = {(before, after) for before, after, why in await states.lives() if why == "time"}
    order = ("fresh", "expiring", "due", "expired")
    assert all(order.index(before) < order.index(after) for before, after in arrows)
