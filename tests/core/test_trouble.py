"""What is remembered of a failed renewal."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import pytest

from aio_token import (
    ConfigurationError,
    Credential,
    GrantRefused,
    ServerUnavailable,
    SignInRequired,
    StoreError,
    Token,
    TokenError,
)
from aio_token._token import fingerprint
from aio_token._trouble import LONGEST_SENTENCE, Trouble, described, marked, moment, remedy, remembered, resting
from aio_token.grants import IssuedBy
from aio_token.stores import KeyUnavailable, LockTimeout, StoreCorrupt

NOW = 1_800_000_000.0
ISSUER = IssuedBy(token_endpoint="https://id.example/token", client_id="bot")
KEPT = Credential(refresh_token="canary-refresh", obtained_at=1.0)


def mark(credential: Credential | None, error: TokenError) -> Credential | None:
    """Mark the credential after an error, with all the pause that chance may give."""
    return marked(credential, error, issued_by=ISSUER, now=NOW, jitter=1.0)


@pytest.mark.parametrize(
    ("error", "helps"),
    [
        (SignInRequired(""), "sign in"),
        (GrantRefused(""), "sign in"),
        (ConfigurationError(""), "configure"),
        (ServerUnavailable(""), "wait"),
        (StoreError(""), "storage"),
        (StoreCorrupt(""), "storage"),
        (KeyUnavailable(""), "storage"),
        (LockTimeout(""), "storage"),
        (TokenError(""), "report"),
    ],
)
def test_every_error_has_its_remedy(error: TokenError, helps: str) -> None:
    """Law D6: errors are typed by what helps."""
    assert remedy(error) == helps


def test_a_refused_refresh_token_is_marked_and_kept() -> None:
    """Law E1: only a sign-out deletes: a mistyped client must not destroy a session."""
    credential = mark(KEPT, GrantRefused("no"))
    assert credential is not None
    assert credential.is_refused
    assert credential.refused == fingerprint("canary-refresh")
    assert credential.refresh_token == "canary-refresh"
    assert (credential.failures, credential.retry_at) == (0, None)


def test_marking_twice_changes_nothing() -> None:
    """Law E1: nothing is written again where nothing was learned."""
    once = mark(KEPT, GrantRefused("no"))
    assert mark(once, GrantRefused("no")) is once


@pytest.mark.parametrize("error", [SignInRequired("sign in"), StoreError("disk"), LockTimeout("locked")])
@pytest.mark.parametrize("credential", [None, KEPT])
def test_where_the_server_was_not_asked_nothing_is_marked(credential: Credential | None, error: TokenError) -> None:
    """Law D8: only the server's own trouble is a reason to leave it alone."""
    assert mark(credential, error) is credential


@pytest.mark.parametrize("error", [ServerUnavailable("down"), ConfigurationError("scope"), TokenError("bug")])
def test_failures_in_a_row_make_longer_pauses(error: TokenError) -> None:
    """Law D8: 1, 2, 4 ... 60 s; a configuration error backs off too."""
    credential: Credential | None = KEPT
    pauses = []
    for _ in range(8):
        credential = mark(credential, error)
        pauses.append(resting(credential, NOW))
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    assert credential is not None
    assert (credential.failures, credential.refresh_token) == (8, "canary-refresh")


def test_the_servers_own_wish_counts() -> None:
    """Law D8: `Retry-After` is kept, an hour at most while there is a token that is good."""
    assert resting(mark(KEPT, ServerUnavailable("busy", retry_after=90)), NOW) == 90
    good = replace(KEPT, token=Token(access_token="good", expires_at=NOW + 7_200))
    assert resting(mark(good, ServerUnavailable("busy", retry_after=1e9)), NOW) == 3_600


def about(error: TokenError, what: Literal["refresh token", "grant", "client", "server"]) -> TokenError:
    """Say what the server's answer was about."""
    error.about = what
    return error


@pytest.mark.parametrize(
    "error",
    [
        about(GrantRefused("a wrong password"), "grant"),
        about(SignInRequired("interaction_required"), "grant"),
        about(ConfigurationError("invalid_client"), "client"),
    ],
    ids=str,
)
@pytest.mark.parametrize("credential", [None, KEPT])
def test_a_refusal_rests_for_minutes_and_marks_no_refresh_token(
    credential: Credential | None, error: TokenError
) -> None:
    """Law E1: any refusal but that of a refresh token: a minute, doubling to an hour."""
    rests = []
    for _ in range(8):
        credential = mark(credential, error)
        rests.append(resting(credential, NOW) / 60)
    assert rests == [1, 2, 4, 8, 16, 32, 60, 60]
    assert credential is not None
    assert not credential.is_refused


def test_pauses_of_another_kind_begin_anew() -> None:
    """Law E1: an hour's outage does not make a first refusal one of an hour, nor the other way round."""
    credential: Credential | None = KEPT
    for _ in range(6):
        credential = mark(credential, ServerUnavailable("down"))
    credential = mark(credential, about(ConfigurationError("invalid_scope"), "grant"))
    assert resting(credential, NOW) == 60
    credential = mark(credential, ServerUnavailable("down"))
    assert resting(credential, NOW) == 1


def test_a_refusal_of_another_server_leaves_no_mark() -> None:
    """Law D8: an exchange whose source has to be signed in is not at rest; its own server was not asked."""
    assert mark(None, GrantRefused("no")) is None
    assert resting(mark(None, about(GrantRefused("no"), "grant")), NOW) == 60


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (GrantRefused("a"), GrantRefused),
        (SignInRequired("a"), SignInRequired),
        (ConfigurationError("a"), ConfigurationError),
        (ServerUnavailable("a"), ServerUnavailable),
        (TokenError("a"), TokenError),
    ],
)
def test_the_next_process_says_what_is_wrong(error: TokenError, kind: type[TokenError]) -> None:
    """Law D8: the kind and the sentence of the failure, and when the server is asked again."""
    if not isinstance(error, ServerUnavailable):
        error.about = "grant"
    credential = mark(None, error)
    assert credential is not None
    told = remembered(Credential.from_json(credential.to_json()), 4.6)
    assert type(told) is kind
    assert str(told) == "a; the server is asked again in 5 s"
    assert getattr(told, "retry_after", 4.6) == 4.6


def test_a_record_that_says_when_and_not_why_is_understood() -> None:
    """Law F3: an earlier release kept the moment alone, and a later one may know other errors."""
    told = remembered(Credential(failures=2, retry_at=NOW + 30), 30)
    assert str(told) == "the authorization server failed before; the server is asked again in 30 s"
    assert type(remembered(Credential(failures=1, failure="HardwareKeyMissing"), 1)) is ServerUnavailable
    assert resting(mark(Credential(failures=2), ServerUnavailable("down")), NOW) == 4


def test_a_long_sentence_is_cut() -> None:
    """Law D8: 300 characters of it are kept."""
    credential = mark(None, ServerUnavailable("x" * 1_000))
    assert credential is not None
    assert credential.sentence == "x" * (LONGEST_SENTENCE - 1) + "…"


@pytest.mark.parametrize(
    ("ends", "asked", "elapsed", "left"),
    [
        (None, 3_600, 0, 300),  # there is no token at all
        (-10, 3_600, 0, 300),
        (-10, 3_600, 299, 1),
        (-10, 3_600, 300, 0),
        (7_200, 3_600, 0, 3_600),  # good until long after
        (1_000, 3_600, 0, 1_300),  # five minutes after its end
        (1_000, 3_600, 1_299, 1),
        (1_000, 600, 0, 600),
        (math.inf, 3_600, 0, 3_600),
    ],
)
def test_without_a_token_a_server_is_believed_for_five_minutes(
    ends: float | None, asked: float, elapsed: float, left: float
) -> None:
    """Law D8: one wrong `Retry-After` stops a service for five minutes, and not for an hour."""
    kept = KEPT
    if ends is not None:
        kept = replace(KEPT, token=Token(access_token="a", expires_at=None if ends == math.inf else NOW + ends))
    assert resting(mark(kept, ServerUnavailable("busy", retry_after=asked)), NOW + elapsed) == left


def test_a_refused_refresh_token_says_why() -> None:
    """Law D8: the latch keeps the sentence too; no pause, since a sign-in ends it."""
    credential = mark(mark(KEPT, ServerUnavailable("down")), GrantRefused("invalid_grant: the session has ended"))
    assert credential is not None
    assert (credential.failure, credential.sentence) == ("GrantRefused", "invalid_grant: the session has ended")
    assert (credential.failed_at, credential.retry_at, credential.failures) == (NOW, None, 0)


def test_events_say_when_the_server_is_asked_again() -> None:
    """The moment that is on the record, or that the error says; None where only a sign-in helps."""
    credential = mark(KEPT, about(ConfigurationError("scope"), "grant"))
    assert described(ConfigurationError("scope"), credential, NOW)["retry_at"] == NOW + 60
    assert described(ServerUnavailable("down", retry_after=7), None, NOW)["retry_at"] == NOW + 7
    assert described(SignInRequired("sign in"), None, NOW) == {
        "remedy": "sign in",
        "message": "sign in",
        "retry_at": None,
    }


def test_trouble_before_the_first_credential_is_remembered_too() -> None:
    """Law D8: other processes are told through the store, though there is no token to keep."""
    credential = mark(None, ServerUnavailable("down"))
    assert credential == Credential(
        issued_by=ISSUER,
        failures=1,
        retry_at=NOW + 1,
        failed_at=NOW,
        failure="ServerUnavailable",
        sentence="down",
    )


@pytest.mark.parametrize(
    ("retry_at", "now", "left"),
    [
        (None, NOW, 0),
        (NOW + 5, NOW, 5),
        (NOW + 5, NOW + 4, 1),
        (NOW + 5, NOW + 5, 0),
        (NOW + 5, NOW + 60, 0),
        (NOW + 3_600, NOW, 3_600),
        (NOW + 3_601, NOW, 0),
        (NOW + 60, NOW - 86_400, 0),
    ],
)
def test_a_pause_ends(retry_at: float | None, now: float, left: float) -> None:
    """Law D8: also where the clock was set back: nothing rests longer than the longest pause."""
    assert resting(Credential(retry_at=retry_at), now) == left


@pytest.mark.parametrize(("back", "left"), [(0, 3_600), (30, 3_600), (59, 3_600), (61, 0)])
def test_a_clock_that_was_set_back_a_little_ends_no_pause(back: float, left: float) -> None:
    """Law D8: the longest one, too, is as long as it was when it was written."""
    good = replace(KEPT, token=Token(access_token="good", expires_at=NOW + 7_200))
    assert resting(mark(good, ServerUnavailable("busy", retry_after=3_600)), NOW - back) == left


def test_without_a_credential_nothing_rests() -> None:
    """A first renewal does not wait."""
    assert resting(None, NOW) == 0


def test_trouble_lasts_until_its_moment() -> None:
    """Law D8: every caller hears of the last failure until something may be tried again."""
    trouble, error = Trouble(), ServerUnavailable("down")
    assert trouble.is_over(-1e9)
    trouble.note(error, KEPT, until=10.0)
    assert trouble.error is error
    assert not trouble.is_over(9.9)
    assert trouble.is_over(10.0)


def test_trouble_is_over_at_once_when_something_succeeds() -> None:
    """A renewal or a sign-in clears what was before."""
    trouble = Trouble()
    trouble.note(ServerUnavailable("down"), KEPT, until=10.0)
    trouble.clear()
    assert trouble.error is None
    assert trouble.is_over(-1e9)


def test_the_same_trouble_is_no_news() -> None:
    """Observers hear once of what did not change: the kind of error, and the credential that bears its marks."""
    trouble = Trouble()
    assert trouble.note(ServerUnavailable("down"), KEPT, until=1.0)
    assert not trouble.note(ServerUnavailable("resting"), KEPT, until=2.0)
    assert trouble.note(SignInRequired("sign in"), KEPT, until=3.0)
    assert trouble.note(SignInRequired("sign in"), mark(KEPT, GrantRefused("no")), until=4.0)
    trouble.clear()
    assert trouble.note(SignInRequired("sign in"), KEPT, until=5.0)


@pytest.mark.parametrize(
    ("failed_at", "retry_at", "left"),
    [
        (NOW, NOW + 8, 8),
        (NOW + 30, NOW + 38, 8),  # its host's clock is half a minute ahead of ours
        (NOW + 3_000, NOW + 3_001, 0),  # or fifty minutes
        (NOW - 30, NOW + 8, 8),
        (None, NOW + 8, 8),
    ],
)
def test_a_pause_is_never_longer_than_it_was_when_it_was_written(
    failed_at: float | None, retry_at: float, left: float
) -> None:
    """Laws D8 and J5: whatever the clock said of the host that wrote it."""
    assert resting(Credential(retry_at=retry_at, failed_at=failed_at, failures=1), NOW) == left


@pytest.mark.parametrize(("seconds", "written"), [(-1e14, "1970-01-01"), (0, "1970-01-01"), (9e14, "9999-12-31")])
def test_any_moment_of_a_record_can_be_written(seconds: float, written: str) -> None:
    """Law F3: a record that is odd in one number still tells what it tells."""
    assert moment(seconds).startswith(written)
