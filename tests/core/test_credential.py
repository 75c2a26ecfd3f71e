"""The credential, a value that is kept between runs."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aio_token import Credential, StoreError, Token
from aio_token._credential import SCHEMA_VERSION
from aio_token._token import fingerprint
from aio_token.grants import IssuedBy, Rescued

ISSUER = IssuedBy(token_endpoint="https://id.example/token", client_id="bot", scope="b a", audience="api")
CREDENTIAL = Credential(
    token=Token(
        access_token="canary-access",
        expires_at=1_800_000_060.5,
        scope="a b",
        extra={"id_token": "canary-id", "deep": [1, {"x": None}]},
    ),
    obtained_at=1_800_000_000.25,
    refresh_token="canary-refresh",
    refresh_expires_at=1_800_003_600.0,
    issued_by=ISSUER,
    refused="ba7816bf",
    retry_at=1_800_000_001.0,
    failures=3,
    failed_at=1_799_999_999.0,
    failure="ConfigurationError",
    sentence="the token endpoint answered 401 (invalid_client)",
    proof="0011223344556677:89ab",
)

TIMES = st.none() | st.floats(-1e14, 1e14) | st.integers(-(10**14), 10**14)
TEXTS = st.none() | st.text()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
CREDENTIALS = st.builds(
    Credential,
    token=st.none()
    | st.builds(
        Token,
        access_token=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1),
        expires_at=TIMES,
        scope=TEXTS,
        extra=st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.booleans()), max_size=3),
    ),
    obtained_at=TIMES,
    refresh_token=TEXTS,
    refresh_expires_at=TIMES,
    issued_by=st.none()
    | st.builds(IssuedBy, token_endpoint=st.text(), client_id=st.text(), scope=TEXTS, audience=TEXTS),
    refused=TEXTS,
    retry_at=TIMES,
    failures=st.integers(0, 10**9),
    failed_at=TIMES,
    failure=TEXTS,
    sentence=TEXTS,
    proof=TEXTS,
)


def altered(**members: object) -> bytes:
    """Return the stored form of the sample credential with some members replaced."""
    return json.dumps({**json.loads(CREDENTIAL.to_json()), **members}).encode()


def test_what_is_written_is_read() -> None:
    """A credential with every member set survives the trip."""
    assert Credential.from_json(CREDENTIAL.to_json()) == CREDENTIAL


@given(CREDENTIALS)
def test_any_credential_survives_the_trip(credential: Credential) -> None:
    """Whatever texts, times and counts it holds, or None."""
    assert Credential.from_json(credential.to_json()) == credential


def test_members_that_are_missing_have_their_defaults() -> None:
    """A smaller file of the first version, such as one that was written by hand, is read."""
    assert Credential.from_json(b'{"version": 1}') == Credential()
    by_hand = Credential.from_json(b'{"version": 1, "token": {"access_token": "abc"}}')
    assert by_hand == Credential(token=Token(access_token="abc"))


def test_a_record_is_compact() -> None:
    """Law F3: it has no blank that is not the server's own."""
    assert b", " not in CREDENTIAL.to_json()
    assert b'": ' not in CREDENTIAL.to_json()


def later(**unknown: object) -> Credential:
    """Read the sample credential as a later release would have written it."""
    members = json.loads(CREDENTIAL.to_json())
    for part in (members["token"], members["issued_by"], members):
        part.update(unknown)
    return Credential.from_json(json.dumps(members).encode())


def test_members_of_a_later_release_are_written_back() -> None:
    """Law F3: an older pod of a rolling deployment erases neither marks nor keys, at the top, in the token or in the
    issuer, and a change of another member does not lose them.
    """
    credential = later(key={"secret": "canary-key"}, mark=7)
    assert Credential.from_json(credential.to_json()) == credential
    changed = json.loads(replace(credential, failures=9, retry_at=None).to_json())
    for part in (changed, changed["token"], changed["issued_by"]):
        assert (part["key"], part["mark"]) == ({"secret": "canary-key"}, 7)
    assert changed["failures"] == 9


def test_members_of_a_part_go_with_the_part() -> None:
    """Law F3: what a later release noted of one token says nothing of the next, and what it noted at the top stays; the
    credential in memory is equal to what is read again.
    """
    renewed = replace(later(mark=7), token=Token(access_token="next"), issued_by=None)
    members = json.loads(renewed.to_json())
    assert members["mark"] == 7
    assert set(members["token"]) == {"access_token", "token_type", "expires_at", "scope", "extra"}
    assert members["issued_by"] is None
    assert Credential.from_json(renewed.to_json()) == renewed


def test_unknown_members_are_a_difference_and_out_of_sight() -> None:
    """Laws F3, G1: a change that a newer pod wrote is noticed; the repr of a credential shows nothing of it."""
    credential = later(key="canary-key")
    assert credential != CREDENTIAL
    assert credential != later(key="canary-other")
    assert hash(credential) == hash(CREDENTIAL)
    assert "canary" not in f"{credential!r}{credential}"
    assert later() == CREDENTIAL


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, 999])
def test_a_newer_schema_is_no_damage(version: int) -> None:
    """Law F3: what a newer version wrote is an error that says so, and not a reason to move the file aside."""
    with pytest.raises(StoreError, match=f"newer aio_token \\(schema {version}, this one reads 2\\); upgrade"):
        Credential.from_json(altered(version=version))


@pytest.mark.parametrize("version", [None, 0, -1, "1", "2", 1.0, 1.5, True, [], {}, float("nan")])
def test_a_file_without_a_schema_is_damaged(version: object) -> None:
    """Law F3: whatever stands in the version's place that is not a version."""
    with pytest.raises(ValueError, match=r"^it has no schema version$"):
        Credential.from_json(altered(version=version))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "it is not JSON"),
        (b"\xff\xfe\xfd", "it is not JSON"),
        (CREDENTIAL.to_json()[:-5], "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b'{"version": ' + b"9" * 5_000 + b"}", "it is not JSON"),
        (b"[1]", "it is not a JSON object"),
        (b"null", "it is not a JSON object"),
        (altered(token=[]), "it is not a JSON object"),
        (altered(token={}), "the access token is empty"),
        (altered(token={"access_token": 1}), "its access_token is not what it should be"),
        (altered(token={"access_token": "a", "token_type": "mac"}), "a type other than Bearer"),
        (altered(token={"access_token": "a", "extra": "x"}), "it is not a JSON object"),
        (altered(issued_by="https://id.example"), "it is not a JSON object"),
        (altered(refresh_token=["canary-refresh"]), "its refresh_token is not what it should be"),
        (altered(obtained_at="1800000000"), "its obtained_at is not what it should be"),
        (altered(retry_at=True), "its retry_at is not what it should be"),
        (altered(retry_at=float("nan")), "its retry_at is not what it should be"),
        (altered(retry_at=float("inf")), "its retry_at is not what it should be"),
        (altered(refresh_expires_at=10**400), "its refresh_expires_at is not what it should be"),
        (altered(failed_at="now"), "its failed_at is not what it should be"),
        (altered(sentence=["canary"]), "its sentence is not what it should be"),
        (altered(spent=["canary", 1]), "its spent is not what it should be"),
        (altered(reusable="canary"), "its reusable is not what it should be"),
        (altered(generation=-1), "its generation is not what it should be"),
        (altered(generation=10**4_000), "its generation is not what it should be"),
        (altered(failures=-1), "its failures is not what it should be"),
        (altered(failures=1.0), "its failures is not what it should be"),
        (altered(failures=True), "its failures is not what it should be"),
    ],
)
def test_damage_is_named_and_not_quoted(text: bytes, message: str) -> None:
    """Law F3, G1: the error names the member and holds nothing of what was stored."""
    with pytest.raises(ValueError, match=message) as caught:
        Credential.from_json(text)
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def read(text: bytes) -> None:
    """Read something that may be damaged: it is a usable value, or an error that shows no secret."""
    try:
        credential = Credential.from_json(text)
    except (ValueError, StoreError) as error:
        assert "canary" not in str(error)  # noqa: PT017
    else:
        assert "canary" not in repr(credential)
        assert credential.is_refused in {True, False}
        credential.to_json()


@given(st.binary())
def test_any_bytes_are_read_or_refused(text: bytes) -> None:
    """Law F3: nothing but ValueError and `StoreError` comes out."""
    read(text)


@given(st.data())
def test_any_damage_is_read_or_refused(data: st.DataObject) -> None:
    """Law F3, G1: bytes of a stored credential are cut out and replaced."""
    text = CREDENTIAL.to_json()
    begin, end = sorted((data.draw(st.integers(0, len(text))), data.draw(st.integers(0, len(text)))))
    read(text[:begin] + data.draw(st.binary(max_size=8)) + text[end:])


@given(st.data(), JSON)
def test_any_member_may_be_anything(data: st.DataObject, value: object) -> None:
    """Law F3, G1: every member, those of the parts included, is replaced by any JSON."""
    members: dict[str, Any] = json.loads(CREDENTIAL.to_json())
    part = data.draw(st.sampled_from([members, members["token"], members["issued_by"]]))
    part[data.draw(st.sampled_from(sorted(part)))] = value
    read(json.dumps(members).encode())


def test_half_a_surrogate_pair_is_a_text_like_any_other() -> None:
    """JSON can spell what UTF-8 cannot; a refresh token made of it is named and compared without an error."""
    read(altered(refresh_token="canary-\ud800"))


def test_a_refusal_holds_for_one_refresh_token() -> None:
    """Law E1: the mark is the fingerprint of what was refused, so another refresh token is not refused."""
    refused = fingerprint("one")
    assert Credential(refresh_token="one", refused=refused).is_refused
    assert not Credential(refresh_token="two", refused=refused).is_refused
    assert not Credential(refresh_token="one").is_refused
    assert not Credential(refused=refused).is_refused


def test_a_credential_does_not_show_itself() -> None:
    """Law G1, G2: tokens are named by fingerprints, and pickling is refused."""
    assert "canary" not in f"{CREDENTIAL!r}{CREDENTIAL!s}"
    assert repr(Credential()) == "<Credential token=None refresh_token=None failures=0>"
    assert f"refresh_token={fingerprint('canary-refresh')}" in repr(CREDENTIAL)
    with pytest.raises(TypeError, match="a Credential is not pickled"):
        pickle.dumps(CREDENTIAL)


@pytest.mark.parametrize(
    ("asker", "kept", "client", "covered"),
    [
        ({}, {}, True, True),
        ({}, {"scope": "a", "audience": "x"}, True, True),
        ({"scope": "a b"}, {"scope": "b a"}, True, True),
        ({"scope": "a"}, {"scope": "a b"}, True, False),
        ({"scope": ""}, {"scope": None}, True, True),
        ({"scope": "a"}, {"scope": None}, True, False),
        ({"audience": "x"}, {"audience": "x"}, True, True),
        ({"audience": "x"}, {"audience": "y"}, True, False),
        ({"audience": ""}, {"audience": None}, True, True),
        ({}, {"client_id": "other"}, False, False),
        ({}, {"token_endpoint": "https://other.example/token"}, False, False),
    ],
)
def test_a_credential_is_for_its_endpoint_client_scope_and_audience(
    asker: dict[str, str], kept: dict[str, str], client: bool, covered: bool
) -> None:
    """Law E4: another endpoint or client shares nothing; another scope or audience shares the refresh token alone."""
    own = {"token_endpoint": "https://id.example/token", "client_id": "bot"}
    mine, theirs = IssuedBy(**{**own, **asker}), IssuedBy(**{**own, **kept})
    assert mine.same_client(theirs) is client
    assert mine.covers(theirs) is covered


def test_a_rescued_credential_comes_with_the_error_to_raise() -> None:
    """Law D2: it is saved first; the text is the error's, and shows nothing of the credential."""
    error = StoreError("no usable token")
    rescued = Rescued(CREDENTIAL, error)
    assert (rescued.credential, rescued.error) == (CREDENTIAL, error)
    assert str(rescued) == "no usable token"
    assert "canary" not in repr(rescued)


def test_extra_members_that_json_has_not_are_an_error_of_the_writer() -> None:
    """A grant may put anything in `extra`; a store that writes JSON is told so."""
    with pytest.raises(TypeError, match="not JSON serializable"):
        Credential(token=Token(access_token="a", extra={"x": object()})).to_json()
