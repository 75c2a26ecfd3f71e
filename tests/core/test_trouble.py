"""What is remembered of a failed renewal."""

from __future__ import annotations

import pytest

from aio_token import (
    ConfigurationError,
    Credential,
    GrantRefused,
    ServerUnavailable,
    SignInRequired,
    StoreError,
    TokenError,
)
from aio_token._token import fingerprint
from aio_token._trouble import Trouble, marked, remedy, resting
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


@pytest.mark.parametrize("credential", [None, Credential()])
def test_a_refused_grant_without_a_refresh_token_leaves_no_mark(credential: Credential | None) -> None:
    """Law E1: there is nothing that could be marked."""
    assert mark(credential, GrantRefused("no")) is credential


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
    """Law D8: `Retry-After` is kept, an hour at most."""
    assert resting(mark(KEPT, ServerUnavailable("busy", retry_after=90)), NOW) == 90
    assert resting(mark(KEPT, ServerUnavailable("busy", retry_after=1e9)), NOW) == 3_600


def test_trouble_before_the_first_credential_is_remembered_too() -> None:
    """Law D8: other processes are told through the store, though there is no token to keep."""
    credential = mark(None, ServerUnavailable("down"))
    assert credential == Credential(issued_by=ISSUER, failures=1, retry_at=NOW + 1)


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
