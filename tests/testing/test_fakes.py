"""The stand-ins for the seams."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING, cast

import pytest

import aio_token.testing
from aio_token import ConfigurationError, GrantRefused, MemoryTokenStore, ServerUnavailable, StoreError, TokenRepository
from aio_token.events import Renewed, Saved, Unsaved
from aio_token.grants import IssuedBy
from aio_token.testing import FixedSource, HaltingStore, RecordingObserver, ScriptedGrant, credential, token

if TYPE_CHECKING:
    from aio_token.testing import StoreStep

FIRST, SECOND = token("first"), token("second")


def test_makers_make_values() -> None:
    """`token` and `credential` make what they are asked for, a credential without a token included."""
    issued_by = IssuedBy(token_endpoint="https://id.example/token", client_id="bot")
    made = credential("a", "r", expires_at=5.0, issued_by=issued_by)
    assert made.token == token("a", expires_at=5.0)
    assert (made.refresh_token, made.issued_by) == ("r", issued_by)
    assert credential(None).token is None


async def test_a_fixed_source_gives_its_token() -> None:
    """One token is given however often it is asked for or refused, and the questions are counted."""
    source = FixedSource(FIRST)
    assert await source.token() is await source.token(rejected=FIRST) is FIRST
    assert (source.asked, source.rejected) == (2, [FIRST])


async def test_a_fixed_source_gives_the_successor_of_a_refused_token() -> None:
    """A refused token is followed by the next one, and later holders of the first get the second as well."""
    source = FixedSource(FIRST, SECOND)
    assert await source.token(rejected=FIRST) is SECOND
    assert await source.token(rejected=FIRST) is SECOND


async def test_a_fixed_source_can_fail() -> None:
    """An error among its answers is raised, a fresh object each time."""
    error = ServerUnavailable("later", retry_after=3.0)
    source = FixedSource(error)
    with pytest.raises(ServerUnavailable, match="later") as caught:
        await source.token()
    assert caught.value is not error
    assert caught.value.retry_after == 3.0


async def test_a_fixed_source_has_a_token_by_default() -> None:
    """Without answers there is still a token."""
    assert await FixedSource().token() == token()


async def test_a_scripted_grant_follows_its_script() -> None:
    """Answers come in order, exceptions are raised, the last answer stays."""
    grant = ScriptedGrant(GrantRefused("no"), OSError("odd"), credential("a"))
    with pytest.raises(GrantRefused):
        await grant.obtain(None)
    with pytest.raises(OSError, match="odd"):
        await grant.obtain(None)
    assert await grant.obtain(credential("a")) == await grant.obtain(None) == credential("a")
    assert grant.calls == [None, None, credential("a"), None]


async def test_a_scripted_grant_halts() -> None:
    """Calls stop until they are released, and those in progress together are counted."""
    grant = ScriptedGrant()
    grant.halt()
    calls = [asyncio.create_task(grant.obtain(None)) for _ in range(2)]
    await grant.arrived.wait()
    await asyncio.sleep(0)
    assert [call.done() for call in calls] == [False, False]
    grant.release()
    assert await asyncio.gather(*calls) == [credential(), credential()]
    assert grant.most_at_once == 2


async def test_a_scripted_grant_counts_calls_that_overlap_only() -> None:
    """A call that was cancelled is in progress no more."""
    grant = ScriptedGrant()
    grant.halt()
    call = asyncio.create_task(grant.obtain(None))
    await grant.arrived.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    grant.release()
    await grant.obtain(None)
    assert grant.most_at_once == 1


async def test_a_scripted_grant_notes_revocations() -> None:
    """What is revoked is listed."""
    grant = ScriptedGrant()
    await grant.revoke(credential("a"))
    assert grant.revoked == [credential("a")]


async def test_the_stand_ins_fit_the_seams() -> None:
    """A repository works with them: the grant is asked once, the store keeps the answer, the observer hears of it."""
    grant, store, observer = ScriptedGrant(credential("a")), HaltingStore(), RecordingObserver()
    async with TokenRepository(grant, store, observer=observer) as tokens:
        assert (await tokens.token()).access_token == "a"
    assert [kept.refresh_token for kept in store.saved] == ["refresh-1"]
    assert [event.reason for event in observer.of(Renewed)] == ["absent"]
    assert observer.of(Saved) == []


def test_an_observer_keeps_events_in_order() -> None:
    """Every event is there, and `of` picks those of one type."""
    observer = RecordingObserver()
    events = [Saved(at=1.0), Unsaved(at=2.0, message="the disk is full"), Saved(at=3.0)]
    for event in events:
        observer(event)
    assert observer.events == events
    assert observer.of(Saved) == [events[0], events[2]]


async def walk(store: HaltingStore) -> None:
    """Take every step of a store once."""
    await store.load()
    async with store.exclusive() as slot:
        await slot.load()
        await slot.save(credential("a"))
        await slot.delete()


async def test_a_halting_store_is_a_store() -> None:
    """Untouched, it does what the store behind it does, and lists the steps."""
    store = HaltingStore(MemoryTokenStore(credential("before")))
    assert await store.load() == credential("before")
    async with store.exclusive() as slot:
        await slot.save(credential("after"))
        assert await slot.load() == credential("after")
        await slot.delete()
    assert await store.load() is None
    assert store.saved == [credential("after")]
    assert repr(store) == (
        "<HaltingStore steps=['peek', 'exclusive', 'save', 'saved', 'load', 'delete', 'release', 'peek']>"
    )


@pytest.mark.parametrize("step", ["peek", "exclusive", "load", "save", "saved", "delete", "release"])
async def test_a_halting_store_halts_at_each_step(step: StoreStep) -> None:
    """A caller that comes to the step stands there until the release, and none stands there afterwards."""
    store = HaltingStore()
    arrived = store.halt(step)
    walker = asyncio.create_task(walk(store))
    await arrived.wait()
    assert (store.steps[-1], walker.done()) == (step, False)
    store.release(step)
    await walker
    await walk(store)


@pytest.mark.parametrize("step", ["peek", "exclusive", "load", "save", "delete", "release"])
async def test_a_halting_store_fails_at_each_step(step: StoreStep) -> None:
    """The step raises until the store is told to fail no more."""
    store = HaltingStore()
    store.fail(step)
    with pytest.raises(StoreError, match=f"fail at '{step}'"):
        await walk(store)
    store.repair()
    await walk(store)


def test_a_step_that_never_comes_is_refused() -> None:
    """A test that misspells one would wait for ever, or see no failure."""
    store, misspelt = HaltingStore(), cast("StoreStep", "sav")
    for ask in (store.halt, store.fail):
        with pytest.raises(ConfigurationError, match="step is one of 'peek', 'exclusive', 'load', 'save'"):
            ask(misspelt)


async def test_a_step_that_fails_is_not_carried_out() -> None:
    """A save that fails with an error of the test's choice keeps nothing."""
    store = HaltingStore()
    store.fail("save", OSError("disk full"))
    with pytest.raises(OSError, match="disk full"):
        await walk(store)
    assert (store.saved, await store.load()) == ([], None)


def test_the_kit_is_loaded_by_name() -> None:
    """Each name is there, an unknown one is an AttributeError."""
    assert [name for name in aio_token.testing.__all__ if getattr(aio_token.testing, name, None) is None] == []
    assert set(aio_token.testing.__all__) <= set(dir(aio_token.testing))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = aio_token.testing.nothing


def test_fakes_bring_no_server() -> None:
    """A manual clock and the fakes import neither aiohttp nor Authlib, and nothing imports pytest by itself."""
    source = (
        "import sys; from aio_token.testing import ManualClock, ScriptedGrant, HaltingStore, FixedSource;"
        "assert not {'aiohttp', 'authlib', 'pytest'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", source], check=True)
