"""The laws of stores, kept by every store of the package and broken by stores that are made to break them."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import threading
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from aio_token._credential import Credential
from aio_token._disk.platform import WINDOWS
from aio_token._errors import Superseded
from aio_token.stores.file import FileTokenStore
from aio_token.stores.memory import MemoryTokenStore
from aio_token.testing.store_laws import StoreLaws

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from aio_token._interfaces import Slot, TokenStore


class TestMemoryTokenStore(StoreLaws):
    """The memory store keeps the laws of stores."""

    @pytest.fixture(autouse=True)
    def _storage(self) -> None:
        self._store = MemoryTokenStore()

    def make(self) -> TokenStore:
        """Share one object: memory has no other handle."""
        return self._store


class TestFileTokenStore(StoreLaws):
    """The file store keeps the laws of stores."""

    token_size = 65_536

    @pytest.fixture(autouse=True)
    def _storage(self, tmp_path: Path) -> None:
        self._path = tmp_path / "made" / "for it" / "token.json"

    def make(self) -> TokenStore:
        """Open the test's file."""
        return FileTokenStore(self._path)


class WindowsStore(FileTokenStore):
    """The file store as it is on Windows: no modes, no owners, no sync of directories."""

    _platform = WINDOWS


class TestFileTokenStoreOnWindows(TestFileTokenStore):
    """The file store keeps the laws with the means of Windows alone."""

    def make(self) -> TokenStore:
        """Open the test's file as Windows would."""
        return WindowsStore(self._path)


class TestFileTokenStoreWithoutChecks(TestFileTokenStore):
    """The file store keeps the laws where permissions are not looked at."""

    def make(self) -> TokenStore:
        """Open the test's file whatever its permissions."""
        return FileTokenStore(self._path, check_permissions=False)


class Record:
    """What all handles of a leased store have in common: the credential, who may write it, and how often it was."""

    def __init__(self) -> None:
        self.credential: Credential | None = None
        self.owner: object = None
        self.writes = 0
        self._guard = threading.Lock()

    def is_given_to(self, lease: object) -> bool:
        """Lease it, unless it is leased."""
        with self._guard:
            self.owner = self.owner or lease
            return self.owner is lease


class LeasedStore:
    """A store whose holds are leases, as a store of several hosts has them."""

    def __init__(self, record: Record) -> None:
        self._record = record

    @property
    def may_lose(self) -> bool:
        """Lose nothing."""
        return False

    async def load(self) -> Credential | None:
        """Return what is kept."""
        return self._record.credential

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[Lease]:
        """Wait until there is no lease."""
        lease = Lease(self._record)
        while not self._record.is_given_to(lease):  # noqa: ASYNC110  as a server is asked that tells of no event
            await asyncio.sleep(0.001)
        try:
            yield lease
        finally:
            lease.end()


class Lease:
    """A hold that can lapse."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._read = -1

    @property
    def lasts(self) -> float | None:
        """Last for a while."""
        return 5.0

    def end(self) -> None:
        """Lapse, or be given back."""
        if self._record.owner is self:
            self._record.owner = None

    async def load(self) -> Credential | None:
        """Return what is kept."""
        self._read = self._record.writes
        return self._record.credential

    async def save(self, credential: Credential) -> None:
        """Keep it, unless another host has written meanwhile."""
        if self._read not in (-1, self._record.writes):
            message = "another host was first"
            raise Superseded(message)
        self._write(credential)

    async def delete(self) -> None:
        """Keep a tombstone at most."""
        kept = self._record.credential
        self._write(kept.tombstone(time.time()) if kept is not None else None)

    def _write(self, credential: Credential | None) -> None:
        self._record.credential = credential
        self._record.writes += 1
        self._read = self._record.writes


class TestLeasedStore(StoreLaws):
    """A store with leases is shown to refuse what comes too late."""

    @pytest.fixture(autouse=True)
    def _storage(self) -> None:
        self._record = Record()

    def make(self) -> TokenStore:
        """Open the record."""
        return LeasedStore(self._record)

    async def lapse(self, slot: Slot) -> None:
        """Let the time of a hold pass."""
        assert isinstance(slot, Lease)
        slot.end()


class CarelessLease(Lease):
    """A hold that writes whenever it is told to."""

    async def save(self, credential: Credential) -> None:
        """Overwrite."""
        self._write(credential)


class CarelessStore(LeasedStore):
    """A store that lets a hold that has lapsed write."""

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[Lease]:
        """Lease carelessly."""
        async with super().exclusive():
            self._record.owner = lease = CarelessLease(self._record)
            try:
                yield lease
            finally:
                lease.end()


class CarelessLaws(StoreLaws):
    """The laws of a store that breaks one."""

    def __init__(self) -> None:
        self._record = Record()

    def make(self) -> TokenStore:
        """Open the record."""
        return CarelessStore(self._record)

    async def lapse(self, slot: Slot) -> None:
        """Let the time of a hold pass."""
        assert isinstance(slot, Lease)
        slot.end()


def test_a_late_save_that_is_not_refused_fails_its_test() -> None:
    """Law J1: the suite finds a store that writes over what another holder wrote after the hold had lapsed."""
    with pytest.raises(AssertionError, match="a save after the hold has lapsed is refused"):
        CarelessLaws().test_a_save_that_comes_too_late_is_refused()


def test_the_suite_must_be_told_how_a_hold_lapses() -> None:
    """A store whose holds last for a time says how one ends, or fails its test."""

    class Laws(StoreLaws):
        def make(self) -> TokenStore:
            return LeasedStore(Record())

    with pytest.raises(NotImplementedError):
        Laws().test_a_save_that_comes_too_late_is_refused()


class Broken(MemoryTokenStore):
    """A store with a fault."""

    def __init__(self, credential: Credential | None = None) -> None:
        super().__init__(credential)
        self._free = asyncio.Semaphore(1)


class Sieve(Broken):
    """Keeps nothing."""

    async def save(self, credential: Credential) -> None:
        """Forget it."""


class Hoarder(Broken):
    """Deletes nothing."""

    async def delete(self) -> None:
        """Keep it."""


class Forgetful(Broken):
    """Deletes everything."""

    async def delete(self) -> None:
        """Leave no tombstone."""
        self._credential = None


class Open(Broken):
    """Lets all in at once."""

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[Open]:
        """Lock nothing."""
        yield self


class Stuck(Broken):
    """Stays locked after a holder has failed."""

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[Stuck]:
        """Release only on good days."""
        await self._free.acquire()
        yield self
        self._free.release()


class Swallower(Broken):
    """Lets no exception out."""

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[Swallower]:
        """Hide what happened."""
        async with super().exclusive():
            with suppress(Exception):
                yield self


class Unsure(Broken):
    """Lasts for ever now, and for some seconds then; loses now, and not then."""

    turns = itertools.count()

    @property
    def lasts(self) -> float | None:
        """Change its mind."""
        return None if next(self.turns) % 2 else 1.0

    @property
    def may_lose(self) -> bool:
        """Change its mind."""
        return bool(next(self.turns) % 2)


class Growing(Broken):
    """Lasts longer and longer."""

    turns = itertools.count()

    @property
    def lasts(self) -> float | None:
        """Have more time than before."""
        return float(next(self.turns))


class Boaster(Broken):
    """Shows what it keeps."""

    def __repr__(self) -> str:
        return f"Boaster({self._credential and self._credential.refresh_token})"


@pytest.mark.parametrize(
    ("broken", "law"),
    [
        (Sieve, "test_what_is_saved_is_loaded_by_another_handle"),
        (Sieve, "test_a_save_replaces_everything"),
        (Sieve, "test_a_slot_reads_what_it_wrote"),
        (Sieve, "test_loading_does_not_wait_for_a_holder"),
        (lambda: Broken(Credential()), "test_an_empty_store_holds_nothing"),
        (Hoarder, "test_delete_leaves_no_session"),
        (Forgetful, "test_delete_leaves_a_tombstone"),
        (Open, "test_one_holder_excludes_another"),
        (Open, "test_no_update_is_lost"),
        (Open, "test_holders_in_several_threads_exclude_each_other"),
        (Unsure, "test_a_hold_says_how_long_it_lasts"),
        (Growing, "test_a_hold_says_how_long_it_lasts"),
        (Unsure, "test_it_says_whether_it_may_lose"),
        (Stuck, "test_a_holder_that_fails_lets_the_next_one_in"),
        (Swallower, "test_a_holder_that_fails_lets_the_next_one_in"),
        (Boaster, "test_its_repr_shows_no_secret"),
    ],
)
def test_a_store_that_breaks_a_law_fails_its_test(broken: Callable[[], TokenStore], law: str) -> None:
    """The laws catch the faults that they are about."""
    store = broken()

    class Laws(StoreLaws):
        def make(self) -> TokenStore:
            return store

    with pytest.raises(AssertionError):
        getattr(Laws(), law)()


def test_the_suite_must_be_told_how_to_make_a_store() -> None:
    """A suite without a factory says so."""
    with pytest.raises(NotImplementedError):
        StoreLaws().test_an_empty_store_holds_nothing()


def _tests() -> list[Any]:
    return [getattr(StoreLaws, name) for name in dir(StoreLaws) if name.startswith("test_")]


def test_the_suite_needs_no_plugin() -> None:
    """Its tests are plain functions, so that any runner can call them."""
    assert len(_tests()) > 15
    assert not any(inspect.iscoroutinefunction(test) for test in _tests())
