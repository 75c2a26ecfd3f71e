"""Each point that a kill comes to is in one of the five phases that readers know."""

from __future__ import annotations

from tests.kills.killing import Left
from tests.kills.phases import LOCK, PHASES, phases
from tests.kills.seams import Point


def left(*, marked: bool = False, rotated: bool = False, recorded: bool = False, parses: bool = True) -> Left:
    """Return what a kill left."""
    return Left(marked=marked, rotated=rotated, recorded=recorded, parses=parses, modes={})


def points(*names: str) -> list[Point]:
    """Return points of these names."""
    return [Point(name, 1) for name in names]


def test_a_renewal_comes_to_all_five_in_their_order() -> None:
    """What is on disk and at the server tells them apart, and the lock."""
    way = points("started", LOCK, "before write", "after replace", "the server has rotated", "after replace")
    marked = left(marked=True)
    found = phases(way, [left(), left(), left(), marked, left(marked=True, rotated=True), left(recorded=True)])
    assert found == [PHASES[0], *PHASES]


def test_a_damaged_file_goes_no_phase_back() -> None:
    """Without a lock there is no phase before it; a file that does not parse shows no mark, and has had one."""
    way = points("before open", "after write", "before open", "after write")
    found = phases(way, [left(parses=False), left(marked=True), left(parses=False), left(rotated=True, parses=False)])
    assert found == [PHASES[1], PHASES[2], PHASES[2], PHASES[3]]
