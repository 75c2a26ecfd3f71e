"""The person who is asked when only that helps: once, as long as it is of use."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from aio_token import Limits, MemoryTokenStore, SignInRequired, StoreError, TokenRepository
from aio_token._clock import SYSTEM_CLOCK
from aio_token._sessions import person as person_module
from tests.support.doubles import FaultyStore, RotatingGrant, stored

if TYPE_CHECKING:
    from aio_token import Credential, Wish


class Nobody(RotatingGrant):
    """A grant that a person has to help."""

    async def obtain(self, credential: Credential | None, wish: Wish) -> Credential:
        """Ask for them."""
        del credential, wish
        message = "sign in"
        raise SignInRequired(message)


class Waiting(RotatingGrant):
    """A sign-in that waits for its person."""

    def __init__(self) -> None:
        super().__init__(SYSTEM_CLOCK)
        self.go.clear()
        self.ended = asyncio.Event()

    async def obtain(self, credential: Credential | None, wish: Wish) -> Credential:
        """Wait."""
        try:
            return await super().obtain(credential, wish)
        finally:
            self.ended.set()


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the store every 10 ms instead of every second."""
    monkeypatch.setattr(person_module, "LOOKS_APART", 0.01)


@pytest.fixture
def store() -> FaultyStore:
    """Return an empty store."""
    return FaultyStore()


async def asked(store: FaultyStore, limits: Limits | None = None) -> tuple[TokenRepository, Waiting, asyncio.Task[str]]:
    """Return a repository whose person is being asked, the sign-in, and the caller who waits."""
    person = Waiting()
    tokens = TokenRepository(Nobody(SYSTEM_CLOCK), store, sign_in_with=person, limits=limits or Limits(), observer=None)

    async def caller() -> str:
        return (await tokens.token()).access_token

    waiting = asyncio.create_task(caller())
    await person.arrived.wait()
    return tokens, person, waiting


async def test_a_sign_in_in_another_process_ends_the_asking(store: FaultyStore) -> None:
    """Law E2: each of three programs opens a window; the person answers one, and the others close theirs."""
    _, person, waiting = await asked(store)
    await MemoryTokenStore.save(store, stored(SYSTEM_CLOCK, "elsewhere"))
    assert await waiting == "access-elsewhere"
    assert person.ended.is_set()


async def test_a_store_that_fails_meanwhile_does_not_end_it(store: FaultyStore) -> None:
    """Law E2: it is looked at again, and the person is still there."""
    _, person, waiting = await asked(store)
    store.steps.clear()
    store.faults["load"] = StoreError("no such disk")
    while store.steps.count("load") < 3:  # noqa: ASYNC110  the store tells nothing
        await asyncio.sleep(0.005)
    assert not waiting.done()
    store.faults.clear()
    person.go.set()
    assert await waiting == "access-1"


async def test_an_old_credential_elsewhere_does_not_end_it(store: FaultyStore) -> None:
    """Law E2: what is stored has to answer the question."""
    _, person, waiting = await asked(store)
    await MemoryTokenStore.save(store, stored(SYSTEM_CLOCK, "old", left=-1))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    person.go.set()
    assert await waiting == "access-1"


async def test_no_one_is_asked_for_callers_who_are_gone(store: FaultyStore) -> None:
    """Law C3: after Ctrl-C the program ends, and does not wait for a person who is not coming."""
    tokens, person, waiting = await asked(store)
    waiting.cancel()
    async with asyncio.timeout(30):
        await tokens.aclose()
    assert person.ended.is_set()


async def test_a_person_who_does_not_come_in_time(store: FaultyStore) -> None:
    """Law E2: the limit is the sign-in's own."""
    _, person, waiting = await asked(store, Limits(sign_in=0.05))
    with pytest.raises(SignInRequired, match=r"no one signed in within 0\.05 s"):
        await waiting
    assert person.ended.is_set()
