"""The clock that moves by hand."""

from __future__ import annotations

import pytest

from aio_token.testing import ManualClock


def test_a_manual_clock_stands_still_and_begins_where_it_is_told() -> None:
    """Both clocks stand still, and they differ, so that a mix-up shows."""
    clock = ManualClock(start=100.0)
    assert (clock.time(), clock.time()) == (100.0, 100.0)
    assert clock.monotonic() == clock.monotonic() != clock.time()


def test_time_passes_on_both_clocks() -> None:
    """`advance` moves wall and monotonic time by the same number of seconds."""
    clock = ManualClock(start=100.0)
    before = clock.monotonic()
    clock.advance(5.0)
    assert (clock.time(), clock.monotonic() - before) == (105.0, 5.0)


@pytest.mark.parametrize("seconds", [3_600.0, -3_600.0])
def test_a_set_clock_leaves_monotonic_time_alone(seconds: float) -> None:
    """`step` moves wall time alone, either way."""
    clock = ManualClock(start=10_000.0)
    before = clock.monotonic()
    clock.step(seconds)
    assert (clock.time(), clock.monotonic()) == (10_000.0 + seconds, before)


def test_a_suspended_machine_loses_monotonic_time() -> None:
    """`suspend` lets wall time pass while monotonic time stands still."""
    clock = ManualClock(start=100.0)
    before = clock.monotonic()
    clock.suspend(60.0)
    assert (clock.time(), clock.monotonic()) == (160.0, before)


def test_time_passes_forward_only() -> None:
    """Neither `advance` nor `suspend` goes back, and a refused move moves nothing."""
    clock = ManualClock(start=100.0)
    before = (clock.time(), clock.monotonic())
    for move in (clock.advance, clock.suspend):
        with pytest.raises(ValueError, match="forward only"):
            move(-1.0)
    assert (clock.time(), clock.monotonic()) == before


def test_a_manual_clock_shows_its_times() -> None:
    """Its repr names both times."""
    assert repr(ManualClock(start=100.0)) == "<ManualClock time=100.0 monotonic=1000.0>"
