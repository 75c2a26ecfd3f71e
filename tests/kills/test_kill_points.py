"""A renewal killed (SIGKILL) at every point that it comes to; `tests/kills/kill_matrix.py` draws a picture of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.kills.killing import CARRIED_OUT, GRACE, ROTATED, scene
from tests.kills.phases import PHASES, phases
from tests.kills.seams import LOOP
from tests.support.disk import unmeasured

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.kills.killing import Left

DRAFT = ".token.json."


def is_as_it_should_be(left: Left) -> bool:
    """Whether the file parses, no one else may read what there is, and a successor has swept what is not needed."""
    private = all(mode == (0o700 if name == "." else 0o600) for name, mode in left.modes.items())
    drafts = [name for name in left.modes if name.startswith(DRAFT)]
    return left.parses and private and len(drafts) <= 1 and left.after <= {"token.json", "token.json.lock"}


def recorded(names: list[str]) -> int:
    """Return where the new record takes the old one's place: the mark that it is being spent was written before."""
    return len(names) - 1 - names[::-1].index("after replace")


async def test_only_a_kill_between_rotation_and_record_costs_a_session(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Law F2: killed at every point, on a strict server, a renewal leaves a whole private file, and the session lives
    unless the server had rotated and the new refresh token was not yet on disk, which no client can help.
    """
    async with scene(tmp_path, grace=0.0, environment=unmeasured()) as strict:
        points = await strict.find("aio_token")
        killed = dict(zip(points, await strict.kill("aio_token", points), strict=True))
    names = [point.name for point in points]
    assert {"started", "about to flock", "after write", "before replace", ROTATED, "told of Renewed"} <= set(names)
    assert len(points) > 55, "a seam has come off"
    assert [point for point, left in killed.items() if not is_as_it_should_be(left)] == []
    assert [point for point, left in killed.items() if left.alive is (left.rotated and not left.recorded)] == []
    lost = [point.name for point, left in killed.items() if not left.alive]
    assert names[names.index(CARRIED_OUT) : recorded(names)] == lost
    found = phases(points, list(killed.values()))
    assert set(found) == set(PHASES)
    assert [phase == "rotated, not yet saved" for phase in found] == [not left.alive for left in killed.values()]
    record_property("sessions lost, of so many kills", (len(lost), len(points)))


async def test_a_grace_window_forgives_every_kill(tmp_path: Path) -> None:
    """Law F2: where the server takes a spent refresh token once more, a kill in the window between rotation and record
    costs no session either, here of an encrypted store.
    """
    async with scene(tmp_path, grace=GRACE, environment=unmeasured()) as lenient:
        points = await lenient.find("aio_token, encrypted")
        names = [point.name for point in points]
        window = points[names.index(CARRIED_OUT) : recorded(names) + 1]
        # What comes next begins in the state that the step before left: a kill for each state.
        chosen = [point for point in window if not point.name.startswith((LOOP, "before "))]
        killed = dict(zip(chosen, await lenient.kill("aio_token, encrypted", chosen), strict=True))
    assert sum(left.rotated and not left.recorded for left in killed.values()) > 10, "the window was not met"
    assert [point for point, left in killed.items() if not (left.alive and is_as_it_should_be(left))] == []


async def test_a_kill_while_the_directory_is_made_trips_nobody(tmp_path: Path) -> None:
    """Law F4: the first write of all, killed around each directory that it makes, is begun again."""
    async with scene(tmp_path, grace=0.0, environment=unmeasured()) as strict:
        points = await strict.find("aio_token", at_first=True)
        names = [point.name for point in points]
        chosen = [
            point
            for point in points[names.index("before make_private") : names.index("about to flock")]
            if not point.name.startswith(LOOP)
        ]
        killed = dict(zip(chosen, await strict.kill("aio_token", chosen, at_first=True), strict=True))
    assert {"about to mkdir the directory", "about to chmod"} <= {point.name for point in chosen}
    assert [point for point, left in killed.items() if not (left.alive and is_as_it_should_be(left))] == []
