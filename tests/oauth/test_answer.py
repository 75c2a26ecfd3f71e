"""What a token endpoint answers, and what becomes of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aio_token import ConfigurationError, Credential, GrantRefused, ServerUnavailable, SignInRequired, Token, TokenError
from aio_token.grants import Rescued
from aio_token.oauth.answer import Answer
from tests.support.exposure import exposure
from tests.support.jwt import unsigned

NOW = 1_800_000_000.0
SENT = "sent-canary-1"
GIVEN = "given-canary-2"
KEPT = Credential(
    token=Token(access_token="old", scope="read"), refresh_token="kept-canary-3", refresh_expires_at=NOW + 9
)


def answer(members: object = None, *, status: int = 200, body: bytes | None = None, **headers: str) -> Answer:
    """Make an answer to a request of NOW, read two seconds later."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(
        to="the token endpoint of https://id.example",
        address="https://id.example/token",
        status=status,
        headers=named,
        body=json.dumps(members).encode() if body is None else body,
        asked_at=NOW,
        now=NOW + 2,
        secrets=(SENT,),
    )


def granted(kept: Credential = KEPT, **members: Any) -> Credential:
    """Read an answer that grants a token."""
    return answer({"access_token": GIVEN, **members}).credential(kept)


def token(**members: Any) -> Token:
    """Read an answer that grants a token."""
    read = granted(**members).token
    assert read is not None
    return read


def test_a_plain_answer_becomes_a_credential() -> None:
    """Law D4: the token's end is counted from before the request was sent, and trouble is over."""
    kept = Credential(refresh_token="a", failures=3, retry_at=NOW, refused="x")
    read = granted(kept, token_type="bearer", expires_in=60, scope="read", refresh_token="b", id_token="c")
    assert read.token == Token(
        access_token=GIVEN, token_type="bearer", expires_at=NOW + 60, scope="read", extra={"id_token": "c"}
    )
    assert (read.obtained_at, read.refresh_token) == (NOW, "b")
    assert (read.failures, read.retry_at, read.refused) == (0, None, None)


@pytest.mark.parametrize("body", [b'\xef\xbb\xbf{"access_token": "a"}', '{"access_token": "a"}'.encode("utf-16")])
def test_json_is_read_whatever_it_is_called(body: bytes) -> None:
    """Law D1: neither the content type nor the encoding matters."""
    read = answer(body=body, Content_Type="text/html").credential(KEPT)
    assert read.token is not None
    assert read.token.access_token == "a"


@pytest.mark.parametrize("error", [None, "", False])
def test_an_empty_error_is_none(error: object) -> None:
    """Some servers always send the member."""
    assert token(error=error).access_token == GIVEN


@pytest.mark.parametrize(
    ("members", "expires_at"),
    [
        ({"expires_in": 3600}, NOW + 3600),
        ({"expires_in": "3600.5"}, NOW + 3600.5),
        ({"expires_in": 0}, NOW),
        ({"expires_in": -1}, NOW),
        ({"expires_in": "soon"}, None),
        ({"expires_in": True}, None),
        ({}, None),
        ({"access_token": unsigned({"iat": 5, "exp": 65})}, NOW + 60),
        ({"access_token": unsigned({"iat": 5, "exp": 65}), "expires_in": 3600}, NOW + 60),
        ({"access_token": unsigned({"iat": 5, "exp": 65}), "expires_in": 30}, NOW + 30),
    ],
)
def test_a_tokens_end_is_read(members: dict[str, object], expires_at: float | None) -> None:
    """Law D3: the shorter of `expires_in` and the JWT's own lifetime; unknown where neither can be read."""
    assert token(**members).expires_at == expires_at


def test_a_number_without_end_is_unknown() -> None:
    """Law D3: an integer that Python itself refuses to read spoils neither the answer nor the lifetime."""
    read = answer(body=b'{"access_token": "a", "expires_in": ' + b"9" * 5_000 + b"}").credential(KEPT)
    assert read.token is not None
    assert read.token.expires_at is None


@pytest.mark.parametrize(
    ("scope", "read"),
    [
        ("a b", "a b"),
        (["a", "b"], "a b"),
        ([], "read"),
        (None, "read"),
        (7, "read"),
        ("", "read"),
        ("a " * 5_000, "read"),
        (["a"] * 5_000, "read"),
    ],
)
def test_a_scope_may_be_a_list(scope: object, read: str) -> None:
    """Law D3: a list is joined; one that is left out, or as long as none is, is the one before (RFC 6749 section 6)."""
    assert token(scope=scope).scope == read


def test_a_scope_that_nobody_named_is_unknown() -> None:
    """A first answer without a scope leaves it open."""
    first = granted(Credential()).token
    assert first is not None
    assert first.scope is None


@pytest.mark.parametrize("refresh_token", [None, "", 7, ["a"], "\ud800"])
def test_a_missing_refresh_token_keeps_the_old_one(refresh_token: object) -> None:
    """Law D2: missing, null, empty or unusable, the old refresh token stays, and so does its expiry."""
    read = granted(refresh_token=refresh_token)
    assert (read.refresh_token, read.refresh_expires_at) == (KEPT.refresh_token, NOW + 9)
    assert granted(Credential(), refresh_token=refresh_token).refresh_token is None


@pytest.mark.parametrize(
    ("members", "ends"),
    [
        ({"refresh_token": "b"}, None),
        ({"refresh_token": "b", "refresh_expires_in": 60}, NOW + 60),
        ({"refresh_token": "b", "refresh_token_expires_in": "60"}, NOW + 60),
        ({"refresh_token": "b", "refresh_expires_in": 0}, None),
        ({"refresh_token": "b", "refresh_expires_in": "never"}, None),
        ({"refresh_token": KEPT.refresh_token}, NOW + 9),
        ({"refresh_token": KEPT.refresh_token, "refresh_expires_in": 60}, NOW + 60),
        ({"refresh_expires_in": 60}, NOW + 60),
        ({"refresh_expires_in": 0}, None),
        ({"refresh_token": unsigned({"iat": 5, "exp": 65})}, NOW + 60),
        ({"refresh_token": unsigned({"iat": 5, "exp": 65}), "refresh_expires_in": 0}, None),
        ({"refresh_token": unsigned({"iat": 5, "exp": 65}), "refresh_expires_in": 30}, NOW + 30),
    ],
)
def test_a_refresh_tokens_end_is_read(members: dict[str, Any], ends: float | None) -> None:
    """Law D12: `refresh_expires_in`, where 0 is never, or the refresh token's own JWT; the same token keeps its end."""
    assert granted(**members).refresh_expires_at == ends


@pytest.mark.parametrize("status", [200, 400, 401, 403, 500, 503])
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("invalid_grant", GrantRefused),
        ("bad_refresh_token", GrantRefused),
        ("login_required", SignInRequired),
        ("consent_required", SignInRequired),
        ("interaction_required", SignInRequired),
        ("invalid_client", ConfigurationError),
        ("unauthorized_client", ConfigurationError),
        ("invalid_scope", ConfigurationError),
        ("unsupported_grant_type", ConfigurationError),
        ("invalid_target", ConfigurationError),
        ("INVALID_REQUEST", ConfigurationError),
    ],
)
def test_an_error_is_typed_by_what_helps(code: str, kind: type[TokenError], status: int) -> None:
    """Laws D1, D5 and D6: the code decides, whatever status it comes with, 200 included."""
    failure = answer({"error": code, "access_token": "a"}, status=status).failure()
    assert type(failure) is kind
    assert code.lower() in str(failure)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("body", [b"", b"<h1>Unauthorized</h1>", b'{"error": "odd"}', b'{"error": {"code": 1}}'])
def test_a_client_that_is_not_let_in_is_misconfigured(status: int, body: bytes) -> None:
    """Law D5: a refusal of the client may come with any body."""
    assert isinstance(answer(status=status, body=body).failure(), ConfigurationError)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_configuration_error(status: int) -> None:
    """Law D1: a redirect is not followed, and the message says what to configure."""
    with pytest.raises(ConfigurationError, match="configure the address that it redirects to"):
        answer(status=status, body=b"").credential(KEPT)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"a"', b"[" * 100_000, b'{"error": "odd"}', b"\xff", b"{}"])
def test_trouble_of_the_server_is_waited_for(status: int, body: bytes) -> None:
    """Law D6: what says nothing that a person could act on is tried again later."""
    assert type(answer(status=status, body=body).failure()) is ServerUnavailable


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("99999", 3600),
        ("9" * 5_000, None),
        ("soon", None),
        ("", None),
        (format_datetime(datetime.fromtimestamp(NOW + 62, UTC), usegmt=True), 60),
        (format_datetime(datetime.fromtimestamp(NOW - 62, UTC), usegmt=True), 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600),
    ],
)
def test_a_server_may_say_when_to_come_again(retry_after: str, seconds: float | None) -> None:
    """Law D8: Retry-After in seconds or as a date, capped at an hour."""
    failure = answer(status=429, body=b"", Retry_After=retry_after).failure()
    assert isinstance(failure, ServerUnavailable)
    assert failure.retry_after == seconds


def test_a_list_is_no_answer() -> None:
    """Law D2: only an object has members."""
    with pytest.raises(ServerUnavailable):
        answer(body=b'["access_token": "a", "refresh_token": "b"').credential(KEPT)


@pytest.mark.parametrize("members", [{}, {"access_token": ""}, {"access_token": None}, {"access_token": 7}, [], None])
def test_an_answer_without_a_token_is_no_answer(members: object) -> None:
    """Law D6: a success that brings nothing is tried again later."""
    with pytest.raises(ServerUnavailable, match="without a token"):
        answer(members).credential(KEPT)


@pytest.mark.parametrize("access_token", ["a b", "a\n", "ä", "x" * 65_537])
def test_a_token_that_cannot_stand_in_a_header_is_refused(access_token: str) -> None:
    """Law A5: it is refused before it is stored."""
    with pytest.raises(ServerUnavailable, match="cannot be used"):
        granted(access_token=access_token)


@pytest.mark.parametrize("token_type", [None, "", "Bearer", "bearer", "BEARER"])
def test_bearer_is_written_in_many_ways(token_type: str | None) -> None:
    """Laws A5 and D3: case does not matter, and a missing type is Bearer."""
    assert token(token_type=token_type).authorization == f"Bearer {GIVEN}"


@pytest.mark.parametrize("token_type", ["DPoP", "mac", 7, ["Bearer"]])
def test_a_token_of_another_type_is_never_sent(token_type: object) -> None:
    """Law A5: an unknown type is an error and is not taken for Bearer."""
    with pytest.raises(ConfigurationError, match="not of type Bearer"):
        token(token_type=token_type)


@pytest.mark.parametrize(
    ("members", "kind"),
    [
        ({}, ServerUnavailable),
        ({"access_token": "a b"}, ServerUnavailable),
        ({"access_token": "a", "token_type": "DPoP"}, ConfigurationError),
        ({"access_token": "a", "error": "invalid_grant"}, GrantRefused),
    ],
)
def test_a_refresh_token_is_rescued_from_a_useless_answer(members: dict[str, object], kind: type[TokenError]) -> None:
    """Law D2: the new refresh token is to be saved before the error is raised, beside the token there is."""
    kept = Credential(token=KEPT.token, refresh_token="spent", refused="x", failures=2, retry_at=NOW)
    with pytest.raises(Rescued) as caught:
        answer({**members, "refresh_token": GIVEN}).credential(kept)
    saved = caught.value.credential
    assert (saved.refresh_token, saved.token, saved.refused, saved.failures) == (GIVEN, KEPT.token, None, 2)
    assert type(caught.value.error) is kind


def test_an_error_status_brings_no_refresh_token() -> None:
    """Law D2 is about 2xx answers: an error page's members are not believed."""
    with pytest.raises(ServerUnavailable):
        answer({"refresh_token": GIVEN, "access_token": "a"}, status=500).credential(KEPT)


def test_what_a_server_says_is_shown_in_short() -> None:
    """Law D6: code and description, cut, on one line, without what was sent."""
    failure = answer({"error": "invalid_grant", "error_description": f'"{SENT}"\n is bad ' + "é " * 200}, status=400)
    said = str(failure.failure())
    assert said.startswith('the token endpoint of https://id.example answered 400 (invalid_grant: "..." is bad é')
    assert said.endswith("; sign in again")
    assert "é...); sign in again" in said
    assert len(said) < 450


MEMBERS = st.sampled_from(
    ["access_token", "token_type", "expires_in", "scope", "error", "error_description", "id_token"]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([GIVEN, SENT, "invalid_grant"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)


@given(
    st.dictionaries(MEMBERS, VALUES).map(lambda members: json.dumps({"refresh_token": GIVEN, **members}).encode())
    | st.binary(),
    st.integers(100, 599),
    st.text(),
)
def test_no_answer_is_too_strange(body: bytes, status: int, retry_after: str) -> None:
    """Laws D3, D6 and G1: whatever comes is a storable credential or one of our errors, which shows no secret."""
    read = answer(status=status, body=body, Retry_After=retry_after)
    credential, shown = KEPT, ""
    try:
        credential = read.credential(KEPT)
    except TokenError as error:
        shown = exposure(error)
        credential = error.credential if isinstance(error, Rescued) else KEPT
    assert not [secret for secret in (SENT, GIVEN, "kept-canary-3") if secret in shown]
    assert Credential.from_json(credential.to_json()) == credential


@pytest.mark.parametrize(
    "body",
    [
        b'{"access_token": "GIVEN", "refresh_token": "GIVEN", "expires_in": 60, "x": "cut off in the',
        b'{"access_token": "GIVEN", "refresh_token": "GIVEN", "expires_in": 60, "x": [[1, {"refresh_token": "other"}',
        b'{"refresh_token": "GIVEN", "access_token": "GIVEN", "name": "J\xf6rg", "expires_in": 60}',
        b'{"x": '
        + b"[" * 5_000
        + b"]" * 5_000
        + b', "access_token": "GIVEN", "refresh_token": "GIVEN", "expires_in":60}',
        b'{"\\x": 1, "a": "\\q", "b": true, "access_token": "GIVEN", "refresh_token": "GIVEN", "expires_in": 60.0, "c"',
        b'{"access_token": "GIVEN", "refresh_token": "GIVEN", "expires_in": 60, "n": ' + b"9" * 100 + b', "o": .}',
    ],
)
def test_what_can_be_read_of_an_answer_is_read(body: bytes) -> None:
    """Laws D1 and D2: cut off, nested too deep or in Latin-1, what came with a new refresh token is not thrown away."""
    read = answer(body=body.replace(b"GIVEN", GIVEN.encode())).credential(KEPT)
    assert read.refresh_token == GIVEN
    assert read.token is not None
    assert (read.token.access_token, read.token.expires_at) == (GIVEN, NOW + 60)


def test_a_member_of_a_member_is_not_taken_for_one_of_the_answer() -> None:
    """Law D2: what is nested belongs to something else."""
    with pytest.raises(ServerUnavailable):
        answer(body=b'{"x": {"access_token": "a", "refresh_token": "b"}, "y": ["access_token", "c"').credential(KEPT)


def test_what_an_answer_does_not_mention_stays_as_it_was() -> None:
    """Law D13: servers send the person's `instance_url` with the first answer only; what is sent anew counts."""
    first = Token(access_token="first", scope="a b", extra={"instance_url": "https://one.example", "id_token": "old"})
    kept = replace(KEPT, token=first)
    token = answer({"access_token": "second", "id_token": "new"}).credential(kept).token
    assert token is not None
    assert token.scope == "a b"
    assert dict(token.extra) == {"id_token": "new", "instance_url": "https://one.example"}
