"""Law C8 whole: what the store holds, told apart from what is not written yet."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aio_token import Credential, Token, Windows
from aio_token._freshness import Freshness
from aio_token._holding import Holding
from aio_token.grants import IssuedBy
from aio_token.testing.clock import ManualClock
from tests.support.doubles import stored

ENDPOINT = "https://id.example/token"
ISSUER = IssuedBy(token_endpoint=ENDPOINT, client_id="bot", scope="read")


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that stands still."""
    return ManualClock()


@pytest.fixture
def holding(clock: ManualClock) -> Holding:
    """Return a holding whose grant takes any credential."""
    return Holding(None, Windows(), clock)


def copy(credential: Credential) -> Credential:
    """Return what a store gives back: an equal credential that is another object."""
    return Credential.from_json(credential.to_json())


def served(holding: Holding) -> str | None:
    """Return the token that the hot path serves."""
    return holding.held.token.access_token if holding.held is not None else None


def renew(holding: Holding, credential: Credential) -> None:
    """Hold a credential that a grant has just given, unsaved."""
    holding.credential = credential
    holding.publish(renewal_took=0.1)


def test_at_first_nothing_is_known(holding: Holding) -> None:
    """Nothing is held, and there is nothing to save."""
    assert (holding.known, holding.unsaved, served(holding)) == (False, False, None)


def test_the_first_look_takes_what_is_there(holding: Holding, clock: ManualClock) -> None:
    """Law C8: whatever the store holds was written by somebody else."""
    assert holding.reconcile(stored(clock, "disk"))
    assert (holding.known, holding.unsaved, served(holding)) == (True, False, "access-disk")


def test_the_first_look_at_an_empty_store_counts_as_one(holding: Holding) -> None:
    """Law C8: that it is empty is known from then on."""
    assert holding.reconcile(None)
    assert holding.known
    assert not holding.reconcile(None)


def test_what_was_seen_before_is_not_adopted_again(holding: Holding, clock: ManualClock) -> None:
    """Law C8: an equal credential is the same one, and the token in memory stays as it is."""
    credential = stored(clock, "disk")
    holding.reconcile(credential)
    held = holding.held
    assert not holding.reconcile(copy(credential))
    assert holding.held is held
    assert not holding.unsaved


def test_what_was_saved_is_recognised(holding: Holding, clock: ManualClock) -> None:
    """Law C8: the store gives back what this process wrote."""
    holding.reconcile(stored(clock, "old"))
    renew(holding, stored(clock, "new"))
    before = holding.unsaved
    holding.saved()
    assert (before, holding.unsaved) == (True, False)
    assert not holding.reconcile(copy(stored(clock, "new")))
    assert served(holding) == "access-new"


def test_the_renewal_of_another_process_is_adopted(holding: Holding, clock: ManualClock) -> None:
    """Law C8: a credential that differs from what was last seen is newer than ours."""
    holding.reconcile(stored(clock, "old"))
    assert holding.reconcile(stored(clock, "theirs"))
    assert served(holding) == "access-theirs"
    assert not holding.unsaved


def test_after_a_failed_save_the_spent_credential_is_not_adopted(holding: Holding, clock: ManualClock) -> None:
    """Law C8: the store still holds the one before ours, whose refresh token would be presented twice."""
    old = stored(clock, "old")
    holding.reconcile(old)
    renew(holding, stored(clock, "new"))
    for _ in range(3):
        assert not holding.reconcile(copy(old))
        assert served(holding) == "access-new"
        assert holding.unsaved


def test_marks_of_trouble_on_a_spent_credential_do_not_bring_it_back(holding: Holding, clock: ManualClock) -> None:
    """Law C8: another process presented the spent token, was refused, and marked it; ours is still the newest."""
    old = stored(clock, "old")
    holding.reconcile(old)
    renew(holding, stored(clock, "new"))
    for marks in (replace(old, refused="ba7816bf"), replace(old, failures=1, retry_at=clock.time() + 1)):
        assert not holding.reconcile(marks)
        assert served(holding) == "access-new"
        assert holding.unsaved


def test_a_sign_in_by_another_process_beats_what_is_unsaved(holding: Holding, clock: ManualClock) -> None:
    """Law C8, E1: a refresh token that was never seen here comes from a person or from a newer renewal."""
    holding.reconcile(stored(clock, "old"))
    renew(holding, stored(clock, "new"))
    assert holding.reconcile(stored(clock, "person"))
    assert served(holding) == "access-person"
    assert not holding.unsaved


def test_a_sign_out_by_another_process_beats_what_is_unsaved(holding: Holding, clock: ManualClock) -> None:
    """Law C8, E3: a store that was emptied is empty."""
    holding.reconcile(stored(clock, "old"))
    renew(holding, stored(clock, "new"))
    assert holding.reconcile(None)
    assert served(holding) is None
    assert holding.credential is None
    assert not holding.unsaved


def test_the_first_credential_unsaved_is_kept_while_the_store_is_empty(holding: Holding, clock: ManualClock) -> None:
    """Law C8: a store that was empty before and is empty still has been emptied by nobody."""
    holding.reconcile(None)
    renew(holding, stored(clock, "new"))
    assert not holding.reconcile(None)
    assert served(holding) == "access-new"
    assert holding.unsaved


def test_the_first_credential_unsaved_gives_way_to_another(holding: Holding, clock: ManualClock) -> None:
    """Law C8: what another process put into an empty store is adopted."""
    holding.reconcile(None)
    renew(holding, stored(clock, "new"))
    assert holding.reconcile(stored(clock, "theirs"))
    assert served(holding) == "access-theirs"


def test_marks_of_trouble_are_adopted_where_nothing_is_unsaved(holding: Holding, clock: ManualClock) -> None:
    """Law D8: processes tell each other through the store that the server needs rest."""
    old = stored(clock, "old")
    holding.reconcile(old)
    assert holding.reconcile(replace(old, failures=1))
    assert holding.credential is not None
    assert holding.credential.failures == 1
    assert served(holding) == "access-old"


def test_a_save_that_was_given_up_and_happened_after_all_is_no_loss(holding: Holding, clock: ManualClock) -> None:
    """Law C8: the store then holds our own credential, which is taken for what it is."""
    holding.reconcile(stored(clock, "old"))
    renew(holding, stored(clock, "new"))
    holding.reconcile(copy(stored(clock, "new")))
    assert served(holding) == "access-new"
    assert not holding.unsaved


def test_to_forget_is_to_know_that_the_store_is_empty(holding: Holding, clock: ManualClock) -> None:
    """Law E3: after a sign-out nothing is held, nothing is unsaved, and an empty store is no news."""
    holding.reconcile(stored(clock, "old"))
    renew(holding, stored(clock, "new"))
    holding.forget()
    assert (holding.known, holding.unsaved, served(holding), holding.credential) == (True, False, None, None)
    assert not holding.reconcile(None)
    assert holding.reconcile(stored(clock, "old"))


def test_a_credential_without_a_token_serves_none(holding: Holding) -> None:
    """A refresh token alone is something to keep, and nothing to send to an API."""
    holding.reconcile(Credential(refresh_token="only"))
    assert served(holding) is None
    assert holding.credential is not None


def test_a_renewed_token_is_fresh_and_one_from_the_store_is_as_old_as_it_is(
    holding: Holding, clock: ManualClock
) -> None:
    """Law C9: only what was obtained here and now is good for a second whatever its lifetime."""
    dead = stored(clock, "dead", left=0)
    holding.reconcile(dead)
    seen = [holding.held and holding.held.freshness]
    renew(holding, dead)
    seen.append(holding.held and holding.held.freshness)
    assert seen == [Freshness.EXPIRED, Freshness.FRESH]


@pytest.mark.parametrize(
    ("passed", "rejected", "min_valid_for", "answers"),
    [
        (0, None, 0, (True, True, "expiring")),
        (0, "other", 60, (True, True, "expiring")),
        (0, None, 61, (False, True, "expiring")),
        (0, "access-disk", 0, (False, False, "rejected")),
        (50, None, 0, (False, True, "expiring")),
        (57, None, 0, (False, True, "expiring")),
        (60, None, 0, (False, False, "expired")),
        (60, "access-disk", 0, (False, False, "rejected")),
    ],
)
def test_a_question_is_answered_by_the_token_at_hand_or_gives_a_reason(
    clock: ManualClock, passed: float, rejected: str | None, min_valid_for: float, answers: tuple[bool, bool, str]
) -> None:
    """Law B2, D8: good is what needs no renewal; spare is what has not ended, and is never the refused token."""
    holding = Holding(None, Windows(), clock)
    holding.reconcile(stored(clock, "disk"))
    clock.advance(passed)
    refused = None if rejected is None else Token(access_token=rejected)
    good, spare = holding.good(refused, min_valid_for), holding.spare(refused)
    assert (good is not None, spare is not None, holding.reason(refused)) == answers


def test_where_nothing_is_held_there_is_no_answer(holding: Holding) -> None:
    """The token is absent, and was never anything else."""
    assert (holding.good(None, 0), holding.spare(None), holding.reason(None)) == (None, None, "absent")


@pytest.mark.parametrize(
    ("theirs", "ours", "usable"),
    [
        (None, True, True),
        (ISSUER, True, True),
        (replace(ISSUER, audience="api"), True, True),
        (replace(ISSUER, scope="write"), True, False),
        (replace(ISSUER, client_id="other"), False, False),
        (replace(ISSUER, token_endpoint="https://other.example/token"), False, False),
    ],
)
def test_what_was_issued_elsewhere_is_known_and_not_used(
    clock: ManualClock, theirs: IssuedBy | None, ours: bool, usable: bool
) -> None:
    """Law E4: another endpoint's or client's credential is not ours; another scope's token is not served."""
    holding = Holding(ISSUER, Windows(), clock)
    holding.reconcile(replace(stored(clock, "disk"), issued_by=theirs))
    assert holding.is_ours is ours
    assert (served(holding) is not None) is usable


def test_a_grant_without_an_issuer_takes_any_credential(holding: Holding, clock: ManualClock) -> None:
    """Law E4: it has nothing to compare with; and what is not there is nobody else's."""
    assert holding.is_ours
    holding.reconcile(replace(stored(clock, "disk"), issued_by=ISSUER))
    assert holding.is_ours
    assert served(holding) == "access-disk"
