"""Hosts of a fleet that are killed or stopped, and a store that is killed, emptied, rolled back or stands still."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fleet import rig

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

ALLOWED = (rig.killed_after_the_rotation, rig.stopped_for_longer_than_the_patience)


@pytest.mark.parametrize("scenario", [each for each in rig.SCENARIOS if each not in ALLOWED])
async def test_no_session_is_lost(scenario: Callable[[rig.Fleet], Awaitable[None]], tmp_path: Path) -> None:
    """Laws J1 to J4: on a server that ends a session whose refresh token comes twice, it never does."""
    cost = await rig.run(scenario, tmp_path)
    assert (cost.presented_twice, cost.lost) == (0, False)


@pytest.mark.parametrize("scenario", ALLOWED)
@pytest.mark.parametrize("grace", [0.0, rig.GRACE])
async def test_what_may_be_lost(scenario: Callable[[rig.Fleet], Awaitable[None]], grace: float, tmp_path: Path) -> None:
    """Law J4: a host is killed, or stopped for long, between the rotation and its save; a grace window forgives it."""
    cost = await rig.run(scenario, tmp_path, grace=grace)
    assert cost.presented_twice == 1
    assert cost.lost is (grace == 0.0)
