"""A server's own words in messages."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aio_token.oauth.server_text import MAX_QUOTED, quoted


def test_words_pass_as_they_are() -> None:
    """A server's plain sentence is what helps most."""
    assert quoted("Token is not active") == "Token is not active"


@pytest.mark.parametrize("text", [None, 7, ["a"], {"message": "a"}, ""])
def test_what_is_no_text_is_nothing(text: object) -> None:
    """Some servers put objects where text belongs."""
    assert quoted(text) == ""


def test_what_was_sent_is_taken_out() -> None:
    """Law D6: a server that repeats a secret, raw or percent-encoded, is not repeated."""
    said = quoted("no p&ss wörd, p%26ss%20w%C3%B6rd, p%26ss+w%C3%B6rd here", ("p&ss wörd", ""))
    assert said == "no ..., ..., ... here"


def test_a_secret_torn_apart_is_taken_out() -> None:
    """Law D6: what remains after the unprintable letters are gone is looked at again."""
    assert "a b" not in quoted("wrong a\x00b here", ("a b",))


def test_whatever_looks_like_a_token_is_taken_out() -> None:
    """Law D6: a server may name a token that it was not sent."""
    assert quoted("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln and more") == "token ... and more"
    assert quoted(f"code {'abcdefgh' * 6}") == "code ..."
    assert quoted("the unsupported_grant_type was asked for") == "the unsupported_grant_type was asked for"


@given(st.text(), st.lists(st.text(min_size=6), max_size=3))
def test_what_is_quoted_is_short_and_printable(text: str, secrets: list[str]) -> None:
    """Law D6: at most 300 printable characters, on one line, and none of the secrets."""
    said = quoted(" ".join([text, *secrets, text]), secrets)
    assert len(said) <= MAX_QUOTED
    assert said.isprintable()
    assert not any(secret in said for secret in secrets if set(secret) - set(". "))


def test_a_long_text_ends_in_an_ellipsis() -> None:
    """Law D6: a reader sees that there was more; a sentence of usual length is whole."""
    sentence = (
        "Invalid client secret provided. Send the secret's value, not its id, for a secret added to the app 'x'. "
    )
    assert quoted(sentence * 2) == (sentence * 2).strip()
    assert len(quoted(sentence * 3)) <= MAX_QUOTED
    assert quoted(sentence * 3).endswith("...")
    assert quoted("a" * 19 + " " * 5_000 + "b") == "a" * 19 + "..."


@pytest.mark.parametrize("secret", ["a secret with some words", "x" * 100_000, "9" * 2_047])
def test_a_secret_that_is_cut_off_is_taken_out(secret: str) -> None:
    """Law D6: neither the beginning of a secret shows where the text was cut, nor a long one's."""
    for before in (0, 5, 280, 1_000, 2_020, 2_043):
        said = quoted(" ." * (before // 2) + secret + " and more" * 1_000, (secret,))
        assert secret[:8] not in said


def test_half_a_secret_does_not_move_into_sight() -> None:
    """Law D6: what is taken out before it makes room for what was cut off."""
    secret = "correct horse battery staple"
    for before in range(len(secret)):
        assert "correct" not in quoted("." * before + f" {secret}" * 100, (secret,))


NASTY = ["!", "a", "9", "a.", "é", "%", "\x00", " ", "a9 ", "-" * 19 + " ", "\ud800"]


@pytest.mark.parametrize("unit", NASTY)
def test_a_large_text_costs_no_more_than_a_small_one(unit: str) -> None:
    """Law H1: it is cut before it is looked at; CPU time of 1 MiB at most 25 times that of 64 kB."""
    small, large = unit * (65_536 // len(unit)), unit * (1_048_576 // len(unit))
    times = []
    for text in (small, large):
        began = time.thread_time()
        for _ in range(20):
            quoted(text, (text[:3_000], "secret"))
        times.append(time.thread_time() - began)
    assert times[1] <= 25 * times[0] + 0.01
    assert times[1] < 20 * 0.05
