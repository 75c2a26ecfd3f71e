"""What an API's 401 asks for."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aio_token._edge.challenge import Challenge, asks_for_renewal, parse

REAL = {
    "RFC 6750, no token": ('Bearer realm="example"', True),
    "RFC 6750, expired": (
        'Bearer realm="example", error="invalid_token", error_description="The access token expired"',
        True,
    ),
    "Keycloak": ('Bearer realm="demo", error="invalid_token", error_description="Token verification failed"', True),
    "Microsoft Graph": (
        (
            'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", '
            'client_id="00000003-0000-0000-c000-000000000000"'
        ),
        True,
    ),
    "ASP.NET": (
        'Bearer error="invalid_token", error_description="The token expired at \'01/01/2027 00:00:00\'"',
        True,
    ),
    "Azure, claims challenge": (
        (
            'Bearer realm="", authorization_uri="https://login.example/common", error="insufficient_claims", '
            'claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="'
        ),
        False,
    ),
    "Google": ('Bearer realm="https://accounts.google.com/", error="invalid_token"', True),
    "AWS, no commas": (
        'Bearer scope="" error="invalid_token" error_description="the token has expired"',
        True,
    ),
    "Docker registry, no spaces": (
        'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:samalba/my-app:pull,push"',
        True,
    ),
    "Docker registry, scope": (
        'Bearer realm="https://auth.example/token",service="registry.example",scope="a:b:pull",error="insufficient_scope"',
        False,
    ),
    "django-oauth-toolkit": (
        'Bearer realm="api",error="invalid_token",error_description="The token has expired."',
        True,
    ),
    "Spring": (
        (
            'Bearer error="insufficient_scope", error_description="The request requires higher privileges '
            'than the token has.", error_uri="https://tools.ietf.org/html/rfc6750#section-3.1"'
        ),
        False,
    ),
    "GitLab": (
        'Bearer realm="Protected by OAuth 2.0", error="invalid_token", error_description="Token is old."',
        True,
    ),
    "invalid request": ('Bearer error="invalid_request", error_description="two tokens"', False),
    "Basic alone": ('Basic realm="Jenkins", charset="UTF-8"', False),
    "Negotiate alone": ("Negotiate", False),
    "Negotiate with a token": ("Negotiate YIIB+/==", False),
    "NTLM and Bearer": ('Negotiate, NTLM, Bearer error="invalid_token"', True),
    "Bearer first, then Basic": ('Bearer realm="x", Basic realm="y"', True),
    "error of the other scheme": ('Digest realm="y", error="invalid_token", Bearer error="insufficient_scope"', False),
    "DPoP": ('DPoP algs="ES256 PS256", error="invalid_token"', False),
    "DPoP and Bearer": ('DPoP algs="ES256", Bearer error="invalid_token"', True),
    "without quotes": ("Bearer realm=x, error=invalid_token", True),
    "an empty error": ('Bearer realm="x", error=""', True),
    "without quotes, scope": ("Bearer error=insufficient_scope", False),
    "upper case": ('BEARER REALM="x", ERROR="insufficient_scope"', False),
    "spaces about the sign": ('Bearer error = "insufficient_scope"', False),
    "quoted commas and quotes": (r'Bearer realm="a, \"b\", Basic error=c", error="insufficient_scope"', False),
    "error in a description": ('Bearer realm="error=\\"insufficient_scope\\"", error="invalid_token"', True),
    "quotes that are not escaped": (
        'Bearer error_description="The "x" token", error="insufficient_scope"',
        False,
    ),
    "the first of two errors": ('Bearer error="insufficient_scope", error="invalid_token"', False),
    "bare scheme": ("Bearer", True),
    "empty members": (', ,Bearer , ,error="insufficient_scope",,', False),
}


@pytest.mark.parametrize(("line", "expected"), REAL.values(), ids=REAL)
def test_what_real_servers_say_is_understood(line: str, expected: bool) -> None:
    """Law B3: Bearer with `invalid_token` or no error renews; every other error and other schemes alone do not."""
    assert asks_for_renewal(list(parse([line])), without_challenge=not expected) is expected


def test_several_lines_are_one_answer() -> None:
    """Law B3: any line may hold the challenge that counts."""
    assert asks_for_renewal(list(parse(['Basic realm="x"', 'Bearer error="invalid_token"'])))
    assert asks_for_renewal(list(parse(['Bearer realm="x"', 'Basic realm="y"'])))
    assert not asks_for_renewal(list(parse(['Basic realm="x"', 'Bearer error="invalid_request"'])))


def test_a_parameter_does_not_reach_across_lines() -> None:
    """Law B3: a line that begins with a parameter belongs to no challenge."""
    assert list(parse(["Bearer", 'error="insufficient_scope"'])) == [Challenge("bearer")]


@pytest.mark.parametrize("lines", [[], [""], [" ,, \t"], ['realm="x"'], ['"', "=", ";;;"]])
@pytest.mark.parametrize("policy", [True, False])
def test_no_challenge_at_all_is_a_matter_of_policy(lines: list[str], policy: bool) -> None:
    """Law B3: servers send such 401s, and one renewal is the default."""
    assert asks_for_renewal(list(parse(lines)), without_challenge=policy) is policy
    assert asks_for_renewal(list(parse(lines)))


def test_parameters_are_read_with_their_values() -> None:
    """Names are in lower case, quoted texts are unescaped, a text without its closing quote goes to the end."""
    (one, two) = parse([r'Bearer Realm="a\"b\\c, d", error=x, Digest nonce = "e", opaque="f\g, error="'])
    assert one == Challenge("bearer", {"realm": 'a"b\\c, d', "error": "x"})
    assert two == Challenge("digest", {"nonce": "e", "opaque": "fg, error="})
    assert list(parse(['Bearer realm="a, error=b'])) == [Challenge("bearer", {"realm": "a, error=b"})]
    assert list(parse(['Bearer realm="a\\'])) == [Challenge("bearer", {"realm": "a"})]


@pytest.mark.parametrize("junk", ["Bearer error=a b", "Bearer error=;", "Bearer error==x", "Bearer @@@ error=1"])
def test_what_cannot_be_understood_is_passed_over(junk: str) -> None:
    """Law B3: junk reaches as far as the next comma."""
    assert asks_for_renewal(list(parse([junk])))
    assert not asks_for_renewal(list(parse([f'{junk}, error="insufficient_scope"'])))


@pytest.mark.parametrize(
    "piece",
    [
        "a", " ", ",", "=", '"', "\\", '\\"', "a ", "a,", "a=", "a =", 'a="', 'a="",', "a=b ", "a=b;", "a b c ", ";",
        "\t ,", "Bearer ", "Bearer a", 'Bearer error="', "aa==", "a= b ", "ä",
    ],
)  # fmt: skip
@pytest.mark.parametrize(("head", "tail"), [("", ""), ("Bearer ", ";"), ('Bearer x="', '"'), ("Bearer x=", " ;")])
def test_junk_costs_linear_time(piece: str, head: str, tail: str) -> None:
    """Law B3: 32 kB of any junk, twice what a header may hold, is read in a moment; squared it would be minutes."""
    line = head + piece * (32_768 // len(piece)) + tail
    began = time.process_time()
    asks_for_renewal(list(parse([line])))
    assert time.process_time() - began < 2


@given(st.lists(st.text(st.sampled_from('aB=,"\\ \t;-~/+\n\x00ä') | st.characters()), max_size=4))
def test_no_header_raises(lines: list[str]) -> None:
    """Law B3: whatever a server sends, there is an answer."""
    assert asks_for_renewal(list(parse(lines))) in {True, False}


NAMES = st.text(st.sampled_from("abcXYZ-_.09"), min_size=1, max_size=8)
VALUES = st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=12)


@given(st.lists(st.tuples(NAMES, st.dictionaries(NAMES.map(str.lower), VALUES, max_size=3)), max_size=4))
def test_what_is_well_written_is_read_whole(challenges: list[tuple[str, dict[str, str]]]) -> None:
    """Law B3: any challenges, joined on one line, are read as they were meant, whatever stands in quotes."""

    def quoted(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    line = ", ".join(
        " ".join([scheme, ",".join(f"{name}={quoted(value)}" for name, value in parameters.items())])
        for scheme, parameters in challenges
    )
    assert list(parse([line])) == [Challenge(scheme.lower(), parameters) for scheme, parameters in challenges]
