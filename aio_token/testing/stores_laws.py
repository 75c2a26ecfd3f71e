"""What every `TokenStores` keeps, as a suite that any of them can be put through.

Derive a class from `StoresLaws` in a test file, and say how they are made:

    class TestMyStores(StoresLaws):
        def make(self) -> TokenStores:
            return MyStores(...)

What one account's store keeps is `StoreLaws`' affair, for a store that `of("some name")` gives.
"""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from aio_token._credential import Credential
from aio_token._errors import ConfigurationError
from aio_token._token import fingerprint
from aio_token.testing._laws import CROWD, demand, run, sample, save

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from typing import ClassVar

    from aio_token.stores.many.interface import TokenStores

AWKWARD = (
    *("alice", "Alice", "ALICE", "alice ", " alice", "alice.", "alice@example.org", "bob", "bob.json.lock"),
    *("../x", "..", ".", "/", "/etc/passwd", "a/b", "a\\b", "C:\\x", "~", "%2e%2e", "a:b", "a*b?", "-rf", "CON", "nul"),
    *("caf\u00e9", "cafe\u0301", "\u2126", "\u03a9", "\U0001f600", "\u202eecila", "a\u200bb", "'; --", '"', "{}"),
    *("x" * 256, "\U0001f600" * 256),
)
"""Names that file systems, keys and readers take for another one, or for something else than a name."""

NO_NAMES = ("", "x" * 257, "a\nb", "a\0b", "\x7f", "\x85", "\ud800")


class StoresLaws:
    """The laws of stores for many accounts, one test each.

    Say how they are made, by `make` or by `open`; all that one test makes are handles on the same storage, which is
    empty when the test begins.
    """

    names: ClassVar[tuple[str, ...]] = AWKWARD

    def make(self) -> TokenStores:
        """Return a new handle on the storage of this test; it is called on the loop that will use it."""
        raise NotImplementedError  # the tester's own, in a subclass

    def open(self) -> AbstractAsyncContextManager[TokenStores]:
        """Make a handle and let go of it in the end; for those that must be closed."""
        return nullcontext(self.make())

    def test_each_account_has_a_record_of_its_own(self) -> None:
        """Names that differ in anything are accounts that differ, for every handle (law I4)."""

        async def law() -> None:
            async with self.open() as first, self.open() as second:
                for number, name in enumerate(self.names):
                    await save(first.of(name), replace(sample(100), failures=number))
                for number, name in enumerate(self.names):
                    kept = await second.of(name).load()
                    demand(kept == replace(sample(100), failures=number), "each name has what was saved under it")

        run(law())

    def test_the_names_are_those_that_something_is_kept_of(self) -> None:
        """Every name is listed as it was given, once, and no other one: none that was looked for or deleted."""

        async def law() -> None:
            async with self.open() as first, self.open() as second:
                demand(await listed(first.names()) == [], "there are no names in the beginning")
                for name in self.names:
                    await save(first.of(name), Credential(refresh_token="kept"))
                await save(first.of(self.names[1]), Credential(refresh_token="kept", first="f1f1f1f1"))
                for name in self.names[:2]:
                    async with first.of(name).exclusive() as slot:
                        await slot.delete()
                await first.of("looked for").load()
                async with first.of("held").exclusive() as slot:
                    await slot.load()
                expected = sorted(self.names[2:])
                demand(await listed(second.names()) == expected, "names() gives the names that something is kept of")

        run(law())

    def test_what_is_no_name_is_refused(self) -> None:
        """Control characters, halves of characters, nothing and far too much are no name, and are not quoted."""

        async def law() -> None:
            async with self.open() as stores:
                for name in NO_NAMES:
                    try:
                        stores.of(name)
                    except ConfigurationError as error:
                        demand(not name or name not in str(error), "the refusal does not quote what is no name")
                    else:
                        demand(False, f"what is no name is a ConfigurationError: {name!r}")  # noqa: FBT003  it fails

        run(law())

    def test_two_stores_of_one_name_exclude_each_other(self) -> None:
        """Ten holders of one account lose none of ten updates, and no other account waits for them."""

        async def law() -> None:
            async with self.open() as first, self.open() as second:

                async def add_one(stores: TokenStores) -> None:
                    async with stores.of("alice").exclusive() as slot:
                        kept = await slot.load() or Credential()
                        await asyncio.sleep(0)
                        await slot.save(replace(kept, failures=kept.failures + 1))

                async with first.of("bob").exclusive():
                    await asyncio.gather(*(add_one(stores) for stores in (first, second) for _ in range(CROWD // 2)))
                demand(await first.of("alice").load() == Credential(failures=CROWD), "each of ten updates is kept")

        run(law())

    def test_what_is_due_is_what_ends_before(self) -> None:
        """`due` gives those whose refresh token ends before the moment, and none that has no end or is refused."""

        async def law() -> None:
            async with self.open() as stores:
                ending = Credential(refresh_token="r", refresh_expires_at=1_000.0)
                for name, credential in {
                    "soon": ending,
                    "later": replace(ending, refresh_expires_at=2_000.0),
                    "never": replace(ending, refresh_expires_at=None),
                    "access token only": replace(ending, refresh_token=None),
                    "refused": replace(ending, refused=fingerprint("r")),
                }.items():
                    await save(stores.of(name), credential)
                demand(await listed(stores.due(1_000.0)) == [], "what ends at the moment does not end before it")
                demand(await listed(stores.due(1_000.5)) == ["soon"], "due() gives what ends before the moment")
                demand(await listed(stores.due(3_000.0)) == ["later", "soon"], "due() gives all that end before")

        run(law())

    def test_listing_goes_on_while_accounts_come_and_go(self) -> None:
        """Who is there all the time is listed, once, whatever is saved and deleted meanwhile."""

        async def law() -> None:
            async with self.open() as stores:
                for number in range(CROWD):
                    await save(stores.of(f"stays {number}"), Credential(refresh_token="r"))
                seen: list[str] = []
                async for name in stores.names():
                    seen.append(name)
                    await save(stores.of(f"comes {len(seen) % 3}"), Credential(refresh_token="r"))
                    async with stores.of(f"comes {len(seen) % 3}").exclusive() as slot:
                        await slot.delete()
                staying = sorted(name for name in seen if name.startswith("stays"))
                demand(staying == [f"stays {number}" for number in range(CROWD)], "names() lists who stays, once")

        run(law())

    def test_its_repr_shows_no_secret(self) -> None:
        """Error messages name stores by their repr (law G1)."""

        async def law() -> None:
            async with self.open() as stores:
                await save(stores.of("alice"), Credential(refresh_token="canary-1"))
                await stores.of("alice").load()
                demand("canary" not in repr(stores) + repr(stores.of("alice")), "repr() shows nothing that is kept")

        run(law())


async def listed(names: AsyncIterator[str]) -> list[str]:
    """Return the names, in order."""
    return sorted([name async for name in names])
