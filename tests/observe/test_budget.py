"""What showing one exchange may cost."""

from __future__ import annotations

import json

from aio_token.observe.request_log.budget import Budget
from aio_token.observe.request_log.redaction import Redactor


class Seconds:
    """A thread's CPU time, as a test lets it pass."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return it."""
        return self.now


def test_characters_are_counted() -> None:
    """Law G4: what is over is not looked at, and an ellipsis says so."""
    redactor = Redactor(budget=Budget(10, 1.0))
    assert redactor.text("one text") == "one text"
    assert redactor.text("one more, which goes beyond") == "one more, which goes beyond"
    assert redactor.text("password=1") == redactor.url("https://a.example/") == redactor.json("{}") == "…"
    assert redactor.header("Accept", "*/*") == redactor.form("a=b") == "…"


def test_time_counts_while_something_is_shown() -> None:
    """Law G4: from its beginning to its end, and not while others run on the loop."""
    clock = Seconds()
    budget = Budget(1_000, 1.0, clock)
    for spent in (False, True):
        clock.now += 5.0  # others run
        with budget:
            clock.now += 0.6
            assert budget.spent is spent
            assert budget.take(1) is not spent
    clock.now += 5.0
    with budget:
        assert budget.spent


def test_json_ends_where_the_budget_does() -> None:
    """Law G4: what was redacted until then is shown, and no more."""
    shown = Redactor(budget=Budget(100, 1.0)).json(json.dumps([f"text {number}" for number in range(100)]))
    assert shown.startswith('[\n  "text 0"')
    assert shown.endswith("…")
    assert "text 20" not in shown


def test_parameters_end_where_the_budget_does() -> None:
    """Law G4: the parameters that were not looked at are hidden."""
    clock = Seconds()
    redactor = Redactor(budget=Budget(1_000, 1.0, clock))
    with redactor.budget:
        clock.now = 0.5
        assert redactor.form("a=first") == "a=first"
        clock.now = 2.0
        assert redactor._parameters("a=first&&b", 0) == "***&&***"
