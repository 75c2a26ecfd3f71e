"""The two clocks that expiry is judged by."""

from __future__ import annotations

import time

from aio_token._clock import SYSTEM_CLOCK, SystemClock


def test_the_systems_clock_is_the_machines_own() -> None:
    """Law D4: wall time is POSIX seconds, monotonic time never goes back; no method stands between."""
    assert SYSTEM_CLOCK.time is time.time
    assert SYSTEM_CLOCK.monotonic is time.monotonic
    assert time.time() <= SystemClock().time() <= time.time()
    assert SystemClock().monotonic() <= SystemClock().monotonic()
