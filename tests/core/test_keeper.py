"""The repository's side of its store: bounded waits, and saves that may fail."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from aio_token import Credential, Limits, StoreError, Windows
from aio_token._holding import Holding
from aio_token._keeper import Keeper
from aio_token.events import Adopted, Event, Loaded, Saved, Unsaved
from aio_token.stores import LockTimeout
from aio_token.testing.clock import ManualClock
from tests.support.doubles import FaultyStore, stored


class Kept:
    """A keeper, what it keeps in step, and what it tells."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.store = FaultyStore()
        self.holding = Holding(None, Windows(), self.clock)
        self.events: list[Event] = []
        limits = Limits(lock=0.02, save=0.02)
        self.keeper = Keeper(self.store, self.holding, limits, self.clock, self.events.append)

    def renew(self, name: str) -> None:
        """Hold a credential that a grant has just given."""
        self.holding.credential = stored(self.clock, name, left=3_600, lifetime=3_600)
        self.holding.publish(renewal_took=0.1)

    async def save(self) -> None:
        """Save as a renewal does."""
        async with self.keeper.exclusive() as slot:
            await self.keeper.save(slot)

    @property
    def seconds_until_another_look(self) -> float:
        """How long the hot path serves without a second thought."""
        assert self.holding.held is not None
        return self.holding.held.fresh_until - self.clock.monotonic()


@pytest.fixture
async def kept() -> Kept:
    """Return a keeper that has seen its store empty."""
    kept = Kept()
    await kept.keeper.look()
    kept.store.steps.clear()
    return kept


def message(event: Event) -> str:
    """Return what a failed save says."""
    assert isinstance(event, Unsaved)
    return event.message


async def test_a_first_look_loads_without_the_lock() -> None:
    """Law F5: a token that is good needs no lock; observers hear that it was read."""
    kept = Kept()
    credential = stored(kept.clock, "disk")
    await kept.store.save(credential)
    kept.store.steps.clear()
    await kept.keeper.look()
    assert kept.store.steps == ["load"]
    assert kept.holding.credential is credential
    assert credential.token is not None
    (event,) = kept.events
    assert event == Loaded(
        at=kept.clock.time(), fingerprint=credential.token.fingerprint, expires_at=credential.token.expires_at
    )


async def test_a_first_look_at_an_empty_store_is_no_event() -> None:
    """There is nothing to tell, and it is known from then on."""
    kept = Kept()
    await kept.keeper.look()
    assert kept.events == []
    assert kept.holding.known


async def test_what_another_process_wrote_is_adopted_and_told(kept: Kept) -> None:
    """Law C8: its renewal, its marks and its sign-out alike; looking twice tells once."""
    theirs = stored(kept.clock, "theirs")
    async with kept.keeper.exclusive() as slot:
        for credential in (theirs, Credential(refresh_token="only"), None):
            if credential is None:
                await slot.delete()
            else:
                await slot.save(credential)
            assert await kept.keeper.look_again(slot)
            assert not await kept.keeper.look_again(slot)
    assert theirs.token is not None
    assert [(type(event), getattr(event, "fingerprint", "")) for event in kept.events] == [
        (Adopted, theirs.token.fingerprint),
        (Adopted, None),
        (Adopted, None),
    ]


async def test_the_wait_for_the_lock_has_an_end(kept: Kept) -> None:
    """Law C4, F5: another holder costs the lock's limit, and the error says which store and what to do."""
    async with kept.keeper.exclusive():
        with pytest.raises(LockTimeout, match=r"^MemoryTokenStore\(\) has been locked .* for 0\.02 s; try later$"):
            async with kept.keeper.exclusive():
                raise AssertionError
    async with kept.keeper.exclusive() as slot:
        assert slot is kept.store


async def test_a_timeout_inside_is_not_the_locks(kept: Kept) -> None:
    """Law C4: the limits are separate; what is done while the lock is held is bounded by whoever does it."""
    theirs = TimeoutError()
    with pytest.raises(TimeoutError) as caught:
        async with kept.keeper.exclusive():
            raise theirs
    assert caught.value is theirs


async def test_the_lock_is_not_bounded_while_it_is_held(kept: Kept) -> None:
    """Law C4: a POST takes longer than a wait for the lock may."""
    async with kept.keeper.exclusive():
        await asyncio.sleep(0.04)


async def test_with_nothing_to_save_nothing_is_written(kept: Kept) -> None:
    """An empty holding leaves the store alone."""
    await kept.save()
    assert kept.store.steps == ["exclusive"]


async def test_what_is_saved_is_in_the_store(kept: Kept) -> None:
    """Law C8: and it is known to be there; an ordinary save is no event."""
    kept.renew("new")
    await kept.save()
    assert await kept.store.load() is kept.holding.credential
    assert not kept.holding.unsaved
    assert kept.events == []


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (StoreError("the disk is full"), "the disk is full"),
        (OSError("canary"), "MemoryTokenStore() failed (OSError)"),
        (KeyError("canary"), "MemoryTokenStore() failed (KeyError)"),
        (asyncio.Event(), "MemoryTokenStore() did not take the credential within 0.02 s"),
    ],
    ids=["ours", "system", "bug", "slow"],
)
async def test_a_save_that_fails_is_told_and_raises_nothing(
    kept: Kept, fault: Exception | asyncio.Event, says: str
) -> None:
    """Law C4, G1: the token that was paid for is served, and a foreign message is not repeated."""
    kept.store.faults["save"] = fault
    kept.renew("new")
    await kept.save()
    assert [message(event) for event in kept.events] == [says]
    assert kept.holding.unsaved
    assert kept.holding.held is not None


async def test_a_cancelled_save_is_cancelled(kept: Kept) -> None:
    """Law C4: what ends the work at last is no failure of the store."""
    kept.store.faults["save"] = asyncio.Event()
    kept.renew("new")
    saving = asyncio.create_task(kept.save())
    for _ in range(5):
        await asyncio.sleep(0)
    saving.cancel()
    await asyncio.wait((saving,))
    assert saving.cancelled()
    assert kept.store.steps == ["exclusive", "save"]
    assert kept.events == []


async def test_requests_are_the_timer_of_the_next_save(kept: Kept) -> None:
    """Law D8: the hot path is left after 1, 2, 4 ... s while something is unsaved, and stays as it was after that."""
    kept.renew("new")
    undisturbed = kept.seconds_until_another_look
    kept.store.faults["save"] = OSError()
    pauses = []
    for _ in range(8):
        await kept.save()
        pauses.append(kept.seconds_until_another_look)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    kept.store.faults.clear()
    await kept.save()
    assert kept.seconds_until_another_look == undisturbed


async def test_the_first_save_after_failures_is_told(kept: Kept) -> None:
    """Observers hear that the trouble is over, once, and the next trouble begins anew."""
    kept.store.faults["save"] = OSError()
    kept.renew("new")
    await kept.save()
    kept.store.faults.clear()
    await kept.save()
    await kept.save()
    kept.store.faults["save"] = OSError()
    kept.renew("newer")
    await kept.save()
    assert [type(event) for event in kept.events] == [Unsaved, Saved, Unsaved]
    assert kept.seconds_until_another_look == 1


async def test_without_a_token_there_is_no_next_look(kept: Kept) -> None:
    """Marks of trouble are saved too, and nothing is served meanwhile."""
    kept.holding.credential = Credential(failures=1, retry_at=kept.clock.time() + 1)
    await kept.save()
    assert kept.holding.held is None
    assert not kept.holding.unsaved


async def test_what_is_unsaved_is_saved_at_last(kept: Kept) -> None:
    """Law C7: closing tries once more."""
    kept.store.faults["save"] = OSError()
    kept.renew("new")
    await kept.save()
    kept.store.faults.clear()
    await kept.keeper.save_at_last()
    assert await kept.store.load() is kept.holding.credential
    assert [type(event) for event in kept.events] == [Unsaved, Saved]


async def test_what_another_process_wrote_meanwhile_is_not_overwritten_at_last(kept: Kept) -> None:
    """Law C8: a sign-in that happened since is newer than what is unsaved."""
    kept.renew("new")
    theirs = stored(kept.clock, "theirs")
    await kept.store.save(theirs)
    await kept.keeper.save_at_last()
    assert await kept.store.load() is theirs
    assert kept.holding.credential is theirs


@pytest.mark.parametrize(
    ("step", "fault", "says"),
    [
        ("exclusive", StoreError("the directory is gone"), "the directory is gone"),
        ("exclusive", ConnectionError("canary"), "MemoryTokenStore() failed (ConnectionError)"),
        ("exclusive", asyncio.Event(), "MemoryTokenStore() has been locked by another process for 0.02 s; try later"),
        ("load", KeyError("canary"), "MemoryTokenStore() failed (KeyError)"),
        ("save", KeyError("canary"), "MemoryTokenStore() failed (KeyError)"),
    ],
)
async def test_a_last_save_that_fails_is_told_and_raises_nothing(
    kept: Kept, step: str, fault: Exception | asyncio.Event, says: str
) -> None:
    """Law C7: closing does not fail because of a store, whatever it raises."""
    kept.renew("new")
    kept.store.faults[step] = fault
    await kept.keeper.save_at_last()
    assert [message(event) for event in kept.events] == [says]
    assert kept.holding.unsaved


async def test_marks_of_another_process_do_not_undo_what_is_unsaved(kept: Kept) -> None:
    """Law C8: they are on the spent credential; the next save replaces both."""
    old = stored(kept.clock, "old")
    await kept.store.save(old)
    await kept.keeper.look()
    kept.renew("new")
    await kept.store.save(replace(old, failures=1))
    await kept.keeper.save_at_last()
    kept_now = await kept.store.load()
    assert kept_now is not None
    assert kept_now.refresh_token == "refresh-new"
