"""A successor that the store does not take at once: callers are served, and the store is given to others only then."""

from __future__ import annotations

import asyncio
import errno
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

import pytest

from aio_token import (
    Credential,
    FileTokenStore,
    Limits,
    MemoryTokenStore,
    Pace,
    PublicClient,
    RefreshTokenGrant,
    ServerUnavailable,
    TokenEndpoint,
    TokenRepository,
    Wish,
)
from aio_token._clock import SYSTEM_CLOCK
from aio_token._wish import NO_WISH
from aio_token.events import Saved, Unsaved
from aio_token.grants import Rescued
from aio_token.testing import AuthorizationServer, RecordingObserver
from tests.support.disk import Disk, FailAt, Halt
from tests.support.doubles import FaultyStore, RotatingGrant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

T = TypeVar("T")
PATIENT = Limits(save=0.2, shutdown=0.2)
"""A save is late after a moment; others wait for long."""


class Announcing(RotatingGrant):
    """A rotating grant whose refresh tokens are spent, and that does something to the store once it has rotated."""

    def __init__(self, then: Callable[[], None]) -> None:
        super().__init__(SYSTEM_CLOCK, lifetime=3_600)
        self.then = then

    def spends(self, credential: Credential | None) -> bool:
        """Only what is there can be spent."""
        return credential is not None

    async def obtain(self, credential: Credential | None, wish: Wish) -> Credential:
        """Rotate."""
        try:
            return await super().obtain(credential, wish)
        finally:
            if credential is not None:
                self.then()


class Elsewhere:
    """The same memory, without the faults."""

    may_lose, lasts = False, None

    def __init__(self, store: FaultyStore) -> None:
        self._store = store

    async def load(self) -> Credential | None:
        """Load."""
        return await MemoryTokenStore.load(self._store)

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[Elsewhere]:
        """Hold."""
        async with MemoryTokenStore.exclusive(self._store):
            yield self

    async def save(self, credential: Credential) -> None:
        """Save."""
        await MemoryTokenStore.save(self._store, credential)

    async def delete(self) -> None:
        """Delete."""
        await MemoryTokenStore.delete(self._store)


class Troubled:
    """A repository with a token, whose store takes no successor from now on until it is well again."""

    def __init__(self, *, limits: Limits = PATIENT, pace: Pace | None = None, hangs: bool = True) -> None:
        self.store = FaultyStore()
        self.observer = RecordingObserver()
        self.fault: asyncio.Event | OSError = asyncio.Event() if hangs else OSError("it does not")
        self.grant = Announcing(self.break_down)
        self.limits = limits
        self.tokens = TokenRepository(
            self.grant, self.store, limits=limits, pace=pace or Pace(), observer=self.observer
        )

    def break_down(self) -> None:
        """Save nothing."""
        self.store.faults["save"] = self.fault

    def be_well(self) -> None:
        """Save again, what hangs as well."""
        self.store.faults.clear()
        if isinstance(self.fault, asyncio.Event):
            self.fault.set()

    def another(self) -> TokenRepository:
        """Return one that shares the store, as another process does whose disk is well."""
        return TokenRepository(self.grant, Elsewhere(self.store), observer=None)

    async def kept(self) -> str | None:
        """Tell what another process would read."""
        credential = await self.store.load()
        return credential.refresh_token if credential is not None else None


async def bounded(what: Awaitable[T]) -> T:
    """Wait for something that has to come."""
    async with asyncio.timeout(60):
        return await what


class Relapsing:
    """A disk's hook: the first sync fails, and the next one lasts until it is let go."""

    def __init__(self) -> None:
        self.fails = FailAt("fsync", OSError(errno.EIO, "Input/output error"))
        self.lasts = Halt("fsync")
        self.has_failed = False

    def __call__(self, number: int, name: str) -> None:
        """Take part in a step."""
        if self.has_failed:
            self.lasts(number, name)
        elif name == "fsync":
            self.has_failed = True
            self.fails(number, name)


async def test_no_one_is_shown_a_spent_refresh_token_by_a_disk_that_is_late(tmp_path: Path) -> None:
    """Law J4: the lock of a file is not given back between the rotation and a save that lasts, as saves do on a machine
    that is busy: the next holder would present the refresh token that is in the file.
    """
    disk, late, path = Disk(), Relapsing(), tmp_path / "token.json"
    async with AuthorizationServer(lifetime=3_600) as server:
        endpoint = TokenEndpoint(server.token_url, PublicClient("app"))
        begun = RefreshTokenGrant(endpoint, first=server.sign_in(client_id="app"))
        first = await TokenRepository(begun, FileTokenStore(path), observer=None).token()

        class Then(RefreshTokenGrant):
            async def obtain(self, credential: Credential | None, wish: Wish = NO_WISH) -> Credential:
                new = await super().obtain(credential, wish)
                disk.before = late
                return new

        here = TokenRepository(Then(endpoint), disk.store(path), limits=Limits(save=30.0), observer=None)
        token = await bounded(here.token(rejected=first))
        assert here.status.unsaved
        there = TokenRepository(RefreshTokenGrant(endpoint), FileTokenStore(path), observer=None)
        waiting = asyncio.create_task(there.token(rejected=first))
        assert await asyncio.to_thread(late.lasts.reached.wait, 30)
        late.lasts.release()
        assert await bounded(waiting) == token
        assert (server.reused, server.requests["refresh_token"]) == (0, 2)
        await here.aclose()
        assert not here.status.unsaved


@pytest.mark.parametrize("hangs", [True, False])
async def test_the_store_is_tried_again_while_it_is_held(hangs: bool) -> None:
    """Law J4: no request is needed for it; those who hold the store next find the successor."""
    here = Troubled(hangs=hangs)
    first = await here.tokens.token()
    token = await here.tokens.token(rejected=first)
    assert await here.kept() == "refresh-1"
    there = asyncio.create_task(here.another().token(rejected=first))
    here.be_well()
    assert await bounded(there) == token
    assert here.grant.presented == [None, "refresh-1"]
    assert not here.tokens.status.unsaved
    assert [type(event) for event in here.observer.events if isinstance(event, Unsaved | Saved)] == [Unsaved, Saved]


async def test_others_wait_no_longer_than_for_a_lease_that_has_lapsed() -> None:
    """Law J3: then the outcome is unknown to them, and the refresh token is presented once more."""
    here = Troubled(limits=Limits(obtain=0.3, save=0.2), hangs=False)
    first = await here.tokens.token()
    token = await here.tokens.token(rejected=first)
    assert await bounded(here.another().token(rejected=first)) != token
    assert here.grant.presented == [None, "refresh-1", "refresh-1"]


async def test_it_is_no_renewal_in_hand_meanwhile() -> None:
    """Law C12: others renew, and find a slot."""
    pace = Pace(at_once=1)
    here, other = Troubled(pace=pace), Troubled(pace=pace)
    first = await here.tokens.token()
    await here.tokens.token(rejected=first)
    await bounded(other.tokens.token())
    assert here.tokens.status.unsaved
    here.be_well()
    await here.tokens.aclose()


async def test_a_program_that_ends_waits_no_longer_than_for_a_renewal() -> None:
    """Law C4: within the limit of a shutdown, whether the end comes before the trouble or after it."""
    here, earlier = Troubled(), Troubled()
    await here.tokens.token(rejected=await here.tokens.token())
    await bounded(here.tokens.aclose())
    assert here.tokens.status.unsaved
    first = await earlier.tokens.token()
    earlier.grant.go.clear()
    earlier.grant.arrived.clear()
    renewing = asyncio.create_task(earlier.tokens.token(rejected=first))
    await earlier.grant.arrived.wait()
    closing = asyncio.create_task(earlier.tokens.aclose())
    await asyncio.sleep(0)
    earlier.grant.go.set()
    await bounded(renewing)
    await bounded(closing)
    assert earlier.tokens.status.unsaved


async def test_a_rescued_refresh_token_is_kept_like_any_other() -> None:
    """Law D2: callers hear at once that no token came with it."""
    here = Troubled()
    await here.tokens.token()
    new = Credential(refresh_token="rescued")
    here.grant.errors.append(Rescued(new, ServerUnavailable("there was no token in the answer")))
    with pytest.raises(ServerUnavailable, match="no token in the answer"):
        await bounded(here.tokens.renew())
    assert await here.kept() == "refresh-1"
    here.be_well()
    await bounded(here.tokens.aclose())
    assert await here.kept() == "rescued"
