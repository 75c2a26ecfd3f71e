"""How long a server is left alone that could not help."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aio_token._ground.backoff import LONGEST_PAUSE, LONGEST_RETRY_AFTER, jittered_pause, pause, refusal_pause


def test_pauses_double_up_to_a_minute() -> None:
    """Law D8: 1, 2, 4 ... 60 s, and no number of failures is too large."""
    assert [pause(failures) for failures in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert pause(10**9) == 60


def test_a_refusal_rests_for_minutes() -> None:
    """Law E1: 1, 2, 4 ... 60 minutes; asking again so soon helps no one, and locks accounts."""
    assert [refusal_pause(failures) / 60 for failures in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert refusal_pause(10**9) == 3_600


def test_a_pause_is_half_by_chance() -> None:
    """Law D8: equal jitter, from half of the pause to all of it."""
    assert [jittered_pause(3, jitter=jitter) for jitter in (0.0, 0.5, 1.0)] == [2, 3, 4]


@pytest.mark.parametrize(
    ("retry_after", "expected"),
    [(None, 4), (0.0, 4), (-5.0, 4), (3.0, 4), (90.0, 90), (7_200.0, 3_600), (math.inf, 3_600), (math.nan, 4)],
)
def test_a_server_may_ask_for_more_and_not_for_less(retry_after: float | None, expected: float) -> None:
    """Law D8: `Retry-After` counts where it is longer, capped at an hour."""
    assert jittered_pause(3, jitter=1.0, retry_after=retry_after) == expected


@given(st.integers(1, 10**12), st.floats(0, 1), st.none() | st.floats())
def test_a_pause_is_never_shorter_than_half_a_second_nor_longer_than_an_hour(
    failures: int, jitter: float, retry_after: float | None
) -> None:
    """Law D8: whatever a server asks for, and however often it failed."""
    seconds = jittered_pause(failures, jitter=jitter, retry_after=retry_after)
    assert 0.5 <= seconds <= LONGEST_RETRY_AFTER
    assert seconds >= pause(failures) / 2
    assert retry_after is not None or seconds <= LONGEST_PAUSE


def test_an_endpoint_that_is_down_for_a_minute_is_asked_eight_times_at_most() -> None:
    """Law D8: even if chance makes every pause as short as it can be, the eighth attempt comes after 60 s or later."""
    moments = [0.0]
    while moments[-1] < 60:
        moments.append(moments[-1] + jittered_pause(len(moments), jitter=0.0))
    assert len([moment for moment in moments if moment < 60]) <= 8
