"""The five phases of a renewal, in the words of those who read about it; each point that a kill comes to is in one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.kills.killing import Left
    from tests.kills.seams import Point

LOCK = "about to flock"
PHASES = ("before the lock", "locked, nothing spent", "marked, being spent", "rotated, not yet saved", "saved")


def phases(points: Sequence[Point], left: Sequence[Left]) -> list[str]:
    """Return the phase of each point, by what its kill left on disk and at the server.

    A phase does not come twice: a file that does not parse, since the kill hit the middle of a write, shows no mark. A
    design without a lock begins with the second phase.
    """
    names = [point.name for point in points]
    locked = names.index(LOCK) + 1 if LOCK in names else 0
    found: list[str] = []
    latest = 0
    for place, one in enumerate(left):
        now = 4 if one.recorded else 3 if one.rotated else 2 if one.marked else int(place >= locked)
        latest = max(latest, now)
        found.append(PHASES[latest])
    return found
