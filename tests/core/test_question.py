"""The one question: does the token at hand answer it, how well, and why is it renewed?"""

from __future__ import annotations

import pytest

from aio_token import Token, Windows
from aio_token._freshness import Answer, CachedToken, Question
from aio_token.testing.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that stands still."""
    return ManualClock()


def cached_on(clock: ManualClock) -> CachedToken:
    """Return a token that another process got just now: fresh for 48 s, due from 54 s on, ended after 60 s."""
    token = Token(access_token="access-disk", expires_at=clock.time() + 60)
    return CachedToken(token, clock.time(), Windows(), clock, renewal_took=None, jitter=0.0)


@pytest.mark.parametrize(
    ("passed", "rejected", "min_valid_for", "answer", "reason"),
    [
        (0, None, 0, Answer.FRESH, "expiring"),
        (0, "other", 60, Answer.FRESH, "expiring"),
        (0, None, 61, Answer.SPARE, "expiring"),
        (0, "access-disk", 0, Answer.NONE, "rejected"),
        (50, None, 0, Answer.USABLE, "expiring"),
        (50, None, 10, Answer.USABLE, "expiring"),
        (50, None, 11, Answer.SPARE, "expiring"),
        (50, "access-disk", 0, Answer.NONE, "rejected"),
        (57, None, 0, Answer.SPARE, "expiring"),
        (60, None, 0, Answer.NONE, "expired"),
        (60, "access-disk", 0, Answer.NONE, "rejected"),
    ],
)
def test_a_question_is_answered_by_the_token_at_hand_or_gives_a_reason(
    clock: ManualClock, passed: float, rejected: str | None, min_valid_for: float, answer: Answer, reason: str
) -> None:
    """Law B2, D8: fresh needs no renewal, usable needs one behind the request, and spare is better than none."""
    cached = cached_on(clock)
    clock.advance(passed)
    question = Question(None if rejected is None else Token(access_token=rejected), min_valid_for)
    assert (question.answer(cached), question.reason(cached)) == (answer, reason)
    assert question.fresh(cached) == (cached.token if answer is Answer.FRESH else None)


def test_where_nothing_is_held_there_is_no_answer() -> None:
    """The token is absent, and was never anything else."""
    question = Question()
    assert (question.answer(None), question.fresh(None), question.reason(None)) == (Answer.NONE, None, "absent")


@pytest.mark.parametrize(
    ("question", "accepted"),
    [
        (Question(), True),
        (Question(Token(access_token="other")), True),
        (Question(Token(access_token="new")), False),
        (Question(min_valid_for=1), False),
    ],
)
def test_a_token_renewed_for_another_question_may_do_for_this_one(question: Question, accepted: bool) -> None:
    """Who joins a renewal that was under way takes its token, unless the question was a narrower one."""
    assert question.accepts(Token(access_token="new")) is accepted
