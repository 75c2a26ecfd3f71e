"""The laws of stores for many accounts, kept by those of the package and broken by some that are made to break them."""

from __future__ import annotations

import asyncio
import unicodedata
from typing import TYPE_CHECKING

import pytest

from aio_token import ConfigurationError, Credential, Encrypted, MemoryTokenStore
from aio_token._token import fingerprint
from aio_token.stores import DirectoryTokenStores, MemoryTokenStores, account_key, new_key
from aio_token.stores.keys import EnvironmentKey
from aio_token.stores.many.record import is_there
from aio_token.testing.store_laws import StoreLaws
from aio_token.testing.stores_laws import StoresLaws
from tests.accounts.names import NO_NAMES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from aio_token import TokenStore
    from aio_token.stores import TokenStores


class TestMemoryTokenStores(StoresLaws):
    """Memory keeps the laws of stores for many accounts."""

    @pytest.fixture(autouse=True)
    def _storage(self) -> None:
        self._stores = MemoryTokenStores()

    def make(self) -> TokenStores:
        """Share one object: memory has no other handle."""
        return self._stores


class TestOneOfMemoryTokenStores(StoreLaws):
    """One account's store in memory keeps the laws of stores."""

    @pytest.fixture(autouse=True)
    def _storage(self) -> None:
        self._stores = MemoryTokenStores()

    def make(self) -> TokenStore:
        """Open one account."""
        return self._stores.of("alice")


class TestDirectoryTokenStores(StoresLaws):
    """Law I4: a directory keeps the laws of stores for many accounts."""

    @pytest.fixture(autouse=True)
    def _storage(self, tmp_path: Path) -> None:
        self._path = tmp_path / "made for them"

    def make(self) -> TokenStores:
        """Open the test's directory."""
        return DirectoryTokenStores(self._path)


class TestEncryptedDirectory(TestDirectoryTokenStores):
    """Law I4: so does an encrypted one."""

    @pytest.fixture(autouse=True)
    def _key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ACCOUNTS_KEY", new_key())

    def make(self) -> TokenStores:
        """Open the test's directory, with its key."""
        return DirectoryTokenStores(self._path, codec=Encrypted(EnvironmentKey("ACCOUNTS_KEY")))


class TestDirectoryWithoutChecks(TestDirectoryTokenStores):
    """So does one whose permissions are not looked at."""

    def make(self) -> TokenStores:
        """Open the test's directory whatever its permissions."""
        return DirectoryTokenStores(self._path, check_permissions=False)


class TestOneOfDirectoryTokenStores(StoreLaws):
    """One account's file keeps the laws of stores."""

    token_size = 65_536

    @pytest.fixture(autouse=True)
    def _storage(self, tmp_path: Path) -> None:
        self._path = tmp_path / "accounts"

    def make(self) -> TokenStore:
        """Open one account."""
        return DirectoryTokenStores(self._path).of("alice")


class Broken:
    """Stores with a fault."""

    def __init__(self) -> None:
        self.kept: dict[str, MemoryTokenStore] = {}

    def of(self, name: str) -> TokenStore:
        """Return one of them."""
        return self.kept.setdefault(name, MemoryTokenStore())

    async def names(self) -> AsyncIterator[str]:
        """Return the names."""
        for name in list(self.kept):
            if is_there(await self.kept[name].load()):
                yield name

    async def due(self, before: float) -> AsyncIterator[str]:
        """Return what is due."""
        async for name in self.names():
            kept = await self.kept[name].load()
            ends = kept.refresh_expires_at if kept is not None and kept.refresh_token else None
            if ends is not None and ends < before and kept is not None and not kept.is_refused:
                yield name


class Folding(Broken):
    """Takes Alice for alice."""

    def of(self, name: str) -> TokenStore:
        """Fold the name."""
        return super().of(unicodedata.normalize("NFC", name).casefold())


class Listing(Broken):
    """Lists whoever was looked for."""

    async def names(self) -> AsyncIterator[str]:
        """List all."""
        for name in list(self.kept):
            yield name


class Forgetting(Broken):
    """Excludes no one, for each asks for a store of its own."""

    def of(self, name: str) -> TokenStore:
        """Make another one."""
        self.kept[name] = MemoryTokenStore(self.kept[name]._credential if name in self.kept else None)
        return self.kept[name]


class Hasty(Broken):
    """Gives what is not due."""

    async def due(self, before: float) -> AsyncIterator[str]:
        """Give all."""
        async for name in self.names():
            yield name


class Fragile(Broken):
    """Cannot be listed while it is used."""

    async def names(self) -> AsyncIterator[str]:
        """Iterate over what changes."""
        for name in self.kept:
            yield name


class Boasting(Broken):
    """Shows what it keeps."""

    def __repr__(self) -> str:
        return f"Boasting({[store._credential and store._credential.refresh_token for store in self.kept.values()]})"


@pytest.mark.parametrize(
    ("make", "law"),
    [
        (Folding, "test_each_account_has_a_record_of_its_own"),
        (Listing, "test_the_names_are_those_that_something_is_kept_of"),
        (Broken, "test_what_is_no_name_is_refused"),
        (Forgetting, "test_two_stores_of_one_name_exclude_each_other"),
        (Hasty, "test_what_is_due_is_what_ends_before"),
        (Fragile, "test_listing_goes_on_while_accounts_come_and_go"),
        (Boasting, "test_its_repr_shows_no_secret"),
    ],
)
def test_stores_that_break_a_law_fail_its_test(make: Callable[[], Broken], law: str) -> None:
    """The laws catch the faults that they are about, and take what keeps them."""
    for broken in (make(), Broken()):

        class Laws(StoresLaws):
            stores = broken

            def make(self) -> TokenStores:
                return self.stores

        if type(broken) is make:
            with pytest.raises((AssertionError, RuntimeError)):
                getattr(Laws(), law)()
        else:
            getattr(Laws(), law)()


def test_the_suite_must_be_told_how_to_make_them() -> None:
    """A suite without a factory says so."""
    with pytest.raises(NotImplementedError):
        StoresLaws().test_its_repr_shows_no_secret()


@pytest.mark.parametrize("name", NO_NAMES)
def test_what_is_no_name_has_no_key(name: object) -> None:
    """Law I4: 1 to 256 characters, without control characters and halves of characters, and a text."""
    with pytest.raises(ConfigurationError, match="a text of 1 to 256 characters without control characters"):
        account_key(name)  # type: ignore[arg-type]


def test_a_key_is_thirty_two_digits_of_the_name_s_digest() -> None:
    """Law I4: it is the same everywhere, for any store, and leads nowhere."""
    assert account_key("alice") == "2bd806c97f0e00af1a1fc3328fa763a9"


async def test_memory_reads_the_due_ones_without_keeping_the_loop() -> None:
    """Others have their turn among a thousand records."""
    stores, turns = MemoryTokenStores(), 0
    for number in range(1_000):
        async with stores.of(f"user {number}").exclusive() as slot:
            await slot.save(Credential(refresh_token="r", refresh_expires_at=1.0, refused=fingerprint("other")))

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(other())
    assert len([name async for name in stores.due(2.0)]) == 1_000
    beside.cancel()
    assert turns >= 10


async def test_who_goes_while_a_list_is_read_is_not_in_it() -> None:
    """Memory lists no one who is gone when it comes to him."""
    stores, seen = MemoryTokenStores(), list[str]()
    for name in ("alice", "bob", "carol"):
        async with stores.of(name).exclusive() as slot:
            await slot.save(Credential(refresh_token="r"))
    async for name in stores.names():
        seen.append(name)
        async with stores.of("bob").exclusive() as slot:
            await slot.delete()
    assert seen == ["alice", "carol"]


async def test_a_tombstone_that_has_passed_is_gone() -> None:
    """Law F9: memory keeps it until then, and reads nothing after that."""
    stores = MemoryTokenStores()
    for until, is_kept in ((1e11, True), (1.0, False)):
        async with stores.of("alice").exclusive() as slot:
            await slot.save(Credential(removed_until=until))
        assert (await stores.of("alice").load() is not None) == is_kept
        assert [name async for name in stores.names()] == []
    assert stores._removed == {}
