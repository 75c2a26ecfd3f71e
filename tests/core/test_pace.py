"""How many renewals are in hand at a time, and that none waits for ever for its turn."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

import pytest

from aio_token import ConfigurationError, Credential, Limits, MemoryTokenStore, Pace, SignInRequired, TokenRepository
from aio_token._clock import SYSTEM_CLOCK
from aio_token._pacing import pace as pace_module
from aio_token._pacing.pace import turns_of
from aio_token.stores import LockTimeout
from tests.support.doubles import RotatingGrant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_token import Token, TokenSource, Wish

BOUND = 32


class Crowd:
    """Counts those who are asked at a time, over many grants."""

    def __init__(self) -> None:
        self.now = self.most = self.calls = 0
        self.filled = asyncio.Event()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Count one more while it lasts."""
        self.calls += 1
        self.now += 1
        self.most = max(self.most, self.now)
        if self.now == BOUND:
            self.filled.set()
        try:
            yield
        finally:
            self.now -= 1


class Counted(RotatingGrant):
    """A grant that takes a few passes of the loop, and asks another source first if it is given one."""

    def __init__(self, crowd: Crowd, source: TokenSource | None = None) -> None:
        super().__init__(SYSTEM_CLOCK)
        self.crowd = crowd
        self.source = source

    async def obtain(self, credential: Credential | None, wish: Wish) -> Credential:
        """Obtain, in the crowd."""
        async with self.crowd.one():
            if self.source is not None:
                await self.source.token()
            await asyncio.sleep(0.001)
            return await super().obtain(credential, wish)


class HeldStore(MemoryTokenStore):
    """A store that another host holds until it lets go."""

    def __init__(self, waiting: Crowd) -> None:
        super().__init__()
        self.let_go = asyncio.Event()
        self.waiting = waiting

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[MemoryTokenStore]:
        """Wait for the other host."""
        async with self.waiting.one():
            await self.let_go.wait()
        async with super().exclusive() as slot:
            yield slot


@pytest.fixture
def crowd() -> Crowd:
    """Return an empty one."""
    return Crowd()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have renewals make room after a fiftieth of a second."""
    monkeypatch.setattr(pace_module, "PATIENCE", 0.02)


def repositories(count: int, crowd: Crowd, pace: Pace) -> list[TokenRepository]:
    """Return that many accounts of one pace."""
    return [TokenRepository(Counted(crowd), pace=pace, observer=None) for _ in range(count)]


async def all_of(many: list[TokenRepository]) -> list[Token]:
    """Ask them all at once."""
    async with asyncio.timeout(60):
        return await asyncio.gather(*(one.token() for one in many))


@pytest.mark.parametrize("bound", [1, 3, BOUND])
async def test_a_bounded_number_is_in_hand_and_all_are_served(bound: int, crowd: Crowd) -> None:
    """Law C12: a hundred expired at once; as many as there are slots are renewed at a time, and the slots are used."""
    assert len(await all_of(repositories(100, crowd, Pace(at_once=bound)))) == 100
    assert (crowd.most, crowd.calls) == (bound, 100)


async def test_without_a_pace_of_their_own_all_share_the_processs(crowd: Crowd) -> None:
    """Law C12: 32 at a time, whichever part of a program has made the repositories."""
    many = [TokenRepository(Counted(crowd), observer=None) for _ in range(2 * BOUND)]
    await all_of(many)
    assert crowd.most == BOUND


async def test_paces_do_not_know_of_each_other(crowd: Crowd) -> None:
    """Law C12: accounts with a pace of their own queue behind no one else."""
    await all_of([one for pace in (Pace(1), Pace(1)) for one in repositories(5, crowd, pace)])
    assert crowd.most == 2


async def test_forty_exchanges_over_sources_of_the_same_bound(crowd: Crowd) -> None:
    """Law C12: a renewal inside a renewal takes no slot; otherwise 32 would wait for what can never begin."""
    inner, pace = Crowd(), Pace()
    sources = repositories(40, inner, pace)
    outer = [TokenRepository(Counted(crowd, source), pace=pace, observer=None) for source in sources]
    await all_of(outer)
    assert (crowd.most, crowd.calls, inner.calls) == (BOUND, 40, 40)


async def test_a_renewal_that_queues_is_let_through_when_another_one_needs_it(crowd: Crowd) -> None:
    """Law C12: forty exchanges over one source, whose renewal was asked for from outside and stands behind them."""
    inner, pace = Crowd(), Pace()
    (source,) = repositories(1, inner, pace)
    go = asyncio.Event()

    class Later:
        async def token(self, **_: object) -> Token:
            await go.wait()
            return await source.token()

    outer = [TokenRepository(Counted(crowd, cast("TokenSource", Later())), pace=pace, observer=None) for _ in range(40)]
    asking = asyncio.ensure_future(all_of(outer))
    await crowd.filled.wait()
    outside = asyncio.ensure_future(source.token())
    await asyncio.sleep(0.01)
    assert inner.calls == 0
    go.set()
    await asking
    await outside
    assert (crowd.most, inner.calls) == (BOUND, 1)


@pytest.mark.usefixtures("impatient")
async def test_who_waits_for_a_lock_makes_room(crowd: Crowd) -> None:
    """Law C12: 32 wait for hosts that do not let go; hundreds of healthy ones get through, and then the 32 do."""
    pace = Pace()
    at_the_locks = Crowd()
    stores = [HeldStore(at_the_locks) for _ in range(BOUND)]
    stuck = [TokenRepository(Counted(crowd), store, pace=pace, observer=None) for store in stores]
    waiting = asyncio.ensure_future(all_of(stuck))
    await at_the_locks.filled.wait()
    healthy = Crowd()
    assert len(await all_of(repositories(300, healthy, pace))) == 300
    assert healthy.calls == 300
    assert not waiting.done()
    for store in stores:
        store.let_go.set()
    assert len(await waiting) == BOUND


@pytest.mark.usefixtures("impatient")
async def test_who_waits_for_a_lock_stays_where_no_one_else_queues(crowd: Crowd) -> None:
    """Law C12: making room for no one would cost the place among those who wait for the lock."""
    store = HeldStore(Crowd())
    waiting = asyncio.ensure_future(TokenRepository(Counted(crowd), store, pace=Pace(1), observer=None).token())
    await asyncio.sleep(0.1)
    store.let_go.set()
    await waiting
    assert store.waiting.calls == 1


@pytest.mark.usefixtures("impatient")
async def test_making_room_does_not_lengthen_the_wait_for_a_lock(crowd: Crowd) -> None:
    """Law C4: the limit counts what was waited for the lock, however often the renewal has queued between."""
    pace, store, done = Pace(1), HeldStore(Crowd()), False

    async def healthy() -> None:
        while not done:
            await all_of(repositories(3, crowd, pace))

    limits = Limits(lock=0.1)
    stuck = TokenRepository(Counted(Crowd()), store, limits=limits, pace=pace, observer=None)
    busy = asyncio.ensure_future(healthy())
    with pytest.raises(LockTimeout):
        await asyncio.wait_for(stuck.token(), 30)
    done = True
    await busy
    assert 2 <= store.waiting.calls <= 6


async def test_no_slot_is_held_while_a_person_is_waited_for(crowd: Crowd) -> None:
    """Law C12: a person takes minutes."""
    pace, person = Pace(1), Counted(Crowd())
    person.go.clear()
    grant = Counted(crowd)
    grant.errors = [SignInRequired("there is no refresh token; sign in")]
    signing_in = TokenRepository(grant, sign_in_with=person, pace=pace, observer=None)
    waiting = asyncio.ensure_future(signing_in.token())
    await person.arrived.wait()
    await all_of(repositories(5, crowd, pace))
    assert not waiting.done()
    person.go.set()
    await waiting


async def test_who_is_cancelled_in_the_queue_takes_no_slot_along(crowd: Crowd) -> None:
    """Law C3: neither while it queues, nor in the very moment in which it is let through."""
    pace = Pace(1)
    begun, go = asyncio.Event(), asyncio.Event()

    async def first(_: object) -> None:
        begun.set()
        await go.wait()

    async def nothing(_: object) -> None:
        pass

    async def hold() -> None:
        await turns_of(pace).through(first)
        queued[1].cancel()  # it was let through in this very tick

    holder = asyncio.ensure_future(hold())
    await begun.wait()
    queued = [asyncio.ensure_future(turns_of(pace).through(nothing)) for _ in range(3)]
    await asyncio.sleep(0)
    queued[0].cancel()
    await asyncio.sleep(0)
    go.set()
    await holder
    outcomes = await asyncio.gather(*queued, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes[:2]] == [asyncio.CancelledError] * 2
    assert outcomes[2] is None
    await all_of(repositories(3, crowd, pace))
    assert crowd.most == 1


async def test_each_event_loop_has_its_own_slots() -> None:
    """Law C12: a loop that stands still, as one does between the calls of a synchronous program, holds up no other."""
    pace, counts = Pace(2), Counter[int]()

    def a_loop(number: int) -> None:
        async def renew() -> None:
            crowd = Crowd()
            await all_of(repositories(20, crowd, pace))
            counts[number] = crowd.most

        asyncio.run(renew())

    threads = [threading.Thread(target=a_loop, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    assert counts == {0: 2, 1: 2, 2: 2}


@pytest.mark.parametrize("at_once", [0, -1, True, 2.0, "2", None])
def test_a_bound_is_a_whole_number_from_one(at_once: object) -> None:
    """A pace that lets no one through is refused where it is made."""
    with pytest.raises(ConfigurationError, match="at_once is a whole number, 1 or more"):
        Pace(cast("int", at_once))


def test_a_pace_is_a_pace() -> None:
    """What else is given to a repository is refused at once; a pace says how many it lets through."""
    with pytest.raises(ConfigurationError, match=r"pace takes a Pace\(\.\.\.\), not a int"):
        TokenRepository(RotatingGrant(SYSTEM_CLOCK), pace=cast("Pace", 32))
    assert repr(Pace(7)) == "Pace(at_once=7)"
