"""The repository's side of its store: bounded waits, and saves that may fail."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from aio_token import Credential, Limits, StoreError, Windows
from aio_token._keeper import Keeper
from aio_token.events import Adopted, Event, Loaded, Saved, Unsaved
from aio_token.stores import LockTimeout, Superseded
from aio_token.testing.clock import ManualClock
from tests.support.doubles import FaultyStore, RotatingGrant, stored


class Kept:
    """A keeper, what it keeps in step, and what it tells."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.store = FaultyStore()
        self.events: list[Event] = []
        limits = Limits(lock=0.02, save=0.02)
        self.keeper = Keeper(RotatingGrant(self.clock), self.store, Windows(), limits, self.clock, self._tell)
        self.lock = asyncio.Lock()

    async def renew(self, name: str) -> None:
        """Keep a credential that a grant has just given."""
        credential = stored(self.clock, name, left=3_600, lifetime=3_600)
        async with self.keeper.held(self.lock) as slot:
            await self.keeper.replace(slot, credential, renewal_took=0.1)

    async def save(self) -> None:
        """Try again to save, as closing does."""
        await self.keeper.save_what_is_unsaved(self.lock)

    def _tell(self, kind: type[Event], **members: Any) -> None:
        self.events.append(kind(at=self.clock.time(), **members))

    @property
    def seconds_until_another_look(self) -> float:
        """How long the hot path serves without a second thought."""
        assert self.keeper.cached is not None
        return self.keeper.cached.fresh_until - self.clock.monotonic()


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
    assert kept.keeper.credential is credential
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
    assert kept.keeper.known


async def test_a_look_tells_whether_there_is_something_new(kept: Kept) -> None:
    """Law C8: what is new is adopted under the locks only, where nothing changes meanwhile."""
    assert await kept.keeper.look()
    await kept.store.save(stored(kept.clock, "theirs"))
    assert not await kept.keeper.look()
    assert kept.keeper.credential is None
    async with kept.keeper.held(kept.lock):
        pass
    assert await kept.keeper.look()


async def test_what_another_process_wrote_is_adopted_and_told(kept: Kept) -> None:
    """Law C8: its renewal, its marks and its sign-out alike; looking twice tells once."""
    theirs = stored(kept.clock, "theirs")
    for credential in (theirs, Credential(refresh_token="only"), None):
        if credential is None:
            await kept.store.delete()
        else:
            await kept.store.save(credential)
        for _ in range(2):
            async with kept.keeper.held(kept.lock):
                assert kept.keeper.credential is credential
    assert theirs.token is not None
    assert [(type(event), getattr(event, "fingerprint", "")) for event in kept.events] == [
        (Adopted, theirs.token.fingerprint),
        (Adopted, None),
        (Adopted, None),
    ]


async def test_the_wait_for_the_lock_has_an_end(kept: Kept) -> None:
    """Law C4, F5: another holder costs the lock's limit, and the error says which store and what to do."""
    async with kept.store.exclusive():
        with pytest.raises(LockTimeout, match=r"^MemoryTokenStore\(\) has been locked .* for 0\.02 s; try later$"):
            async with kept.keeper.held(kept.lock):
                raise AssertionError
    async with kept.keeper.held(kept.lock) as slot:
        assert slot is kept.store


async def test_a_timeout_inside_is_not_the_locks(kept: Kept) -> None:
    """Law C4: the limits are separate; what is done while the lock is held is bounded by the one who does it."""
    theirs = TimeoutError()
    with pytest.raises(TimeoutError) as caught:
        async with kept.keeper.held(kept.lock):
            raise theirs
    assert caught.value is theirs


async def test_the_lock_is_not_bounded_while_it_is_held(kept: Kept) -> None:
    """Law C4: a POST takes longer than a wait for the lock may."""
    async with kept.keeper.held(kept.lock):
        await asyncio.sleep(0.04)


async def test_with_nothing_to_save_nothing_is_written(kept: Kept) -> None:
    """What is in step is left alone, and so is the lock."""
    await kept.save()
    await kept.renew("new")
    kept.store.steps.clear()
    await kept.save()
    assert kept.store.steps == []


async def test_what_is_saved_is_in_the_store(kept: Kept) -> None:
    """Law C8: and it is known to be there; an ordinary save is no event."""
    await kept.renew("new")
    assert await kept.store.load() is kept.keeper.credential
    assert not kept.keeper.unsaved
    assert kept.events == []


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (StoreError("the disk is full"), "the disk is full"),
        (OSError("canary"), "MemoryTokenStore() failed (OSError)"),
        (KeyError("canary"), "MemoryTokenStore() failed (KeyError)"),
        (asyncio.Event(), "MemoryTokenStore() did not take the credential within 0.02 s; see to its storage"),
    ],
    ids=["ours", "system", "bug", "slow"],
)
async def test_a_save_that_fails_is_told_and_raises_nothing(
    kept: Kept, fault: Exception | asyncio.Event, says: str
) -> None:
    """Law C4, G1: the token that was paid for is served, and a foreign message is not repeated."""
    kept.store.faults["save"] = fault
    await kept.renew("new")
    assert [message(event) for event in kept.events] == [says]
    assert kept.keeper.unsaved
    assert kept.keeper.cached is not None


async def test_a_cancelled_save_is_cancelled(kept: Kept) -> None:
    """Law C4, C8: what ends the work at last is no failure of the store, and the save may still land."""
    kept.store.faults["save"] = asyncio.Event()
    saving = asyncio.create_task(kept.renew("new"))
    for _ in range(8):
        await asyncio.sleep(0)
    assert kept.store.steps == ["exclusive", "load", "save"]
    saving.cancel()
    await asyncio.wait((saving,))
    assert saving.cancelled()
    assert kept.events == []
    assert [one.refresh_token for one in kept.keeper._lineage.tried] == ["refresh-new"]


async def test_a_newer_credential_of_another_host_is_adopted_instead_of_saving(kept: Kept) -> None:
    """Law J1: a store that compares what it holds with what was read refuses the write; what it holds counts."""
    theirs = stored(kept.clock, "theirs", left=3_600, lifetime=3_600)

    async def superseded(credential: Credential) -> None:
        assert credential.refresh_token == "refresh-new"
        kept.store._credential = theirs
        raise Superseded

    kept.store.save = superseded  # type: ignore[method-assign]
    await kept.renew("new")
    assert kept.keeper.credential is theirs
    assert not kept.keeper.unsaved
    assert [type(event) for event in kept.events] == [Adopted]


async def test_a_store_that_says_so_without_a_reason_has_failed(kept: Kept) -> None:
    """Law J1: nothing newer is there, so ours stays, unsaved."""
    kept.store.faults["save"] = Superseded("another host was faster")
    await kept.renew("new")
    assert [message(event) for event in kept.events] == ["another host was faster"]
    assert kept.keeper.unsaved


async def test_requests_are_the_timer_of_the_next_save(kept: Kept) -> None:
    """Law D8: the hot path is left after 1, 2, 4 ... s while something is unsaved, and stays as it was after that."""
    await kept.renew("old")
    kept.store.faults["save"] = OSError()
    await kept.renew("new")
    pauses = [kept.seconds_until_another_look]
    for _ in range(7):
        await kept.save()
        pauses.append(kept.seconds_until_another_look)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    kept.store.faults.clear()
    await kept.save()
    assert 3_600 - 462 <= kept.seconds_until_another_look <= 3_600 - 420


async def test_the_first_save_after_failures_is_told(kept: Kept) -> None:
    """Observers hear that the trouble is over, once, and the next trouble begins anew."""
    kept.store.faults["save"] = OSError()
    await kept.renew("new")
    kept.store.faults.clear()
    await kept.save()
    await kept.save()
    kept.store.faults["save"] = OSError()
    await kept.renew("newer")
    assert [type(event) for event in kept.events] == [Unsaved, Saved, Unsaved]
    assert kept.seconds_until_another_look == 1


async def test_without_a_token_there_is_no_next_look(kept: Kept) -> None:
    """Marks of trouble are saved too, and nothing is served meanwhile."""
    async with kept.keeper.held(kept.lock) as slot:
        await kept.keeper.replace(slot, Credential(failures=1, retry_at=kept.clock.time() + 1))
    assert kept.keeper.cached is None
    assert not kept.keeper.unsaved


async def test_what_is_unsaved_is_saved_at_last(kept: Kept) -> None:
    """Law C7: closing tries once more."""
    kept.store.faults["save"] = OSError()
    await kept.renew("new")
    kept.store.faults.clear()
    await kept.save()
    assert await kept.store.load() is kept.keeper.credential
    assert [type(event) for event in kept.events] == [Unsaved, Saved]


async def test_what_another_process_wrote_meanwhile_is_not_overwritten_at_last(kept: Kept) -> None:
    """Law C8: a sign-in that happened since is newer than what is unsaved."""
    kept.store.faults["save"] = OSError()
    await kept.renew("new")
    kept.store.faults.clear()
    theirs = stored(kept.clock, "theirs")
    await kept.store.save(theirs)
    await kept.save()
    assert await kept.store.load() is theirs
    assert kept.keeper.credential is theirs


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
    kept.store.faults["save"] = OSError()
    await kept.renew("new")
    kept.events.clear()
    kept.store.faults = {step: fault}
    await kept.save()
    assert [message(event) for event in kept.events] == [says]
    assert kept.keeper.unsaved


async def test_marks_of_another_process_do_not_undo_what_is_unsaved(kept: Kept) -> None:
    """Law C8: they are on the spent credential; the next save replaces both."""
    old = stored(kept.clock, "old")
    await kept.store.save(old)
    kept.store.faults["save"] = OSError()
    await kept.renew("new")
    kept.store.faults.clear()
    await kept.store.save(replace(old, failures=1))
    await kept.save()
    kept_now = await kept.store.load()
    assert kept_now is not None
    assert kept_now.refresh_token == "refresh-new"
