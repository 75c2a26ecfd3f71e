"""How long a token is good for."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aio_token import Credential, Token, Windows
from aio_token._clock import CLOCK_TOLERANCE
from aio_token._freshness import CachedToken, Freshness
from aio_token.testing.clock import ManualClock

ADAPTIVE = Windows()
SECONDS = st.floats(0, 1e7)


def hold(
    clock: ManualClock,
    lifetime: float | None,
    *,
    windows: Windows = ADAPTIVE,
    renewal_took: float | None = 0.0,
    jitter: float = 0.0,
    age: float | None = 0.0,
) -> CachedToken:
    """Hold a token that was asked for `age` seconds ago (None: not known), just renewed unless told otherwise."""
    asked_at = clock.time() - (age or 0.0)
    expires_at = None if lifetime is None else asked_at + lifetime
    obtained_at = None if age is None else asked_at
    token = Token(access_token="abc", expires_at=expires_at)
    return CachedToken(token, obtained_at, windows, clock, renewal_took=renewal_took, jitter=jitter)


def on_the_hot_path(held: CachedToken, clock: ManualClock) -> bool:
    """Whether the token is served without a second thought."""
    return clock.monotonic() < held.fresh_until and clock.time() < held.fresh_until_wall


def state(held: CachedToken) -> Freshness:
    """Look at the token's freshness anew; a type checker takes a property for something that stays."""
    return held.freshness


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that stands still."""
    return ManualClock()


@pytest.mark.parametrize(
    ("lifetime", "renewal_took", "jitter", "expected"),
    [
        (3_600, 0.0, 0.0, (420, 60)),
        (3_600, 0.0, 1.0, (462, 60)),
        (3_600, 200.0, 0.0, (660, 60)),
        (300, 0.0, 0.0, (60, 30)),
        (60, 0.0, 0.0, (12, 6)),
        (60, 30.0, 0.0, (30, 6)),
        (5, 0.0, 0.0, (1, 0.5)),
        (0, 0.0, 1.0, (0, 0)),
        (86_400, 0.0, 0.0, (8_700, 60)),
    ],
)
def test_windows_adapt_to_the_lifetime(
    lifetime: float, renewal_took: float, jitter: float, expected: tuple[float, float]
) -> None:
    """A tenth for the mandatory window, a tenth or three renewals more for the advisory one, half at most."""
    assert ADAPTIVE.before_end(lifetime, renewal_took=renewal_took, jitter=jitter) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        (Windows(advisory=30, mandatory=10), (30, 10)),
        (Windows(advisory=5, mandatory=10), (10, 10)),
        (Windows(advisory=30), (30, 6)),
        (Windows(mandatory=20), (26, 20)),
        (Windows(mandatory=50), (50, 50)),
        (Windows(advisory=0, mandatory=0), (0, 0)),
        (Windows(advisory=600), (30, 6)),
        (Windows(advisory=60, mandatory=60), (30, 30)),
    ],
)
def test_windows_may_be_fixed(windows: Windows, expected: tuple[float, float]) -> None:
    """A figure of one's own counts as it is; the advisory window begins no later than the mandatory one."""
    assert windows.before_end(60, renewal_took=0.0, jitter=0.0) == expected


@pytest.mark.parametrize("seconds", [-1.0, -0.001, math.inf, math.nan, "600", timedelta(minutes=10)])
@pytest.mark.parametrize("name", ["advisory", "mandatory"])
def test_a_window_is_a_number_of_seconds(name: str, seconds: Any) -> None:
    """Anything else is refused at once, and the message says which."""
    with pytest.raises(ValueError, match=f"the {name} window is a number of seconds, 0 or more"):
        Windows(**{name: seconds})


@given(SECONDS, SECONDS, st.floats(0, 1))
def test_adaptive_windows_leave_at_least_half_the_lifetime(lifetime: float, renewal_took: float, jitter: float) -> None:
    """Mandatory is within advisory, and advisory within half the lifetime, whatever the figures."""
    soft, hard = ADAPTIVE.before_end(lifetime, renewal_took=renewal_took, jitter=jitter)
    assert 0 <= hard <= soft <= lifetime / 2
    assert hard <= 60


def test_a_fleet_does_not_renew_at_once() -> None:
    """Chance spreads the beginning of the advisory window by up to a tenth of it."""
    begins = {ADAPTIVE.before_end(3_600, renewal_took=0, jitter=chance / 10)[0] for chance in range(11)}
    assert len(begins) == 11
    assert max(begins) - min(begins) == pytest.approx(42)


def test_a_token_goes_through_its_windows(clock: ManualClock) -> None:
    """Law D4: fresh, then renewed behind the request, then before it, then ended, each at its second."""
    held = hold(clock, 100)
    seen = []
    for _ in range(101):
        seen.append(held.freshness)
        assert on_the_hot_path(held, clock) == (held.freshness is Freshness.FRESH)
        clock.advance(1)
    assert [seen.count(freshness) for freshness in Freshness] == [80, 10, 10, 1]
    assert seen == sorted(seen, key=list(Freshness).index)


def test_a_token_of_unknown_expiry_stays_fresh(clock: ManualClock) -> None:
    """Law D3: only a 401 renews it."""
    held = hold(clock, None)
    clock.advance(1e9)
    assert state(held) is Freshness.FRESH
    assert on_the_hot_path(held, clock)
    assert held.left == math.inf
    assert held.lasts(1e12)


@pytest.mark.parametrize("lifetime", [0, -5, 0.2])
def test_a_token_that_ends_at_once_is_good_for_a_second(clock: ManualClock, lifetime: float) -> None:
    """Law C9, D3: those who waited for it use it, and the next renewal is a second away."""
    held = hold(clock, lifetime)
    clock.advance(0.99)
    assert state(held) is Freshness.FRESH
    clock.advance(0.02)
    assert state(held) is Freshness.EXPIRED


def test_an_old_token_from_the_store_gets_no_such_second(clock: ManualClock) -> None:
    """Law C9: only what was renewed here and now is good for every caller."""
    assert hold(clock, 0, renewal_took=None).freshness is Freshness.EXPIRED
    assert not hold(clock, 100, renewal_took=None).lasts(101)


def test_windows_wider_than_the_lifetime_are_half_of_it(clock: ManualClock) -> None:
    """Law C9: a fixed window that covers the whole lifetime does not renew all the time."""
    held = hold(clock, 60, windows=Windows(advisory=600, mandatory=300))
    assert state(held) is Freshness.FRESH
    clock.advance(29)
    assert state(held) is Freshness.FRESH
    clock.advance(1)
    assert state(held) is Freshness.DUE


@pytest.mark.parametrize(
    ("begin", "end", "fresh_for"),
    [
        (None, None, 80),
        (None, 1_000, 80),
        (None, 50, 45),
        (90, None, 90),
        (200, None, 100),
        (None, 0, 0),
        (60, 40, 60),
    ],
)
def test_a_refresh_token_has_times_of_its_own(
    clock: ManualClock, begin: float | None, end: float | None, fresh_for: float
) -> None:
    """Law D12: renewed before it ends, not before it may be, and never past the end of the access token."""
    now = clock.time()
    credential = Credential(
        token=Token(access_token="abc", expires_at=now + 100),
        obtained_at=now,
        refresh_token="r",
        refresh_not_before=None if begin is None else now + begin,
        refresh_expires_at=None if end is None else now + end,
    )
    held = CachedToken.of(credential, ADAPTIVE, clock, renewal_took=None, jitter=0.0)
    assert held.fresh_until - clock.monotonic() == pytest.approx(fresh_for)
    alone = CachedToken.of(replace(credential, refresh_token=None), ADAPTIVE, clock, renewal_took=None, jitter=0.0)
    assert alone.fresh_until - clock.monotonic() == pytest.approx(80)


def test_a_token_just_renewed_lasts_as_long_as_anybody_asks(clock: ManualClock) -> None:
    """Law C9: a `min_valid_for` beyond the lifetime does not renew for ever."""
    held = hold(clock, 60)
    assert held.lasts(3_600)
    clock.advance(1)
    assert not held.lasts(3_600)
    assert held.lasts(59)
    assert not held.lasts(59.5)


def test_a_token_from_the_store_has_grown_old(clock: ManualClock) -> None:
    """Law D4: what is left counts from now; the windows are those of the whole lifetime."""
    held = hold(clock, 100, age=75, renewal_took=None)
    assert held.left == pytest.approx(25)
    assert state(held) is Freshness.FRESH
    clock.advance(6)
    assert state(held) is Freshness.EXPIRING


def test_without_the_moment_of_asking_the_lifetime_is_what_is_left(clock: ManualClock) -> None:
    """A credential written by hand has no `obtained_at`."""
    held = hold(clock, 100, age=None, renewal_took=None)
    assert held.left == pytest.approx(100)
    clock.advance(80)
    assert state(held) is Freshness.EXPIRING


@pytest.mark.parametrize("step", [-3_600, -1, 1, 3_600])
def test_a_clock_that_is_set_keeps_no_dead_token_alive(clock: ManualClock, step: float) -> None:
    """Law D4: after the lifetime has passed the token is expired, however the wall clock was set."""
    held = hold(clock, 60)
    clock.step(step)
    clock.advance(60)
    assert state(held) is Freshness.EXPIRED
    assert not on_the_hot_path(held, clock)


def test_a_clock_that_is_set_forward_ends_a_token_early(clock: ManualClock) -> None:
    """Law D4: expired if either clock says so."""
    held = hold(clock, 60)
    clock.step(3_600)
    assert state(held) is Freshness.EXPIRED
    assert not on_the_hot_path(held, clock)


def test_a_suspended_machine_wakes_up_with_an_old_token(clock: ManualClock) -> None:
    """Law D4: monotonic time stood still, and the wall clock tells."""
    held = hold(clock, 60)
    clock.suspend(55)
    assert state(held) is Freshness.DUE
    clock.suspend(5)
    assert state(held) is Freshness.EXPIRED


@pytest.mark.parametrize(("ahead", "freshness"), [(30, Freshness.FRESH), (61, Freshness.EXPIRED)])
def test_a_token_from_the_future_is_not_believed(clock: ManualClock, ahead: float, freshness: Freshness) -> None:
    """Law D4: hosts' clocks may differ by a minute; further ahead, the clock was set back since it was stored."""
    assert hold(clock, 3_600, age=-ahead, renewal_took=None).freshness is freshness


def test_a_token_from_a_clock_ahead_counts_no_longer_than_its_lifetime(clock: ManualClock) -> None:
    """Law D4: the difference of two hosts' clocks is not added to it."""
    assert hold(clock, 100, age=-30, renewal_took=None).left == pytest.approx(100)


def test_the_hot_path_can_be_left_once_in_a_while(clock: ManualClock) -> None:
    """Something else is to be done soon, and the token stays as fresh as it was."""
    held = hold(clock, 3_600)
    held.look_again_in(2)
    clock.advance(2)
    assert not on_the_hot_path(held, clock)
    assert state(held) is Freshness.FRESH
    held.look_again_in(math.inf)
    assert on_the_hot_path(held, clock)
    clock.advance(3_180)
    assert not on_the_hot_path(held, clock)


STEPS = st.lists(
    st.tuples(st.sampled_from(["advance", "suspend"]), st.floats(0, 5_000))
    | st.tuples(st.just("step"), st.floats(-5_000, 5_000)),
    max_size=8,
)


@given(st.floats(0, 10_000), st.floats(-100, 10_000), STEPS, st.none() | st.floats(0, 10))
def test_no_dead_token_is_served(
    lifetime: float, age: float, steps: list[tuple[str, float]], renewal_took: float | None
) -> None:
    """Law D4, D8: whatever happens to the clocks, past the lifetime in monotonic time the token is not usable."""
    clock = ManualClock()
    held = hold(clock, lifetime, age=age, renewal_took=renewal_took)
    passed = 0.0
    for name, seconds in steps:
        getattr(clock, name)(seconds)
        passed += seconds if name == "advance" else 0.0
        if on_the_hot_path(held, clock):
            assert state(held) is Freshness.FRESH
        if state(held) is Freshness.FRESH:
            assert held.left > 0 or (renewal_took is not None and passed < 1)
        if passed > max(lifetime, 1):
            assert state(held) is Freshness.EXPIRED


@given(st.floats(0, 1e12), st.floats(0, 1e6), st.floats(0, 1))
def test_a_renewed_token_is_fresh_for_a_second_at_least(lifetime: float, renewal_took: float, jitter: float) -> None:
    """Law C9: so there is one renewal per second at most, whatever the server says."""
    clock = ManualClock()
    held = hold(clock, lifetime, renewal_took=renewal_took, jitter=jitter)
    clock.advance(0.999)
    assert state(held) is Freshness.FRESH


def test_the_tolerance_is_the_mandatory_window_at_its_widest() -> None:
    """Law D4: hosts whose clocks differ by the tolerance renew before the end, not after it."""
    assert ADAPTIVE.before_end(1e6, renewal_took=0, jitter=0)[1] == CLOCK_TOLERANCE
