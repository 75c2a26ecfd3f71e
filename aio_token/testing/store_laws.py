"""What every `TokenStore` keeps, as a suite that any store can be put through.

Derive a class from `StoreLaws` in a test file, and say how a store is made:

    class TestMyStore(StoreLaws):
        def make(self) -> TokenStore:
            return MyStore(...)

pytest and unittest's runners both find its `test_` methods; no plugin is needed, for each runs a loop of its own.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import nullcontext, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from aio_token._credential import Credential, IssuedBy
from aio_token._errors import LockTimeout, Superseded
from aio_token._token import Token

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from contextlib import AbstractAsyncContextManager
    from typing import Any, ClassVar

    from aio_token._interfaces import Slot, TokenStore

_HANG = 30.0
_SOON = 5.0
_MOMENT = 0.2
_PAUSE = 0.005
_CROWD = 10
_THREADS = 4


class StoreLaws:
    """The laws of a store, one test each.

    All stores that one test makes are handles on the same storage, which is empty when the test begins. `token_size`
    is the length of the longest access token that the store must take.
    """

    token_size: ClassVar[int] = 16_384

    def make(self) -> TokenStore:
        """Return a new handle on the storage of this test; it is called on the loop that will use it."""
        raise NotImplementedError

    def open(self) -> AbstractAsyncContextManager[TokenStore]:
        """Make a handle and let go of it in the end; for stores that must be closed."""
        return nullcontext(self.make())

    async def lapse(self, slot: Slot) -> None:
        """End a hold as if its time had passed; for stores whose `slot.lasts` is a number of seconds."""
        raise NotImplementedError

    def test_an_empty_store_holds_nothing(self) -> None:
        """Loading from an empty store gives None, with the lock and without."""

        async def law() -> None:
            async with self.open() as store:
                _demand(await store.load() is None, "load() of an empty store is None")
                async with store.exclusive() as slot:
                    _demand(await slot.load() is None, "slot.load() of an empty store is None")

        _run(law())

    def test_what_is_saved_is_loaded_by_another_handle(self) -> None:
        """Every member of a credential survives, and is there for every handle on the same storage."""

        async def law() -> None:
            kept = _credential(self.token_size)
            async with self.open() as first, self.open() as second:
                await _save(first, kept)
                _demand(await second.load() == kept, "another handle loads what was saved")
                async with second.exclusive() as slot:
                    _demand(await slot.load() == kept, "a slot of another handle loads what was saved")

        _run(law())

    def test_a_save_replaces_everything(self) -> None:
        """No member of the credential before shows through."""

        async def law() -> None:
            bare = Credential(refresh_token="second")
            async with self.open() as store:
                await _save(store, _credential(100))
                await _save(store, bare)
                _demand(await store.load() == bare, "the second credential is kept, and nothing of the first")

        _run(law())

    def test_a_slot_reads_what_it_wrote(self) -> None:
        """Within one hold, loading gives what was last saved."""

        async def law() -> None:
            async with self.open() as store, store.exclusive() as slot:
                for count in range(3):
                    await slot.save(Credential(failures=count))
                    _demand(await slot.load() == Credential(failures=count), "a slot loads what it saved last")

        _run(law())

    def test_delete_leaves_nothing(self) -> None:
        """After a delete nothing is there; deleting nothing is no error; saving works again."""

        async def law() -> None:
            async with self.open() as store:
                await _save(store, _credential(100))
                async with store.exclusive() as slot:
                    await slot.delete()
                    await slot.delete()
                    _demand(await slot.load() is None, "a slot loads nothing after delete()")
                _demand(await store.load() is None, "nothing is kept after delete()")
                await _save(store, _credential(100))
                _demand(await store.load() == _credential(100), "a save after delete() is kept")

        _run(law())

    def test_one_holder_excludes_another(self) -> None:
        """A second holder waits until the first has left, whichever handle it came by."""

        async def law() -> None:
            async with self.open() as first, self.open() as second:
                async with first.exclusive():
                    entered = [await _enters(store, patience=_MOMENT) for store in (first, second)]
                _demand(not any(entered), "no other holder enters while the store is held, by whichever handle")
                _demand(await _enters(second, patience=_SOON), "the next one enters when the first has left")

        _run(law())

    def test_holders_in_several_threads_exclude_each_other(self) -> None:
        """Event loops that run at the same time, each in a thread, hold the store one after another (law C10)."""
        inside: list[int] = []
        together: list[int] = []

        async def law() -> None:
            async with self.open() as store:
                for _ in range(_CROWD):
                    async with store.exclusive() as slot:
                        inside.append(1)
                        together.append(len(inside))
                        await slot.load()
                        await asyncio.sleep(_PAUSE)
                        inside.pop()

        def run() -> None:
            start.wait(_HANG)
            _run(law())

        start = threading.Barrier(_THREADS)
        threads = [threading.Thread(target=run, daemon=True) for _ in range(_THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(_HANG)
        _demand(together == [1] * _CROWD * _THREADS, "holders in several threads exclude each other, and all enter")

    def test_a_hold_says_how_long_it_lasts(self) -> None:
        """`lasts` is a number of seconds that are left, or None: as long as the slot is held (law J2)."""

        async def law() -> None:
            async with self.open() as store, store.exclusive() as slot:
                first, second = slot.lasts, slot.lasts
                _demand((first is None) == (second is None), "lasts is None always, or never")
                _demand(first is None or (second or 0.0) <= first, "what is left of a hold does not grow by itself")

        _run(law())

    def test_it_says_whether_it_may_lose(self) -> None:
        """`may_lose` is True or False, and the same for every handle (law F9)."""

        async def law() -> None:
            async with self.open() as first, self.open() as second:
                _demand(first.may_lose in {True, False}, "may_lose is True or False")
                _demand(first.may_lose is second.may_lose, "may_lose is the same for every handle")

        _run(law())

    def test_a_save_that_comes_too_late_is_refused(self) -> None:
        """Where a hold lapses and another holder writes, the first one's save is `Superseded` or `LockTimeout`.

        A store whose holds last as long as they are held cannot show it, and has nothing to show.
        """

        async def law() -> None:
            newer = Credential(refresh_token="newer")
            async with self.open() as first, self.open() as second:
                await _save(first, _credential(100))
                with suppress(LockTimeout):  # the end of a hold that has lapsed may say so
                    async with first.exclusive() as slot:
                        if slot.lasts is None:
                            return
                        await slot.load()
                        await self.lapse(slot)
                        await _save(second, newer)
                        _demand(await _is_refused(slot), "a save after the hold has lapsed is refused")
                _demand(await second.load() == newer, "a save that came too late changes nothing")

        _run(law())

    def test_no_update_is_lost(self) -> None:
        """Ten holders that each read, think and write lose none of ten updates."""

        async def law() -> None:
            async def add_one() -> None:
                async with self.open() as store, store.exclusive() as slot:
                    kept = await slot.load() or Credential()
                    await asyncio.sleep(0)
                    await slot.save(replace(kept, failures=kept.failures + 1))

            await asyncio.gather(*(add_one() for _ in range(_CROWD)))
            async with self.open() as store:
                _demand(await store.load() == Credential(failures=_CROWD), "each of ten updates is kept")

        _run(law())

    def test_loading_does_not_wait_for_a_holder(self) -> None:
        """A credential is read while another holder has the store."""

        async def law() -> None:
            async with self.open() as first, self.open() as second:
                await _save(first, _credential(100))
                async with first.exclusive():
                    _demand(await second.load() == _credential(100), "load() works while the store is held")

        _run(law())

    def test_loading_beside_a_writer_gives_a_whole_credential(self) -> None:
        """A reader beside a writer gets one of the credentials that were saved."""

        async def law() -> None:
            async with self.open() as writer, self.open() as reader:
                saved = [replace(_credential(100), failures=count) for count in range(_CROWD)]
                await _save(writer, saved[0])
                writing = asyncio.create_task(_save(writer, *saved))
                while not writing.done():
                    await asyncio.sleep(0)  # a store without I/O would never let the writer go on
                    _demand(await reader.load() in saved, "a reader sees a credential that was saved, whole")
                await writing

        _run(law())

    def test_a_holder_that_fails_lets_the_next_one_in(self) -> None:
        """An exception passes through `exclusive` and ends the hold."""

        async def law() -> None:
            async def fail(store: TokenStore) -> None:
                async with store.exclusive():
                    raise _Failure

            async with self.open() as store:
                (outcome,) = await asyncio.gather(fail(store), return_exceptions=True)
                _demand(isinstance(outcome, _Failure), "exclusive() lets exceptions through")
                _demand(await _enters(store, patience=_SOON), "the next one enters after a holder has failed")

        _run(law())

    def test_a_cancelled_waiter_holds_nothing(self) -> None:
        """A wait that is given up leaves nothing behind that keeps others out."""

        async def law() -> None:
            async with self.open() as store:
                async with store.exclusive():
                    waiters = [asyncio.create_task(_enters(store, patience=_HANG)) for _ in range(_CROWD)]
                    await asyncio.sleep(0)
                    for waiter in waiters:
                        waiter.cancel()
                    await asyncio.gather(*waiters, return_exceptions=True)
                _demand(await _enters(store, patience=_SOON), "the next one enters after ten waiters were cancelled")

        _run(law())

    def test_a_cancelled_save_is_kept_whole_or_not_at_all(self) -> None:
        """Wherever a save is cancelled, what is loaded afterwards is the old credential or the new one."""

        async def law() -> None:
            old, new = _credential(100), Credential(refresh_token="new")
            async with self.open() as store:
                for turns in range(_CROWD * 2):
                    await _save(store, old)
                    saving = asyncio.create_task(_save(store, new))
                    for _ in range(turns):
                        await asyncio.sleep(0)
                    saving.cancel()
                    await asyncio.gather(saving, return_exceptions=True)
                    async with store.exclusive() as slot:
                        _demand(await slot.load() in (old, new), "a cancelled save leaves the old or the new")

        _run(law())

    def test_a_store_serves_one_event_loop_after_another(self) -> None:
        """Three loops in a row use one handle, with contention in each."""
        handles: list[TokenStore] = []

        async def law() -> None:
            store = handles[0] if handles else self.make()
            handles[:] = [store]
            entered = await asyncio.gather(*(_enters(store, patience=_HANG) for _ in range(3)))
            _demand(all(entered), "all who wait enter, on each of several loops")

        for _ in range(3):
            _run(law())

    def test_its_repr_shows_no_secret(self) -> None:
        """Error messages name a store by its repr, which must not hold what it keeps (law G1)."""

        async def law() -> None:
            async with self.open() as store:
                await _save(store, Credential(token=Token(access_token="canary-1"), refresh_token="canary-2"))
                await store.load()
                _demand("canary" not in repr(store), "repr() of a store shows nothing of what it keeps")

        _run(law())


class _Failure(Exception):
    """What the holder of a store may come to."""


def _credential(size: int) -> Credential:
    extra = {"id_token": "é" * 10, "nested": {"list": [1, None, True]}}
    return Credential(
        token=Token(access_token="a" * size, expires_at=1_700_000_000.5, scope="read write", extra=extra),
        obtained_at=1_699_999_000.25,
        refresh_token="r" * 100,
        refresh_expires_at=1_800_000_000.0,
        issued_by=IssuedBy(token_endpoint="https://id.example/token", client_id="bot", scope="", audience=None),
        refused="0123abcd",
        retry_at=1_700_000_001.0,
        failures=3,
    )


async def _save(store: TokenStore, *credentials: Credential) -> None:
    for credential in credentials:
        async with store.exclusive() as slot:
            await slot.save(credential)


async def _is_refused(slot: Slot) -> bool:
    try:
        await slot.save(Credential(refresh_token="late"))
    except (Superseded, LockTimeout):
        return True
    return False


async def _enters(store: TokenStore, *, patience: float) -> bool:
    try:
        async with asyncio.timeout(patience), store.exclusive():
            return True
    except TimeoutError:
        return False


def _run(law: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(_HANG):
            await law

    asyncio.run(bounded())


def _demand(kept: bool, law: str) -> None:  # noqa: FBT001  the assertion that a runner need not rewrite to explain
    if not kept:
        raise AssertionError(law)
