"""The laws of stores, kept by each of ours and broken by stores that are made to break them."""

from __future__ import annotations

import asyncio
import inspect
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from aio_token._credential import Credential
from aio_token._disk.platform import WINDOWS
from aio_token.stores.file import FileTokenStore
from aio_token.stores.memory import MemoryTokenStore
from aio_token.testing.store_laws import StoreLaws

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from aio_token._interfaces import TokenStore


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


class Open(Broken):
    """Lets everybody in at once."""

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
        (Hoarder, "test_delete_leaves_nothing"),
        (Open, "test_one_holder_excludes_another"),
        (Open, "test_no_update_is_lost"),
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
    return [member for name, member in vars(StoreLaws).items() if name.startswith("test_")]


def test_the_suite_needs_no_plugin() -> None:
    """Its tests are plain functions, so that any runner can call them."""
    assert len(_tests()) > 10
    assert not any(inspect.iscoroutinefunction(test) for test in _tests())
