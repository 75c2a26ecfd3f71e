"""The laws of holding: one holder at a time, also where one waits, fails, is cancelled or comes too late."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from aio_token._credential import Credential
from aio_token._errors import LockTimeout, Superseded
from aio_token.testing._laws import CROWD, HANG, Laws, demand, run, sample, save

if TYPE_CHECKING:
    from aio_token._interfaces import Slot, TokenStore

_SOON = 5.0
_MOMENT = 0.2
_PAUSE = 0.005
_THREADS = 4


class HoldingLaws(Laws):
    """How a store is held."""

    def test_one_holder_excludes_another(self) -> None:
        """A second holder waits until the first has left, whichever handle it came by."""

        async def law() -> None:
            async with self.open() as first, self.open() as second:
                async with first.exclusive():
                    entered = [await _enters(store, patience=_MOMENT) for store in (first, second)]
                demand(not any(entered), "no other holder enters while the store is held, by whichever handle")
                demand(await _enters(second, patience=_SOON), "the next one enters when the first has left")

        run(law())

    def test_holders_in_several_threads_exclude_each_other(self) -> None:
        """Event loops that run at the same time, each in a thread, hold the store one after another (law C10)."""
        inside: list[int] = []
        together: list[int] = []

        async def law() -> None:
            async with self.open() as store:
                for _ in range(CROWD):
                    async with store.exclusive() as slot:
                        inside.append(1)
                        together.append(len(inside))
                        await slot.load()
                        await asyncio.sleep(_PAUSE)
                        inside.pop()

        def enter() -> None:
            start.wait(HANG)
            run(law())

        start = threading.Barrier(_THREADS)
        threads = [threading.Thread(target=enter, daemon=True) for _ in range(_THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(HANG)
        demand(together == [1] * CROWD * _THREADS, "holders in several threads exclude each other, and all enter")

    def test_a_hold_says_how_long_it_lasts(self) -> None:
        """`lasts` is a number of seconds that are left, or None: as long as the slot is held (law J2)."""

        async def law() -> None:
            async with self.open() as store, store.exclusive() as slot:
                first, second = slot.lasts, slot.lasts
                demand((first is None) == (second is None), "lasts is None always, or never")
                demand(first is None or (second or 0.0) <= first, "what is left of a hold does not grow by itself")

        run(law())

    def test_a_save_that_comes_too_late_is_refused(self) -> None:
        """Where a hold lapses and another holder writes, the first one's save is `Superseded` or `LockTimeout`.

        A store whose holds last as long as they are held cannot show it, and has nothing to show.
        """

        async def law() -> None:
            newer = Credential(refresh_token="newer")
            async with self.open() as first, self.open() as second:
                await save(first, sample(100))
                with suppress(LockTimeout):  # the end of a hold that has lapsed may say so
                    async with first.exclusive() as slot:
                        if slot.lasts is None:
                            return
                        await slot.load()
                        await self.lapse(slot)
                        await save(second, newer)
                        demand(await _is_refused(slot), "a save after the hold has lapsed is refused")
                demand(await second.load() == newer, "a save that came too late changes nothing")

        run(law())

    def test_no_update_is_lost(self) -> None:
        """Ten holders that each read, think and write lose none of ten updates."""

        async def law() -> None:
            async def add_one() -> None:
                async with self.open() as store, store.exclusive() as slot:
                    kept = await slot.load() or Credential()
                    await asyncio.sleep(0)
                    await slot.save(replace(kept, failures=kept.failures + 1))

            await asyncio.gather(*(add_one() for _ in range(CROWD)))
            async with self.open() as store:
                demand(await store.load() == Credential(failures=CROWD), "each of ten updates is kept")

        run(law())

    def test_loading_does_not_wait_for_a_holder(self) -> None:
        """A credential is read while another holder has the store."""

        async def law() -> None:
            async with self.open() as first, self.open() as second:
                await save(first, sample(100))
                async with first.exclusive():
                    demand(await second.load() == sample(100), "load() works while the store is held")

        run(law())

    def test_a_holder_that_fails_lets_the_next_one_in(self) -> None:
        """An exception passes through `exclusive` and ends the hold."""

        async def law() -> None:
            async def fail(store: TokenStore) -> None:
                async with store.exclusive():
                    raise _Failure

            async with self.open() as store:
                (outcome,) = await asyncio.gather(fail(store), return_exceptions=True)
                demand(isinstance(outcome, _Failure), "exclusive() lets exceptions through")
                demand(await _enters(store, patience=_SOON), "the next one enters after a holder has failed")

        run(law())

    def test_a_cancelled_waiter_holds_nothing(self) -> None:
        """A wait that is given up leaves nothing behind that keeps others out."""

        async def law() -> None:
            async with self.open() as store:
                async with store.exclusive():
                    waiters = [asyncio.create_task(_enters(store, patience=HANG)) for _ in range(CROWD)]
                    await asyncio.sleep(0)
                    for waiter in waiters:
                        waiter.cancel()
                    await asyncio.gather(*waiters, return_exceptions=True)
                demand(await _enters(store, patience=_SOON), "the next one enters after ten waiters were cancelled")

        run(law())

    def test_a_store_serves_one_event_loop_after_another(self) -> None:
        """Three loops in a row use one handle, with contention in each."""
        handles: list[TokenStore] = []

        async def law() -> None:
            store = handles[0] if handles else self.make()
            handles[:] = [store]
            entered = await asyncio.gather(*(_enters(store, patience=HANG) for _ in range(3)))
            demand(all(entered), "all who wait enter, on each of several loops")

        for _ in range(3):
            run(law())


class _Failure(Exception):
    """What the holder of a store may come to."""


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
