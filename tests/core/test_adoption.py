"""Law C8 whole: what is adopted from the store, told apart from what is not written yet."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from aio_token import Credential, Limits, MemoryTokenStore, Windows
from aio_token._freshness import Freshness
from aio_token._keeper import Keeper
from aio_token._lineage import Lineage
from aio_token.grants import IssuedBy
from aio_token.testing.clock import ManualClock
from tests.support.doubles import FaultyStore, RotatingGrant, stored

ENDPOINT = "https://id.example/token"
ISSUER = IssuedBy(token_endpoint=ENDPOINT, client_id="bot", scope="read")


class Held:
    """A keeper, and the store behind it as other processes see it."""

    def __init__(self, clock: ManualClock, issued_by: IssuedBy | None = None) -> None:
        self.clock = clock
        self.store = FaultyStore()
        self.told: list[str] = []
        grant = RotatingGrant(clock, issued_by=issued_by)
        self.keeper = Keeper(grant, self.store, Windows(), Limits(), clock, self._tell)
        self._lock = asyncio.Lock()

    async def find(self, credential: Credential | None) -> bool:
        """Take the locks when the store holds this; tell whether it was adopted."""
        if credential is None:
            await MemoryTokenStore.delete(self.store)
        else:
            await MemoryTokenStore.save(self.store, credential)
        before = self.keeper.credential, self.known
        async with self.keeper.held(self._lock):
            return (self.keeper.credential, True) != before

    async def renew(self, credential: Credential, *, saved: bool = False) -> None:
        """Put a credential that was just obtained in place of the one before; unless `saved`, the store fails."""
        async with self.keeper.held(self._lock) as slot:
            if not saved:
                self.store.faults["save"] = OSError()
            await self.keeper.replace(slot, credential, renewal_took=0.1)
        self.store.faults.clear()

    async def forget(self) -> None:
        """Sign out."""
        async with self.keeper.held(self._lock) as slot:
            await self.keeper.discard(slot)

    @property
    def known(self) -> bool:
        """Whether the store was read."""
        return self.keeper.known

    @property
    def unsaved(self) -> bool:
        """Whether something is in memory only."""
        return self.keeper.unsaved

    @property
    def served(self) -> str | None:
        """The token that the hot path serves."""
        return self.keeper.cached.token.access_token if self.keeper.cached is not None else None

    def _tell(self, kind: type, **_: object) -> None:
        self.told.append(kind.__name__)


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that stands still."""
    return ManualClock(1_700_000_000.0)  # not ahead of the clock that stores remove by


@pytest.fixture
def holding(clock: ManualClock) -> Held:
    """Return a keeper whose grant takes any credential."""
    return Held(clock)


def copy(credential: Credential) -> Credential:
    """Return what a store gives back: an equal credential that is another object."""
    return Credential.from_json(credential.to_json())


async def test_at_first_nothing_is_known(holding: Held) -> None:
    """Nothing is held, and there is nothing to save."""
    assert (holding.known, holding.unsaved, holding.served) == (False, False, None)


async def test_the_first_look_takes_what_is_there(holding: Held, clock: ManualClock) -> None:
    """Law C8: whatever the store holds was written by another process."""
    assert await holding.find(stored(clock, "disk"))
    assert (holding.known, holding.unsaved, holding.served) == (True, False, "access-disk")


async def test_the_first_look_at_an_empty_store_counts_as_one(holding: Held) -> None:
    """Law C8: that it is empty is known from then on."""
    assert await holding.find(None)
    assert holding.known
    assert not await holding.find(None)


async def test_what_was_seen_before_is_not_adopted_again(holding: Held, clock: ManualClock) -> None:
    """Law C8: an equal credential is the same one, and the token in memory stays as it is."""
    credential = stored(clock, "disk")
    await holding.find(credential)
    held = holding.keeper.cached
    assert not await holding.find(copy(credential))
    assert holding.keeper.cached is held
    assert not holding.unsaved


async def test_what_was_saved_is_recognised(holding: Held, clock: ManualClock) -> None:
    """Law C8: the store gives back what this process wrote."""
    await holding.find(stored(clock, "old"))
    await holding.renew(stored(clock, "new"), saved=True)
    assert not holding.unsaved
    assert not await holding.find(copy(stored(clock, "new")))
    assert holding.served == "access-new"


async def test_the_renewal_of_another_process_is_adopted(holding: Held, clock: ManualClock) -> None:
    """Law C8: a credential that differs from what was last seen is newer than ours."""
    await holding.find(stored(clock, "old"))
    assert await holding.find(stored(clock, "theirs"))
    assert holding.served == "access-theirs"
    assert not holding.unsaved


async def test_after_a_failed_save_the_spent_credential_is_not_adopted(holding: Held, clock: ManualClock) -> None:
    """Law C8: the store still holds the one before ours, whose refresh token would be presented twice."""
    old = stored(clock, "old")
    await holding.find(old)
    await holding.renew(stored(clock, "new"))
    for _ in range(3):
        assert not await holding.find(copy(old))
        assert holding.served == "access-new"
        assert holding.unsaved


async def test_marks_of_trouble_on_a_spent_credential_do_not_bring_it_back(holding: Held, clock: ManualClock) -> None:
    """Law C8: another process presented the spent token, was refused, and marked it; ours is still the newest."""
    old = stored(clock, "old")
    await holding.find(old)
    await holding.renew(stored(clock, "new"))
    for marks in (replace(old, refused="ba7816bf"), replace(old, failures=1, retry_at=clock.time() + 1)):
        assert not await holding.find(marks)
        assert holding.served == "access-new"
        assert holding.unsaved


async def test_a_sign_in_by_another_process_beats_what_is_unsaved(holding: Held, clock: ManualClock) -> None:
    """Law C8, E1: a refresh token that was never seen here comes from a person or from a newer renewal."""
    await holding.find(stored(clock, "old"))
    await holding.renew(stored(clock, "new"))
    assert await holding.find(stored(clock, "person"))
    assert holding.served == "access-person"
    assert not holding.unsaved


async def test_a_sign_out_by_another_process_beats_what_is_unsaved(holding: Held, clock: ManualClock) -> None:
    """Law C8, E3: a store that was emptied is empty."""
    await holding.find(stored(clock, "old"))
    await holding.renew(stored(clock, "new"))
    assert await holding.find(None)
    assert holding.served is None
    assert holding.keeper.credential is None
    assert not holding.unsaved


async def test_the_first_credential_unsaved_is_kept_while_the_store_is_empty(holding: Held, clock: ManualClock) -> None:
    """Law C8: a store that was empty before and is empty still has not been emptied by another process."""
    await holding.find(None)
    await holding.renew(stored(clock, "new"))
    assert not await holding.find(None)
    assert holding.served == "access-new"
    assert holding.unsaved


async def test_the_first_credential_unsaved_gives_way_to_another(holding: Held, clock: ManualClock) -> None:
    """Law C8: what another process put into an empty store is adopted."""
    await holding.find(None)
    await holding.renew(stored(clock, "new"))
    assert await holding.find(stored(clock, "theirs"))
    assert holding.served == "access-theirs"


async def test_marks_of_trouble_are_adopted_where_nothing_is_unsaved(holding: Held, clock: ManualClock) -> None:
    """Law D8: processes tell each other through the store that the server needs rest."""
    old = stored(clock, "old")
    await holding.find(old)
    assert await holding.find(replace(old, failures=1))
    assert holding.keeper.credential is not None
    assert holding.keeper.credential.failures == 1
    assert holding.served == "access-old"


async def test_a_save_that_was_given_up_and_happened_after_all_is_no_loss(holding: Held, clock: ManualClock) -> None:
    """Law C8: the store then holds our own credential, which is taken for what it is."""
    await holding.find(stored(clock, "old"))
    await holding.renew(stored(clock, "new"))
    await holding.find(copy(stored(clock, "new")))
    assert holding.served == "access-new"
    assert not holding.unsaved


async def test_to_forget_is_to_know_that_the_store_is_empty(holding: Held, clock: ManualClock) -> None:
    """Laws E3 and F9: after a sign-out nothing is held or unsaved, an empty store is no news, a backup not adopted."""
    await holding.find(stored(clock, "old"))
    await holding.renew(stored(clock, "new"))
    await holding.forget()
    assert (holding.known, holding.unsaved, holding.served, holding.keeper.credential) == (True, False, None, None)
    assert not await holding.find(None)
    assert not await holding.find(stored(clock, "old"))
    assert await holding.find(stored(clock, "another"))


async def test_a_credential_without_a_token_serves_none(holding: Held) -> None:
    """A refresh token alone is something to keep, and nothing to send to an API."""
    await holding.find(Credential(refresh_token="only"))
    assert holding.served is None
    assert holding.keeper.credential is not None


async def test_a_renewed_token_is_fresh_and_one_from_the_store_is_as_old_as_it_is(
    holding: Held, clock: ManualClock
) -> None:
    """Law C9: only what was obtained here and now is good for a second whatever its lifetime."""
    dead = stored(clock, "dead", left=0)
    await holding.find(dead)
    seen = [holding.keeper.cached and holding.keeper.cached.freshness]
    await holding.renew(dead)
    seen.append(holding.keeper.cached and holding.keeper.cached.freshness)
    assert seen == [Freshness.EXPIRED, Freshness.FRESH]


async def test_a_save_that_was_given_up_and_lands_late_is_not_adopted(holding: Held, clock: ManualClock) -> None:
    """Law C8: it may do so after the next renewal, and its refresh token is spent by then."""
    await holding.find(stored(clock, "old"))
    await holding.renew(stored(clock, "given-up"))
    await holding.renew(stored(clock, "new"), saved=True)
    assert not await holding.find(copy(stored(clock, "given-up")))
    assert holding.served == "access-new"
    assert holding.unsaved


async def test_a_late_save_without_refresh_tokens_is_recognised_too(holding: Held, clock: ManualClock) -> None:
    """Law C8: credentials of a grant that needs no person have nothing but themselves to be known by."""
    given_up, new = (replace(stored(clock, name), refresh_token=None) for name in ("given-up", "new"))
    await holding.renew(given_up)
    await holding.renew(new, saved=True)
    assert not await holding.find(copy(given_up))
    assert holding.served == "access-new"


async def test_a_backup_that_was_restored_is_not_adopted(holding: Held, clock: ManualClock) -> None:
    """Law C8: however long ago this process had spent its refresh token; what is held is written again."""
    first = stored(clock, "0")
    await holding.find(first)
    for number in range(1, 30):
        await holding.renew(stored(clock, str(number)), saved=True)
    assert not await holding.find(copy(first))
    assert holding.served == "access-29"
    assert holding.unsaved


async def test_what_another_process_replaced_is_spent_as_well(holding: Held, clock: ManualClock) -> None:
    """Law C8: a process that adopted a successor knows that the one before it is used up."""
    await holding.find(stored(clock, "old"))
    await holding.find(stored(clock, "theirs"))
    assert not await holding.find(stored(clock, "old"))
    assert holding.served == "access-theirs"


async def test_of_one_refresh_token_the_later_answer_wins(holding: Held, clock: ManualClock) -> None:
    """Law C8: where servers do not rotate, a credential that was asked for earlier is no news."""
    kept = stored(clock, "kept")
    await holding.find(kept)
    assert kept.obtained_at is not None
    later = replace(stored(clock, "later"), refresh_token=kept.refresh_token, obtained_at=kept.obtained_at + 5)
    earlier = replace(stored(clock, "earlier"), refresh_token=kept.refresh_token, obtained_at=kept.obtained_at - 5)
    assert await holding.find(later)
    assert not await holding.find(earlier)
    assert not await holding.find(replace(earlier, failures=1, token=None, obtained_at=None))
    assert holding.served == "access-later"


def test_generations_tell_which_answer_is_later_where_clocks_do_not(clock: ManualClock) -> None:
    """Laws D4, J1: a host's clock is an hour ahead, or this one's was set back since."""
    ours = replace(stored(clock, "a"), obtained_at=clock.time() + 3_600, generation=7)
    later = replace(stored(clock, "b"), refresh_token=ours.refresh_token, generation=8)
    assert Lineage(known=True, stored=ours).adopts(later, ours)
    assert not Lineage(known=True, stored=later).adopts(ours, later)
    assert not Lineage(known=True).adopts(replace(later, generation=7), ours)


async def test_a_refresh_token_that_comes_back_is_alive_again(holding: Held, clock: ManualClock) -> None:
    """A server with a grace window may answer with one that it had replaced."""
    await holding.find(stored(clock, "a"))
    await holding.renew(stored(clock, "b"), saved=True)
    await holding.renew(stored(clock, "a"), saved=True)
    assert not await holding.find(stored(clock, "b"))
    assert await holding.find(replace(stored(clock, "a"), failures=1))


async def test_history_does_not_grow(holding: Held, clock: ManualClock) -> None:
    """A bot that runs for years remembers the last fifty refresh tokens and the last eight saves that failed."""
    for number in range(100):
        await holding.renew(stored(clock, str(number)))
    lineage = holding.keeper._lineage
    assert (len(lineage.tried), len(lineage.spent)) == (8, 50)


async def test_a_mark_leaves_the_deadlines_of_a_token_as_they_are(holding: Held, clock: ManualClock) -> None:
    """Law D4: read anew from the store after the wall clock was set back, it would live longer."""
    disk = stored(clock, "disk")
    await holding.find(disk)
    cached = holding.keeper.cached
    clock.step(-3_600)
    assert await holding.find(replace(disk, failures=1))
    assert holding.keeper.cached is cached


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
async def test_what_was_issued_elsewhere_is_known_and_not_used(
    clock: ManualClock, theirs: IssuedBy | None, ours: bool, usable: bool
) -> None:
    """Law E4: another endpoint's or client's credential is not ours; another scope's token is not served."""
    holding = Held(clock, ISSUER)
    await holding.find(replace(stored(clock, "disk"), issued_by=theirs))
    assert holding.keeper.is_ours is ours
    assert (holding.served is not None) is usable


async def test_a_grant_without_an_issuer_takes_any_credential(holding: Held, clock: ManualClock) -> None:
    """Law E4: it has nothing to compare with; and what is not there belongs to no other."""
    assert holding.keeper.is_ours
    await holding.find(replace(stored(clock, "disk"), issued_by=ISSUER))
    assert holding.keeper.is_ours
    assert holding.served == "access-disk"


async def test_with_nothing_left_a_spent_credential_is_not_written_over(holding: Held, clock: ManualClock) -> None:
    """Law C8: another process signed out, and then a backup came back; what is there is neither used nor replaced."""
    old = stored(clock, "old")
    await holding.find(old)
    await holding.renew(stored(clock, "new"), saved=True)
    await holding.find(None)
    assert not await holding.find(old)
    assert holding.served is None
    await holding.keeper.save_what_is_unsaved(holding._lock)
    assert await MemoryTokenStore.load(holding.store) == old
