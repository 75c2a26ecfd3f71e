"""The token, a value that goes on a request."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, replace
from string import ascii_letters

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aio_token import Token
from aio_token._token import fingerprint
from tests.support.exposure import exposure

CANARY = "canary-access-token"


def test_the_header_is_made_once() -> None:
    """`authorization` is the header's value, whatever the spelling of the type."""
    token = Token(access_token="abc", token_type="bEaReR")
    assert token.authorization == "Bearer abc"
    assert token.authorization is token.authorization


@pytest.mark.parametrize("text", ["", " ", "a b", "a\n", "a\r\nX: y", "a\x00", "a\x7f", "ä", "a\u2028", "\ud800"])
def test_a_text_that_cannot_stand_in_a_header_is_refused(text: str) -> None:
    """Law A5: a token outside visible ASCII never gets as far as a store, and the message does not show it."""
    with pytest.raises(ValueError, match=r"^the access token is empty or holds characters") as caught:
        Token(access_token=text)
    assert not text.strip() or text not in str(caught.value)


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=50))
def test_any_visible_ascii_is_taken(text: str) -> None:
    """Law A5: every character from ! to ~ may be part of a token."""
    assert Token(access_token=text).authorization == f"Bearer {text}"


@given(st.text(min_size=1, max_size=50).filter(lambda text: any(not "!" <= letter <= "~" for letter in text)))
def test_anything_else_is_refused(text: str) -> None:
    """Law A5: one character beyond visible ASCII is one too many."""
    with pytest.raises(ValueError, match="the access token"):
        Token(access_token=text)


def test_a_token_has_at_most_64_kilobytes() -> None:
    """Law A5: the longest token that is taken is 65,536 characters long."""
    assert len(Token(access_token="a" * 65_536).access_token) == 65_536
    with pytest.raises(ValueError, match="longer than 65536 characters"):
        Token(access_token="a" * 65_537)


@pytest.mark.parametrize("kind", ["", "mac", "DPoP", "Bearer ", "N_A"])
def test_another_type_is_never_sent_as_bearer(kind: str) -> None:
    """Law A5: an unknown `token_type` is an error."""
    with pytest.raises(ValueError, match="of a type other than Bearer"):
        Token(access_token="abc", token_type=kind)


@pytest.mark.parametrize("members", [{"access_token": f"{CANARY}\n"}, {"access_token": CANARY, "token_type": "mac"}])
def test_a_refused_token_is_in_no_frame(members: dict[str, str]) -> None:
    """Law G1: error reporters print the variables of frames, and those of a generated constructor are its members."""
    with pytest.raises(ValueError, match=r"^the (access )?token is") as caught:
        Token(**members)  # type: ignore[arg-type]
    assert CANARY not in exposure(caught.value)


def test_a_token_is_a_value() -> None:
    """Equal members make equal tokens; nothing can be set; `replace` makes the header anew."""
    token = Token(access_token="abc", extra={"id_token": "x"})
    assert token == Token(access_token="abc", extra={"id_token": "x"})
    assert hash(token) == hash(Token(access_token="abc"))
    assert replace(token, access_token="def").authorization == "Bearer def"
    with pytest.raises(FrozenInstanceError):
        token.access_token = "other"  # type: ignore[misc]


def test_tokens_are_compared_by_their_text() -> None:
    """Law B2: a rejected token is known again, whatever expiry or scope it was given since."""
    token = Token(access_token="abc", expires_at=1.0)
    assert token.same_as(Token(access_token="abc", expires_at=2.0, scope="read"))
    assert not token.same_as(Token(access_token="abcd", expires_at=1.0))
    assert not token.same_as(None)


def test_what_else_came_with_a_token_cannot_be_changed_from_outside() -> None:
    """`extra` is a read-only copy."""
    members = {"instance_url": "https://eu1.example"}
    token = Token(access_token="abc", extra=members)
    members["instance_url"] = "https://evil.example"
    assert token.extra["instance_url"] == "https://eu1.example"
    with pytest.raises(TypeError):
        token.extra["instance_url"] = ""  # type: ignore[index]


def test_a_token_does_not_show_itself() -> None:
    """Law G1, G2: repr, str and format name it by a fingerprint, which has no letter of the token in it."""
    token = Token(access_token=CANARY, scope="read", expires_at=12.0, extra={"id_token": "canary-id-token"})
    assert repr(token) == f"<Token {token.fingerprint} scope='read' expires_at=12.0>"
    assert "canary" not in f"{token!r}{token!s}{token}"


def test_a_fingerprint_is_eight_hex_digits_of_the_hash() -> None:
    """Law G2: the name of the text "abc" is the beginning of its well-known SHA-256."""
    assert fingerprint("abc") == Token(access_token="abc").fingerprint == "ba7816bf"


def test_any_text_has_a_fingerprint() -> None:
    """JSON can spell half a surrogate pair, in a refresh token for example; it is named like any other text."""
    assert fingerprint("\ud800") != fingerprint("\ud801")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_token_is_not_pickled(protocol: int) -> None:
    """Law G1: a pickle would carry the secret in clear; the refusal says what to do and shows nothing."""
    with pytest.raises(TypeError, match="share a TokenStore instead") as caught:
        pickle.dumps(Token(access_token=CANARY), protocol)
    assert CANARY not in str(caught.value)


def test_a_copy_is_the_token_itself() -> None:
    """Law G1: a value needs no copy, and copying goes no way that pickling would."""
    token = Token(access_token=ascii_letters)
    assert copy.copy(token) is token
    assert copy.deepcopy([token])[0] is token


def test_a_token_says_what_it_puts_on_a_request() -> None:
    """Laws A3 and G1: a header, the same for each method and address; its repr shows no secret."""
    token = Token(access_token="abc")
    headers = token.headers("GET", "https://api.example/me")
    assert headers == {"Authorization": "Bearer abc"} == token.headers("POST", "https://other.example")
    assert f"{headers}{headers!r}" == "<Headers Authorization>" * 2
