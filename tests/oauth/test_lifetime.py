"""How long a token lives, read leniently."""

from __future__ import annotations

import base64
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aio_token.oauth.lifetime import MAX_LIFETIME, earliest, lifetime_of_jwt, seconds
from tests.support.jwt import unsigned

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (3600, 3600.0),
        (3600.5, 3600.5),
        ("3600", 3600.0),
        ("3600.5", 3600.5),
        (0, 0.0),
        (-5, 0.0),
        ("-5", 0.0),
        (10**30, float(MAX_LIFETIME)),
        (10**400, float(MAX_LIFETIME)),
        ("1e30", float(MAX_LIFETIME)),
    ],
)
def test_numbers_and_their_text_are_read(value: object, read: float) -> None:
    """Law D3: numbers are read however they are written, and clamped to what a date can say."""
    assert seconds(value) == read


@pytest.mark.parametrize(
    "value", [None, True, False, math.nan, math.inf, -math.inf, "NaN", "inf", "1h", "", "1" * 65, [], [60], {}]
)
def test_what_is_no_number_is_unknown(value: object) -> None:
    """Law D3: anything else is unknown, never an error and never zero."""
    assert seconds(value) is None


@given(ANYTHING)
def test_no_value_is_too_strange(value: object) -> None:
    """Law D3: reading never raises, and what it reads is a moment that can be told."""
    read = seconds(value)
    assert read is None or 0 <= read <= MAX_LIFETIME


def test_a_jwt_tells_its_lifetime() -> None:
    """Law D3: the difference of `exp` and `iat` counts, whatever this machine's clock says."""
    assert lifetime_of_jwt(unsigned({"iat": 1_000, "exp": 1_300})) == 300


@pytest.mark.parametrize(
    "token",
    [
        "opaque",
        "a.b.c",
        "a.!.c",
        unsigned({"exp": 1_300}),
        unsigned({"iat": 1_300, "exp": 1_300}),
        unsigned({"iat": None, "exp": 1_300}),
        unsigned({"iat": 0, "exp": math.inf}),
        unsigned({"iat": 0, "exp": math.nan}),
        unsigned({"iat": 0, "exp": 10**400}),
        unsigned([1, 2]),
        "e30." + base64.urlsafe_b64encode(b"[" * 20_000).decode() + ".x",
        "e30." + base64.urlsafe_b64encode(b'{"iat": 0, "exp": ' + b"9" * 5_000 + b"}").decode() + ".x",
        unsigned({"iat": 0, "exp": 60, "pad": "x" * 65_536}),
    ],
)
def test_a_text_that_tells_no_lifetime_is_unknown(token: str) -> None:
    """Law D3: no JWT, no claims, no sense, or too long: unknown, and never an error."""
    assert lifetime_of_jwt(token) is None


@given(ANYTHING, ANYTHING)
def test_no_claim_is_too_strange(begins: object, ends: object) -> None:
    """Law D3: reading a JWT never raises."""
    read = lifetime_of_jwt(unsigned({"iat": begins, "exp": ends}))
    assert read is None or 0 <= read <= MAX_LIFETIME


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    """Law D3: whatever a token looks like, reading it never raises."""
    lifetime_of_jwt(text)
    lifetime_of_jwt(f"a.{text}.b")


def test_the_shortest_known_lifetime_counts() -> None:
    """Law D3: min(expires_in, exp - iat), and unknown only if nothing is known."""
    assert earliest(None, 60.0, 30.0) == 30.0
    assert earliest(None, None) is None
