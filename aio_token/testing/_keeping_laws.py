"""The laws of keeping: what is saved is there, whole, for every handle, and shown to no one."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from aio_token._credential import Credential
from aio_token._token import Token
from aio_token.testing._laws import CROWD, Laws, demand, run, sample, save


class KeepingLaws(Laws):
    """What a store keeps."""

    def test_an_empty_store_holds_nothing(self) -> None:
        """Loading from an empty store gives None, with the lock and without."""

        async def law() -> None:
            async with self.open() as store:
                demand(await store.load() is None, "load() of an empty store is None")
                async with store.exclusive() as slot:
                    demand(await slot.load() is None, "slot.load() of an empty store is None")

        run(law())

    def test_what_is_saved_is_loaded_by_another_handle(self) -> None:
        """Every member of a credential survives, and is there for every handle on the same storage."""

        async def law() -> None:
            kept = sample(self.token_size)
            async with self.open() as first, self.open() as second:
                await save(first, kept)
                loaded = await second.load()
                demand(loaded == kept, "another handle loads what was saved")
                demand(loaded is not None and loaded.generation == kept.generation, "its generation, too")
                async with second.exclusive() as slot:
                    demand(await slot.load() == kept, "a slot of another handle loads what was saved")

        run(law())

    def test_a_save_replaces_everything(self) -> None:
        """No member of the credential before shows through."""

        async def law() -> None:
            bare = Credential(refresh_token="second")
            async with self.open() as store:
                await save(store, sample(100))
                await save(store, bare)
                demand(await store.load() == bare, "the second credential is kept, and nothing of the first")

        run(law())

    def test_a_slot_reads_what_it_wrote(self) -> None:
        """Within one hold, loading gives what was last saved."""

        async def law() -> None:
            async with self.open() as store, store.exclusive() as slot:
                for count in range(3):
                    await slot.save(Credential(failures=count))
                    demand(await slot.load() == Credential(failures=count), "a slot loads what it saved last")

        run(law())

    def test_delete_leaves_no_session(self) -> None:
        """After a delete there is nothing, or a tombstone; deleting nothing is no error; saving works again."""

        async def law() -> None:
            async with self.open() as store:
                await save(store, sample(100))
                async with store.exclusive() as slot:
                    await slot.delete()
                    await slot.delete()
                    demand(_is_over(await slot.load()), "a slot loads no session after delete()")
                demand(_is_over(await store.load()), "no session is kept after delete()")
                await save(store, sample(100))
                demand(await store.load() == sample(100), "a save after delete() is kept")

        run(law())

    def test_delete_leaves_a_tombstone(self) -> None:
        """What `Credential.tombstone` says is loaded after a delete, and after another one (laws E6 and F9)."""

        async def law() -> None:
            begun = replace(sample(100), first="f1f1f1f1", generation=7)
            async with self.open() as store, self.open() as other:
                for kept in (begun, *([sample(100)] if store.may_lose else [])):
                    await save(store, kept)
                    for _ in range(2):
                        async with store.exclusive() as slot:
                            await slot.delete()
                        left = await other.load()
                        demand(left is not None and left.is_tombstone, "delete() leaves a tombstone")
                        demand(left is not None and left.generation == kept.generation + 1, "it is newer")
                        names = set(left.begun_with) if left is not None else set()
                        demand(names == set(kept.ended), "it remembers the refresh tokens by their fingerprints")

        run(law())

    def test_it_says_whether_it_may_lose(self) -> None:
        """`may_lose` is True or False, and the same for every handle (law F9)."""

        async def law() -> None:
            async with self.open() as first, self.open() as second:
                demand(first.may_lose in {True, False}, "may_lose is True or False")
                demand(first.may_lose is second.may_lose, "may_lose is the same for every handle")

        run(law())

    def test_loading_beside_a_writer_gives_a_whole_credential(self) -> None:
        """A reader beside a writer gets one of the credentials that were saved."""

        async def law() -> None:
            async with self.open() as writer, self.open() as reader:
                saved = [replace(sample(100), failures=count) for count in range(CROWD)]
                await save(writer, saved[0])
                writing = asyncio.create_task(save(writer, *saved))
                while not writing.done():
                    await asyncio.sleep(0)  # a store without I/O would never let the writer go on
                    demand(await reader.load() in saved, "a reader sees a credential that was saved, whole")
                await writing

        run(law())

    def test_a_cancelled_save_is_kept_whole_or_not_at_all(self) -> None:
        """Wherever a save is cancelled, what is loaded afterwards is the old credential or the new one."""

        async def law() -> None:
            old, new = sample(100), Credential(refresh_token="new")
            async with self.open() as store:
                for turns in range(CROWD * 2):
                    await save(store, old)
                    saving = asyncio.create_task(save(store, new))
                    for _ in range(turns):
                        await asyncio.sleep(0)
                    saving.cancel()
                    await asyncio.gather(saving, return_exceptions=True)
                    async with store.exclusive() as slot:
                        demand(await slot.load() in (old, new), "a cancelled save leaves the old or the new")

        run(law())

    def test_its_repr_shows_no_secret(self) -> None:
        """Error messages name a store by its repr, which must not hold what it keeps (law G1)."""

        async def law() -> None:
            async with self.open() as store:
                await save(store, Credential(token=Token(access_token="canary-1"), refresh_token="canary-2"))
                await store.load()
                demand("canary" not in repr(store), "repr() of a store shows nothing of what it keeps")

        run(law())


def _is_over(credential: Credential | None) -> bool:
    return credential is None or credential.is_tombstone
