"""A server's own words in messages."""

from __future__ import annotations

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
    """Law D6: at most 100 printable characters, on one line, and none of the secrets."""
    said = quoted(" ".join([text, *secrets, text]), secrets)
    assert len(said) <= MAX_QUOTED
    assert said.isprintable()
    assert not any(secret in said for secret in secrets if set(secret) - set(". "))
