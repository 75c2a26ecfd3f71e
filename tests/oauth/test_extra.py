"""What else came with a token is kept within bounds."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aio_token.oauth.extra import MAX_DEPTH, MAX_EXTRA, bounded

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def nested(levels: int) -> Any:
    """Make a list in a list in a list."""
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


@given(st.dictionaries(st.text(max_size=20), VALUES, max_size=5))
def test_what_servers_really_add_is_kept_whole(members: dict[str, Any]) -> None:
    """Law H2: ordinary members are untouched."""
    assert bounded(members) == members


@pytest.mark.parametrize(
    "value",
    [
        "x" * MAX_EXTRA,
        "é" * 11_000,
        "\U0001f600" * 6_000,
        "\0" * 11_000,
        {"ü" * 11_000: 0},
        ["x" * 1_000] * 100,
        {f"name-{number}" * 10: 0 for number in range(10_000)},
        [0] * MAX_EXTRA,
        [10**4_299] * 100,
        nested(MAX_DEPTH + 2),
        nested(5_000),
        {"a": {"b": nested(MAX_DEPTH)}},
    ],
    ids=range(12),
)
def test_a_member_that_is_too_large_or_too_deep_is_left_out(value: object) -> None:
    """Law H2: 64 kB and 32 levels; what else came stays, in particular an id_token."""
    members = {"id_token": "a.b.c", "bomb": value, "instance_url": "https://a.example"}
    assert bounded(members) == {"id_token": "a.b.c", "instance_url": "https://a.example"}


def test_many_members_are_kept_as_far_as_they_fit() -> None:
    """Law H2: the bound is for all of them together."""
    kept = bounded({f"member-{number}": "x" * 1_000 for number in range(1_000)})
    assert 50 < len(kept) < 70
    assert len(json.dumps(kept)) < 1.1 * MAX_EXTRA


def test_depth_within_the_bound_is_kept() -> None:
    """Law H2: 32 levels are many, for a server that means well."""
    assert bounded({"a": nested(MAX_DEPTH)}) == {"a": nested(MAX_DEPTH)}


@pytest.mark.parametrize("make", [nested, lambda size: [0] * size, lambda size: {str(one): [] for one in range(size)}])
def test_a_large_member_costs_no_more_than_a_small_one(make: Any) -> None:
    """Law H1: the walk ends at the bound."""
    times = []
    for size in (65_536, 262_144):
        value = make(size)
        began = time.thread_time()
        for _ in range(5):
            bounded({"a": value})
        times.append(time.thread_time() - began)
        while (
            isinstance(value, list) and value
        ):  # a deep list is taken apart by hand: the interpreter's way is recursive
            value = value[0]
    assert times[1] <= 25 * times[0] + 0.05
