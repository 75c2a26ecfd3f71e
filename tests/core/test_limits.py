"""Limits: what they bound, and what a loop that stands still does to them."""

from __future__ import annotations

import asyncio
import gc
import time

import pytest

from aio_token import Credential, Limits, ServerUnavailable, StoreError, TokenError, TokenRepository
from aio_token import _limits as limits_module
from aio_token._limits import within
from aio_token.testing import ManualClock
from tests.support.doubles import FaultyStore, RotatingGrant


async def test_what_ends_in_time_is_left_alone() -> None:
    """Its timer goes with it."""
    async with within(30, ServerUnavailable("late")):
        await asyncio.sleep(0)
    gc.collect()
    assert not [handle for handle in asyncio.get_running_loop()._scheduled if not handle.cancelled()]  # type: ignore[attr-defined]


async def test_what_takes_longer_ends_in_its_error() -> None:
    """Law C4: and in no foreign one."""
    with pytest.raises(ServerUnavailable, match="late") as error:
        async with within(0.01, ServerUnavailable("late")):
            await asyncio.Event().wait()
    assert error.value.__context__ is None


async def test_an_error_inside_passes_through() -> None:
    """The limit is about time alone."""
    with pytest.raises(KeyError):
        async with within(30, ServerUnavailable("late")):
            raise KeyError


async def test_a_limit_that_passes_while_the_loop_stands_still_gives_a_second_chance() -> None:
    """Law C13: the answer had come, and only has to be looked at."""
    loop, answer = asyncio.get_running_loop(), asyncio.Event()
    async with within(0.05, ServerUnavailable("late")):
        # The answer takes a few passes of the loop, as bytes in a socket do.
        loop.call_later(0.2, loop.call_later, 0.05, answer.set)
        time.sleep(0.3)  # noqa: ASYNC251  a synchronous call of another
        await answer.wait()


async def test_the_second_chance_is_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law C13: what does not come then was not there."""
    monkeypatch.setattr(limits_module, "_SECOND_CHANCE", 0.02)

    async def standing_still() -> None:
        async with within(0.05, ServerUnavailable("late")):
            time.sleep(0.3)  # noqa: ASYNC251
            await asyncio.Event().wait()

    with pytest.raises(ServerUnavailable, match="late"):
        await standing_still()


async def test_a_renewal_survives_a_loop_that_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law C13: whatever rotated meanwhile is saved, though the grant's limit and the store's have passed."""
    store = FaultyStore()
    grant = RotatingGrant(ManualClock())
    tokens = TokenRepository(grant, store, clock=grant.clock, limits=Limits(obtain=0.5, save=0.5), observer=None)
    grant.go.clear()
    asking = asyncio.create_task(tokens.token())
    await grant.arrived.wait()
    asyncio.get_running_loop().call_later(0.6, grant.go.set)
    time.sleep(0.8)  # noqa: ASYNC251
    assert (await asking).access_token == "access-1"
    assert not tokens.status.unsaved


async def test_a_store_that_hangs_hangs_no_caller() -> None:
    """Law F10: a network file system that is away blocks its readers; the error says which store."""
    store = FaultyStore()
    store.faults["load"] = asyncio.Event()
    tokens = TokenRepository(RotatingGrant(ManualClock()), store, limits=Limits(load=0.02), observer=None)
    with pytest.raises(StoreError, match=r"MemoryTokenStore\(\) could not be read within 0\.02 s"):
        await tokens.token()


def test_a_waiter_for_the_lock_outlasts_a_healthy_holder() -> None:
    """Law C4: with a shorter limit, waiters would give up on holders that only take as long as they may."""
    limits = Limits()
    assert limits.lock > limits.obtain + limits.save


async def test_what_cancels_itself_is_an_error_and_no_end() -> None:
    """Law C4: a store or grant whose own task was cancelled raises CancelledError where no one cancelled its caller."""
    own = asyncio.create_task(asyncio.Event().wait())
    own.cancel()
    with pytest.raises(RuntimeError, match="has cancelled itself") as error:
        async with within(30, ServerUnavailable("late")):
            await own
    assert error.value.__context__ is None


async def test_a_cancellation_from_outside_passes_through() -> None:
    """Law C3: it is meant for whoever runs this, and so is a limit around it."""

    async def waiting() -> None:
        async with within(30, ServerUnavailable("late")):
            await asyncio.Event().wait()

    task = asyncio.create_task(waiting())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(waiting(), 0.01)
    with pytest.raises(ServerUnavailable, match="around"):
        async with within(0.01, ServerUnavailable("around")):
            await waiting()


class CancellingStore(FaultyStore):
    """A store whose own work is cancelled at the steps in `faults`, or which fails there with what stands there."""

    async def _step(self, name: str) -> None:
        if self.faults.get(name) is self.cancels:
            own = asyncio.create_task(asyncio.Event().wait())
            own.cancel()
            await own
        await super()._step(name)

    cancels = asyncio.Event()


@pytest.mark.parametrize("step", ["load", "exclusive", "save"])
async def test_a_store_that_cancels_itself_has_failed(step: str) -> None:
    """Laws C4, C5: callers get an error that is not a cancellation, and the next call goes well; what a server gave
    is served although the save has cancelled itself.
    """
    grant, store = RotatingGrant(ManualClock()), CancellingStore()
    tokens = TokenRepository(grant, store, observer=None)
    if step == "save":
        store.faults["save"] = store.cancels
        assert (await tokens.token()).access_token == "access-1"
        assert tokens.status.unsaved
    else:
        store.faults[step] = store.cancels
        with pytest.raises(TokenError, match="unexpected error"):
            await tokens.token()
    store.faults.clear()
    assert (await tokens.renew()).access_token == f"access-{grant.calls}"
    assert not tokens.status.unsaved


@pytest.mark.parametrize(
    "fault", [CancellingStore.cancels, RecursionError(), OSError("canary")], ids=["cancels", "recurses", "fails"]
)
async def test_what_keeps_a_store_from_deleting_is_its_error(fault: Exception | asyncio.Event) -> None:
    """Law E3: `sign_out` raises `StoreError` and nothing of the store's own; the wish is kept."""
    store = CancellingStore()
    tokens = TokenRepository(RotatingGrant(ManualClock()), store, observer=None)
    await tokens.token()
    store.faults["delete"] = fault
    with pytest.raises(StoreError, match=r"MemoryTokenStore\(\) failed \("):
        await tokens.sign_out()
    assert tokens.status.state == "absent"


async def test_a_store_that_hangs_while_it_deletes_hangs_no_one() -> None:
    """Law F10: deleting has the limit of writing."""
    store = FaultyStore()
    tokens = TokenRepository(RotatingGrant(ManualClock()), store, limits=Limits(save=0.05), observer=None)
    await tokens.token()
    store.faults["delete"] = asyncio.Event()
    with pytest.raises(StoreError, match=r"did not remove the credential within 0\.05 s"):
        await tokens.sign_out()


@pytest.mark.parametrize("given", [{}, "text", b"", 0], ids=repr)
async def test_a_store_that_gives_something_else_is_named(given: object) -> None:
    """Law F3: what is no credential is nothing to be renewed or overwritten."""

    class Odd(FaultyStore):
        async def load(self) -> Credential | None:
            return given  # type: ignore[return-value]

    grant = RotatingGrant(ManualClock())
    tokens = TokenRepository(grant, Odd(), observer=None)
    with pytest.raises(StoreError, match=rf"gave a {type(given).__name__} instead of a Credential; see to its load"):
        await tokens.token()
    assert grant.calls == 0
