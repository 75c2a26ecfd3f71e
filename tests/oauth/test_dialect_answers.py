"""What servers answer that leave the standard, and what is made of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aio_token import (
    ConfigurationError,
    Credential,
    GrantRefused,
    ServerUnavailable,
    SignInRequired,
    Token,
    TokenError,
)
from aio_token.grants import Rescued
from aio_token.oauth import Dialect, Reply
from aio_token.oauth.answer import Answer
from tests.support.exposure import exposure
from tests.support.jwt import unsigned

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = 1_800_000_000.0
CANARY = "canary-5ecret"
KEPT = Credential(refresh_token="spent", token=Token(access_token="old", scope="read"))
NESTED = Dialect(places={"access_token": "data.access_token"})
ID_TOKEN = Dialect(places={"access_token": "id_token"})


def answered(
    said: object,
    dialect: Dialect = Dialect(),  # noqa: B008  a value
    *,
    status: int = 200,
    grant_type: str = "refresh_token",
    ahead: float = 0.0,
) -> Answer:
    """Make an answer of a server with this dialect, to a request of NOW."""
    return Answer(
        to="the token endpoint of https://id.example",
        address="https://id.example/token",
        status=status,
        headers={"X-Token": "from-a-header"},
        body=said if isinstance(said, bytes) else json.dumps(said).encode(),
        asked_at=NOW,
        now=NOW,
        grant_type=grant_type,
        dialect=dialect,
        ahead=ahead,
    )


def granted(said: object, dialect: Dialect = Dialect(), *, kept: Credential = KEPT, **options: Any) -> Credential:  # noqa: B008  a value
    """Read an answer that grants a token."""
    return answered(said, dialect, **options).credential(kept)


def token(said: object, dialect: Dialect = Dialect(), **options: Any) -> Token:  # noqa: B008  a value
    """Read an answer that grants a token."""
    read = granted(said, dialect, **options).token
    assert read is not None
    return read


WHOLE = {"access_token": "a", "refresh_token": "r", "expires_in": 60, "scope": "x", "id": 7}


CUT_OFF = b"""{"n": 1, "data": {"x": [1, {"refresh_token": "o"}], "y": {"z": {"z": {"z": 1}}}, "access_token": "a",
    "refresh_token": "r", "expires_in": 60, "scope": "x"}, "m": [["""


@pytest.mark.parametrize(
    ("said", "dialect", "beside"),
    [
        ({"code": 0, "data": WHOLE}, NESTED, {"code": 0, "data": {"id": 7}}),
        ({"a": {"b": {"t": "a", **WHOLE}}}, Dialect(places={"access_token": "a.b.t"}), None),
        ({"authed_user": WHOLE, "access_token": "of-the-bot", "refresh_token": "of-the-bot", "scope": "bot"},
         Dialect(places={"access_token": ("authed_user.access_token", "access_token")}), None),
        ({**WHOLE, "team": "t"},
         Dialect(places={"access_token": ("authed_user.access_token", "access_token")}), {"team": "t", "id": 7}),
        ({"ok": True, "result": WHOLE}, Dialect(), None),
        ({"data": {**WHOLE, "access_token": None, "t": "a"}, "refresh_token": ""},
         Dialect(places={"access_token": "data.t", "refresh_token": "data.nothing"}), None),
        ({"at": "a", "oauth.refresh": "r", "life": 60, "granted": ["x"]},
         Dialect(places={"access_token": "at", "refresh_token": "oauth.refresh", "expires_in": "life",
                         "scope": "granted"}), {}),
        (b"access_token=a&expires_in=60&refresh_token=r&scope=x&access_token=b", Dialect(), {}),
        (b"oauth.t=a&refresh-token=r&expires_in=60&scope=x",
         Dialect(places={"access_token": "oauth.t", "refresh_token": "refresh-token"}), {}),
        (json.dumps({**WHOLE, "id": "Zo\xeb"}, ensure_ascii=False).encode("latin-1"), Dialect(), {"id": "Zo\xeb"}),
        (b'{"data": {"access_token": "a", "refresh_token": "r", "expires_in": 60, "scope": "x", "more": "cut o',
         NESTED, {}),
        (CUT_OFF, Dialect(), {"n": 1}),
    ],
)  # fmt: skip
def test_a_token_is_found_where_it_stands(said: object, dialect: Dialect, beside: Mapping[str, object] | None) -> None:
    """Law D0: nested, renamed, a form, in Latin-1 or cut off; what stands beside it is its own; no token is extra."""
    credential = granted(said, dialect)
    read = credential.token
    assert read is not None
    assert (read.access_token, credential.refresh_token, read.expires_at, read.scope) == ("a", "r", NOW + 60, "x")
    assert beside is None or dict(read.extra) == beside
    assert not {'"a"', '"r"', "of-the-bot"} & set(json.dumps(dict(read.extra)).replace(",", "").split())


@pytest.mark.parametrize(
    "body",
    [b"", b"error page", b"<a href='?a=b'>", b"=a", b"a b=c", b"a=b c", b"a=" + b"&a=" * 2_000, b"x" * 99 + b"=a"],
)
def test_what_is_no_form_is_none(body: bytes) -> None:
    """Law D0: a page or a sentence is not taken for an answer."""
    assert dict(answered(body).members) == {}


def test_the_id_token_is_sent() -> None:
    """Law D13: what is sent as the token is not kept beside it, and no other token is sent in its place."""
    sent = unsigned({"iat": 5, "exp": 65})
    kept = Credential(refresh_token="r", token=Token(access_token="old", extra={"id_token": "older", "user": 1}))
    read = token({"access_token": "not-this", "id_token": sent, "expires_in": 3600}, ID_TOKEN, kept=kept)
    assert (read.access_token, read.expires_at, dict(read.extra)) == (sent, NOW + 60, {"user": 1})
    with pytest.raises(ServerUnavailable, match="without a token"):
        granted({"access_token": "not-this"}, ID_TOKEN)


@pytest.mark.parametrize(
    ("said", "expires", "seconds"),
    [
        ({"expires_in": 3_600_000}, {"expires_in": "milliseconds"}, 3600),
        ({"ttl": "5", "expires_in": 9}, {"ttl": "minutes"}, 300),
        ({"a": {"b": 70}}, {"a.b": "seconds"}, 70),
        ({"end": NOW + 60}, {"end": "moment"}, 60),
        ({"end": (NOW + 60) * 1000}, {"end": "moment"}, 60),
        ({"end": "2027-01-15T08:01:00Z"}, {"end": "moment"}, 60),
        ({"end": "2027-01-15T08:01:00"}, {"end": "moment"}, 60),
        ({"end": "Fri, 15 Jan 2027 08:01:00 GMT"}, {"end": "moment"}, 60),
        ({"end": "soon", "expires_in": 70}, {"end": "moment"}, 70),
        ({"end": "2027-01-15" * 10}, {"end": "moment"}, None),
        ({"end": 60}, {"end": "moment"}, None),
        ({"end": None, "expires_in": "x"}, {"end": "seconds"}, None),
        ({"expires_on": str(NOW + 60)}, {}, 60),
        ({"expires_at": NOW + 60, "expires_in": 50}, {}, 50),
        ({"expires_at": "2027-01-15T09:01:00+01:00"}, {}, 60),
        ({"expires": 60}, {}, 60),
        ({"expire": "60"}, {}, 60),
        ({"expiresIn": 60}, {}, 60),
        ({"expiry_date": (NOW + 60) * 1000}, {}, 60),
        ({"exp": NOW + 60}, {}, 60),
        ({"expires_at": NOW - 1}, {}, None),
        ({"expires_at": True, "expiry": 60}, {}, 60),
    ],
)  # fmt: skip
def test_an_end_has_many_names_and_units(said: dict[str, Any], expires: Any, seconds: float | None) -> None:
    """Law D3: what is declared counts first, then `expires_in`, then other names that leave no doubt."""
    read = token({"access_token": "a", **said}, Dialect(expires=expires))
    assert read.expires_at == (None if seconds is None else NOW + seconds)


def test_a_moment_is_read_by_the_servers_clock() -> None:
    """Law D3: a server whose clock is an hour ahead names moments of its own."""
    assert token({"access_token": "a", "expires_at": NOW + 3660}, ahead=3600.0).expires_at == NOW + 60


@pytest.mark.parametrize(
    ("said", "declared", "ends"),
    [
        ({"x_refresh_token_expires_in": 60}, {}, NOW + 60),
        ({"refresh_token_expires_at": NOW + 60}, {}, NOW + 60),
        ({"refresh_expires_in": 0, "refresh_expires_at": NOW + 60}, {}, None),
        ({"refresh_ttl": 60_000, "refresh_expires_in": 5}, {"refresh_ttl": "milliseconds"}, NOW + 60),
    ],
)
def test_a_refresh_tokens_end_has_many_names(said: dict[str, Any], declared: Any, ends: float | None) -> None:
    """Law D12: it is read like the access token's."""
    read = granted({"access_token": "a", "refresh_token": "r", **said}, Dialect(refresh_expires=declared))
    assert read.refresh_expires_at == ends


@pytest.mark.parametrize("grant_type", ["password", "authorization_code"])
def test_a_token_that_nothing_could_renew_does_not_end_at_once(grant_type: str) -> None:
    """Law D3: `expires_in` 0 and no refresh token is how some servers say never; a JWT's own end counts."""
    forever = {"expires_in": 0, "access_token": "a"}
    assert token(forever, kept=Credential(), grant_type=grant_type).expires_at is None
    assert token(forever, kept=Credential(), grant_type="client_credentials").expires_at == NOW
    assert token({**forever, "refresh_token": "r"}, kept=Credential(), grant_type=grant_type).expires_at == NOW
    dated = {"expires_in": 0, "access_token": unsigned({"iat": 5, "exp": 65})}
    assert token(dated, kept=Credential(), grant_type=grant_type).expires_at == NOW + 60


def test_a_scope_is_written_with_spaces() -> None:
    """Law D0: whatever stands between its words in the answer."""
    assert token({"access_token": "a", "scope": "x,y, z"}, Dialect(scope_separator=",")).scope == "x y z"
    assert token({"access_token": "a", "scope": "x,y z"}).scope == "x,y z"


def test_a_server_has_words_of_its_own_for_bearer() -> None:
    """Law A5: only those that are declared; every other type is an error, and a new refresh token is kept."""
    said = {"access_token": "a", "refresh_token": CANARY, "token_type": "User"}
    assert token(said, Dialect(bearer_types=["user"])).token_type == "Bearer"
    assert token({**said, "token_type": "bearer"}, Dialect(bearer_types=["user"])).authorization == "Bearer a"
    with pytest.raises(Rescued, match="not of type Bearer") as caught:
        granted(said, Dialect(bearer_types=["bot"]))
    assert caught.value.credential.refresh_token == CANARY


ERRORS = Dialect(
    errors={"token_revoked": "invalid_grant", "expired or revoked": "invalid_grant", "1007": "temporarily_unavailable",
            401: "invalid_grant", 422: "temporarily_unavailable", "bad_app": "invalid_client", "later": "slow_down"},
    places={"error": ("errors.code", "fault.error", "code"), "error_description": "fault.detail"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("status", "said", "dialect", "kind"),
    [
        (400, {"error": "Token_Revoked"}, ERRORS, GrantRefused),
        (200, {"errors": {"code": "token_revoked"}}, ERRORS, GrantRefused),
        (200, {"code": 1007}, ERRORS, ServerUnavailable),
        (400, {"code": 1008}, ERRORS, ConfigurationError),
        (403, {"fault": {"error": "x", "detail": "It is EXPIRED OR revoked."}}, ERRORS, GrantRefused),
        (401, {"error": "odd"}, ERRORS, GrantRefused),
        (401, "", ERRORS, GrantRefused),
        (401, {"error": "invalid_client"}, ERRORS, ConfigurationError),
        (401, "", Dialect(), ConfigurationError),
        (422, "", ERRORS, ServerUnavailable),
        (500, {"error": "bad_app"}, ERRORS, ConfigurationError),
        (400, {"error": {"code": "invalid_grant", "message": "m"}}, Dialect(), GrantRefused),
        (400, {"error": {"code": 190, "type": "invalid_grant"}}, Dialect(), GrantRefused),
        (503, {"error": {"code": {"deep": 1}}}, Dialect(), ServerUnavailable),
        (503, {"error": True}, Dialect(), ServerUnavailable),
    ],
)  # fmt: skip
def test_a_server_has_words_of_its_own_for_trouble(
    status: int, said: object, dialect: Dialect, kind: type[TokenError]
) -> None:
    """Law D11: codes, words of a description, statuses and places that are declared, before what is known."""
    assert type(answered(said, dialect, status=status).failure()) is kind


def test_no_number_that_means_success_is_an_error() -> None:
    """Law D0: many servers answer `code: 0` with a token."""
    for fine in (0, "0", "", None):
        assert answered({"code": fine, "access_token": "a"}, ERRORS).failure() is None


def test_a_servers_word_is_the_standards_code() -> None:
    """Law D0: what asks for codes, as a device's poll does, finds the standard's; messages say the server's."""
    answer = answered({"error": "later"}, ERRORS, status=400)
    assert answer.error == "slow_down"
    assert "400 (later)" in str(answer.failure())
    failure = answered({"error": "bad_app"}, ERRORS, status=400).failure()
    assert failure is not None
    assert failure.about == "client"


def test_no_word_of_a_success_is_an_error() -> None:
    """Law D0: what a server says beside a token is no description of an error."""
    said = {"access_token": "a", "message": "Tokens that are expired or revoked are gone."}
    assert answered(said, ERRORS).failure() is None


def test_no_dialect_sends_a_person_where_none_can_help() -> None:
    """Law D11: a grant that needs no person is misconfigured, whatever the word; what is no grant's is not judged."""
    failure = answered({"error": "token_revoked"}, ERRORS, status=400, grant_type="client_credentials").failure()
    assert type(failure) is ConfigurationError
    assert type(answered("", ERRORS, status=401, grant_type="").failure()) is ConfigurationError


def test_what_a_server_says_is_found_and_shown() -> None:
    """Law D6: in an object or in `message`, with its number."""
    said = str(answered({"error": {"code": 190, "message": "Session has expired"}}, status=400).failure())
    assert "answered 400 (190: Session has expired)" in said
    assert "(Bad Request)" in str(answered({"message": "Bad Request"}, status=400).failure())


def read_all(members: Mapping[str, Any], reply: Reply) -> Mapping[str, Any]:
    """Read what no declaration describes."""
    if members.get("state") == "over":
        message = "the app was removed; sign in again"
        raise GrantRefused(message)
    first = members["tokens"][0]
    return {
        "access_token": reply.headers["X-Token"],
        "refresh_token": first["r"],
        "expires_in": 60,
        "user": {1: first["u"]},
        "when": object(),
    }


def test_a_function_reads_the_rest() -> None:
    """Law D0: it has what the server said and the whole reply; what could not be stored is left out."""
    credential = granted({"tokens": [{"r": "new", "u": 7}]}, Dialect(read=read_all))
    assert credential.token == Token(
        access_token="from-a-header", expires_at=NOW + 60, scope="read", extra={"user": {"1": 7}}
    )
    assert credential.refresh_token == "new"


def test_a_function_says_what_helps() -> None:
    """Law D11: the error that it raises is the answer's, and a session that has ended is known to have."""
    failure = answered({"state": "over"}, Dialect(read=read_all), status=503).failure()
    assert type(failure) is GrantRefused
    assert (str(failure), failure.about) == ("the app was removed; sign in again", "refresh token")


def no_members(_members: Mapping[str, Any], _reply: Reply) -> Any:
    """Return what is no answer."""
    return [CANARY]


def breaks(members: Mapping[str, Any], _reply: Reply) -> Any:
    """Raise an error that quotes what it was given."""
    raise ValueError(members)


@pytest.mark.parametrize(
    ("read", "says"),
    [
        (read_all, "failed with KeyError at line "),
        (breaks, "failed with ValueError at line "),
        (no_members, "returned no mapping"),
        (int, "failed with TypeError; correct"),
    ],
)
def test_a_function_that_fails_loses_no_refresh_token(read: Any, says: str) -> None:
    """Law D0: the raw answer's is saved, and the error says where to look without showing what was read."""
    said = {"access_token": f"{CANARY}-1", "refresh_token": CANARY}
    with pytest.raises(Rescued, match="the dialect's `read`") as caught:
        granted(said, Dialect(read=read))
    assert caught.value.credential.refresh_token == CANARY
    assert type(caught.value.error) is ConfigurationError
    assert says in str(caught.value)
    assert CANARY not in exposure(caught.value)


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (400, {"error": "invalid_grant"}, GrantRefused),
        (503, "<html>", ServerUnavailable),
        (400, {"error": "login_required"}, SignInRequired),
    ],
)
def test_a_function_that_knows_no_errors_spoils_none(status: int, said: object, kind: type[TokenError]) -> None:
    """Law D6: an answer that is an error anyway is typed by what helps, and says that the function failed on it."""
    failure = answered(said, Dialect(read=read_all), status=status).failure()
    assert type(failure) is kind
    assert "failed with KeyError at line" in str(failure)


def test_what_was_heard_shows_no_token() -> None:
    """Law G1: the frames of whatever goes wrong later show names alone."""
    from aio_token.oauth.hearing import hear  # noqa: PLC0415  no user's name

    heard = hear(Reply(status=200, headers={}, body=b'{"access_token": "canary-5ecret"}'), Dialect())
    assert repr(heard) == "<Heard access_token>"


def test_a_function_that_forgets_the_refresh_token_loses_none() -> None:
    """Law D0: what the server gave is kept, unless the function says that there is none."""
    said = {"access_token": "a", "refresh_token": "new"}
    assert granted(said, Dialect(read=lambda members, _: {"access_token": members["access_token"]})).refresh_token == (
        "new"
    )
    assert granted(said, Dialect(read=lambda members, _: {**members, "refresh_token": None})).refresh_token == "spent"
    assert granted(said, Dialect(read=lambda members, _: {"data": members})).refresh_token == "new"
