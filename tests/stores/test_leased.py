"""What every leased store does, whatever its server: over a shelf in memory that misbehaves on request."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from aio_token import Credential, StoreError, Token
from aio_token.stores import Superseded
from aio_token.stores._leased import LeasedStore
from aio_token.stores._shelf import Kept
from aio_token.stores._store_time import StoreTime
from aio_token.testing.clock import ManualClock

if TYPE_CHECKING:
    from aio_token.stores._shelf import Shelf

OLD = Credential(token=Token(access_token="old"), obtained_at=100.0, refresh_token="stays")


class MemoryShelf:
    """A place in memory; what is in `first` is written by another host right before the next write."""

    def __init__(self) -> None:
        self.record: bytes | None = None
        self.version = ""
        self.first: list[Credential | None] = []
        self.error: Exception | None = None

    async def acquire(self, owner: str, seconds: float) -> Kept | None:
        """Give the lease to everybody."""
        return await self.read()

    async def extend(self, owner: str, seconds: float) -> bool:
        """Let it last."""
        return True

    async def release(self, owner: str) -> None:
        """Forget it."""

    async def read(self) -> Kept:
        """Return what is kept."""
        if self.error is not None:
            raise self.error
        return Kept(record=self.record, version=self.version, now=time.time())

    async def write(self, record: bytes | None, version: str, over: str, *, lasts: float | None = None) -> bool:
        """Compare, and keep."""
        if self.first:
            other = self.first.pop()
            self.record, self.version = other.to_json() if other is not None else None, f"other-{len(self.first)}"
        if over != self.version:
            return False
        self.record, self.version = record, version
        return True

    async def set_aside(self, version: str, over: str) -> None:
        """Keep nothing."""

    async def complaint(self) -> str | None:
        """Have none."""
        return None

    async def close(self) -> None:
        """Hold nothing."""


class Store(LeasedStore):
    """A store over it."""

    def __init__(self, shelf: MemoryShelf) -> None:
        super().__init__("memory", codec=None, lease=10.0)
        self._shelf = shelf

    def __repr__(self) -> str:
        return "Store()"

    @property
    def may_lose(self) -> bool:
        """Lose nothing."""
        return False

    def shelf(self) -> Shelf:
        """Return the place."""
        return self._shelf


@pytest.fixture
def shelf() -> MemoryShelf:
    """Return a place that holds a session."""
    shelf = MemoryShelf()
    shelf.record, shelf.version = OLD.to_json(), "v"
    return shelf


def renewed(text: str, at: float, refresh_token: str = "stays") -> Credential:
    """Return what a renewal brings."""
    return replace(OLD, token=Token(access_token=text), obtained_at=at, refresh_token=refresh_token)


@pytest.mark.parametrize(
    ("theirs", "ours", "wins"),
    [
        (renewed("theirs", 200.0), renewed("ours", 300.0), True),
        (renewed("theirs", 300.0), renewed("ours", 200.0), False),
        (renewed("theirs", 200.0), replace(OLD, spending_since=1.0, obtained_at=300.0), False),
        (renewed("theirs", 200.0, "another"), renewed("ours", 300.0), False),
        (None, renewed("ours", 300.0), False),
    ],
)
async def test_the_token_that_was_obtained_later_counts(
    shelf: MemoryShelf, theirs: Credential | None, ours: Credential, wins: bool
) -> None:
    """Law J1: two hosts read the same and renewed, at a server that does not rotate; a mark never beats a token."""
    store = Store(shelf)
    async with store.exclusive() as slot:
        await slot.load()
        shelf.first = [theirs]
        if wins:
            await slot.save(ours)
        else:
            with pytest.raises(Superseded, match="another host has written"):
                await slot.save(ours)
        assert await slot.load() == (ours if wins else theirs)


async def test_two_others_may_be_faster(shelf: MemoryShelf) -> None:
    """Law J1: what is compared is compared until it is there."""
    async with Store(shelf).exclusive() as slot:
        await slot.load()
        shelf.first = [renewed("second", 220.0), renewed("first", 210.0)]
        await slot.save(renewed("ours", 300.0))
        shelf.first = [renewed("late", 400.0)]
        await slot.delete()
        assert await slot.load() is None


async def test_a_probe_beside_a_writer_changes_nothing(shelf: MemoryShelf) -> None:
    """Law F12: it writes where nothing is; another host may have written meanwhile."""
    shelf.record, shelf.version = None, ""
    shelf.first = [OLD]
    store = Store(shelf)
    await store.probe()
    assert await store.load() == OLD


async def test_an_error_of_a_foreign_client_shows_nothing(shelf: MemoryShelf) -> None:
    """Law G3: its text may hold an address with a password."""
    shelf.error = ConnectionError("canary")
    with pytest.raises(StoreError, match=r"^Store\(\) cannot be used \(ConnectionError\)") as caught:
        await Store(shelf).load()
    assert "canary" not in str(caught.value)


async def test_a_store_says_what_it_stands_on() -> None:
    """Whoever derives one names the server, and whether that loses writes."""
    bare = LeasedStore("bare", codec=None, lease=1.0)
    with pytest.raises(NotImplementedError):
        await bare.load()
    with pytest.raises(NotImplementedError):
        _ = bare.may_lose


def test_a_slow_answer_says_nothing_about_clocks() -> None:
    """Law J5: what is known stays; what is measured well counts, in whole seconds; a token may have no end."""
    clock = ManualClock()
    known = StoreTime(clock)
    known.learn(clock.time() + 120, asked_at=clock.time(), answered_at=clock.time())
    known.learn(clock.time() + 500, asked_at=clock.time(), answered_at=clock.time() + 30)
    moved = known.to_store(OLD)
    assert moved.obtained_at == 220.0
    assert moved.token == OLD.token
    assert known.from_store(moved) == OLD
    assert known.now == clock.time() + 120
