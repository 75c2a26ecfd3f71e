"""Write before you spend: the store shows that it can keep a successor before a refresh token is presented."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import pytest

from aio_token import (
    Credential,
    FileTokenStore,
    GrantRefused,
    MemoryTokenStore,
    PublicClient,
    RefreshTokenGrant,
    ServerUnavailable,
    StoreError,
    TokenEndpoint,
    TokenRepository,
)
from aio_token.events import RenewalFailed, Unsaved
from aio_token.stores import LockTimeout
from aio_token.testing import AuthorizationServer, Broken, ManualClock, RecordingObserver
from tests.support.doubles import FaultyStore, RotatingGrant, stored

if TYPE_CHECKING:
    from pathlib import Path


class SingleUse(RotatingGrant):
    """A rotating grant that says so, and notes what the store held when it was asked."""

    def __init__(self, clock: ManualClock, store: MemoryTokenStore) -> None:
        super().__init__(clock)
        self.store = store
        self.found: list[Credential | None] = []
        self.rotation_grace = 0.0

    def spends(self, credential: Credential | None) -> bool:
        """Only what is there can be spent."""
        return credential is not None and not credential.reusable

    async def obtain(self, credential: Credential | None, wish: object) -> Credential:
        """Look, and rotate."""
        self.found.append(await MemoryTokenStore.load(self.store))
        return await super().obtain(credential, wish)  # type: ignore[arg-type]


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that stands still."""
    return ManualClock()


@pytest.fixture
def store() -> FaultyStore:
    """Return an empty store."""
    return FaultyStore()


@pytest.fixture
def grant(clock: ManualClock, store: FaultyStore) -> SingleUse:
    """Return a grant whose refresh tokens are taken once."""
    return SingleUse(clock, store)


@pytest.fixture
def observer() -> RecordingObserver:
    """Return what hears of trouble."""
    return RecordingObserver()


@pytest.fixture
async def tokens(
    grant: SingleUse, store: FaultyStore, clock: ManualClock, observer: RecordingObserver
) -> TokenRepository:
    """Return a repository that has a token."""
    tokens = TokenRepository(grant, store, clock=clock, observer=observer)
    await tokens.token()
    return tokens


async def test_the_record_says_that_it_is_being_spent_before_it_is(
    tokens: TokenRepository, grant: SingleUse, store: FaultyStore, clock: ManualClock
) -> None:
    """Law F8: and says so no more once the successor is there."""
    clock.advance(61)
    await tokens.token()
    assert grant.found[0] is None
    assert grant.found[1] is not None
    assert (grant.found[1].refresh_token, grant.found[1].spending_since) == ("refresh-1", clock.time())
    kept = await MemoryTokenStore.load(store)
    assert kept is not None
    assert (kept.refresh_token, kept.spending_since) == ("refresh-2", None)


async def test_what_may_be_used_again_is_not_announced(
    tokens: TokenRepository, grant: SingleUse, store: FaultyStore, clock: ManualClock
) -> None:
    """Law F8: a server that does not rotate needs one write for each renewal."""
    kept = await MemoryTokenStore.load(store)
    assert kept is not None
    await MemoryTokenStore.save(store, replace(kept, reusable=True))
    store.steps.clear()
    clock.advance(61)
    await tokens.token()
    assert store.steps.count("save") == 1


async def test_a_store_that_cannot_keep_it_keeps_the_session(
    tokens: TokenRepository, grant: SingleUse, store: FaultyStore, clock: ManualClock, observer: RecordingObserver
) -> None:
    """Law F8: a full disk costs no session; the good token is served to its end, then the error says what to do."""
    store.faults["save"] = StoreError("the disk is full")
    clock.advance(55)
    assert (await tokens.token()).access_token == "access-1"
    clock.advance(6)
    with pytest.raises(StoreError, match="the disk is full"):
        await tokens.token()
    assert grant.presented == [None]
    assert {event.remedy for event in observer.of(RenewalFailed)} == {"storage"}
    store.faults.clear()
    clock.advance(2)
    assert (await tokens.token()).access_token == "access-2"


@pytest.mark.parametrize("fault", [OSError("no space"), asyncio.Event(), LockTimeout("the lease is gone")])
async def test_whatever_keeps_the_store_from_writing(
    tokens: TokenRepository, grant: SingleUse, store: FaultyStore, clock: ManualClock, fault: Exception | asyncio.Event
) -> None:
    """Law F8: a system's error, a store that hangs, a lease that has lapsed."""
    store.faults["save"] = fault
    clock.advance(61)
    with pytest.raises(StoreError) as refusal:
        await tokens.token()
    assert type(refusal.value) is (LockTimeout if isinstance(fault, LockTimeout) else StoreError)
    assert grant.presented == [None]


async def test_who_would_rather_have_a_token_says_so(
    grant: SingleUse, store: FaultyStore, clock: ManualClock, observer: RecordingObserver
) -> None:
    """Law F8: `unwritable="serve"` renews, uses the token unsaved, and is loud about it."""
    tokens = TokenRepository(grant, store, clock=clock, observer=observer, unwritable="serve")
    await tokens.token()
    store.faults["save"] = StoreError("the disk is full")
    clock.advance(61)
    assert (await tokens.token()).access_token == "access-2"
    assert [event.message for event in observer.of(Unsaved)] == ["the disk is full"] * 2
    assert tokens.status.unsaved


@pytest.mark.parametrize(
    ("error", "stays"),
    [
        (ServerUnavailable("no answer", outcome_unknown=True), True),
        (ServerUnavailable("not reached"), False),
        (GrantRefused("no"), False),
    ],
)
async def test_only_a_whole_answer_tells_the_outcome(
    tokens: TokenRepository, grant: SingleUse, store: FaultyStore, clock: ManualClock, error: Exception, stays: bool
) -> None:
    """Law F8: so does a connection that was never made; a timeout, a drop and a gateway's 5xx do not."""
    grant.errors = [error]
    clock.advance(61)
    with pytest.raises(type(error)):
        await tokens.token()
    kept = await MemoryTokenStore.load(store)
    assert kept is not None
    assert (kept.spending_since is not None) is stays


async def test_an_unknown_outcome_lets_a_good_token_be_used_to_its_end(
    tokens: TokenRepository, grant: SingleUse, clock: ManualClock
) -> None:
    """Law F8: presented again, the refresh token may end the session; the next process need not know why."""
    grant.errors = [ServerUnavailable("no answer", outcome_unknown=True)]
    clock.advance(50)
    for _ in range(9):
        assert (await tokens.token()).access_token == "access-1"
        await tokens.aclose()
        clock.advance(1)
    assert grant.presented == [None, "refresh-1"]
    clock.advance(2)
    assert (await tokens.token()).access_token == "access-3"
    assert grant.presented == [None, "refresh-1", "refresh-1"]


@pytest.mark.parametrize(("grace", "again"), [(0.0, False), (5.0, False), (30.0, True)])
async def test_a_server_that_takes_a_spent_token_again_is_asked_again(
    tokens: TokenRepository, grant: SingleUse, clock: ManualClock, grace: float, again: bool
) -> None:
    """Law F8: within `rotation_grace` the refresh token is presented while the token is still good."""
    grant.rotation_grace = grace
    grant.errors = [ServerUnavailable("no answer", outcome_unknown=True)]
    clock.advance(42)
    await tokens.token(min_valid_for=20)
    clock.advance(6)
    await tokens.token(min_valid_for=20)
    await tokens.aclose()
    assert (grant.presented == [None, "refresh-1", "refresh-1"]) is again


async def test_a_refusal_after_an_unknown_outcome_says_so(
    grant: SingleUse, store: FaultyStore, clock: ManualClock
) -> None:
    """Law F8: whoever reads it knows that it may have been spent by a process that was killed."""
    old = replace(stored(clock, "disk", left=-1), spending_since=1_700_000_000.0)
    await MemoryTokenStore.save(store, old)
    grant.errors = [GrantRefused("the server has refused it; sign in again")]
    tokens = TokenRepository(grant, store, clock=clock, observer=None)
    sentence = "sign in again; the outcome of the renewal of 2023-11-14 22:13:20 UTC was not known"
    with pytest.raises(GrantRefused, match=sentence):
        await tokens.token()


async def test_an_explicit_wish_presents_it_all_the_same(tokens: TokenRepository, grant: SingleUse) -> None:
    """Law F8, D8: a person who says `renew()` need not wait for the token's end."""
    grant.errors = [ServerUnavailable("no answer", outcome_unknown=True)]
    with pytest.raises(ServerUnavailable):
        await tokens.renew()
    assert (await tokens.renew()).access_token == "access-3"


@pytest.mark.parametrize("unwritable", ["refuse", "serve"])
async def test_a_real_file_on_a_real_server(
    tmp_path: Path, unwritable: Literal["refuse", "serve"], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law F8: the path that saves is the one that is tried; with it broken, the server is asked only on request."""
    async with AuthorizationServer(lifetime=3_600) as server:
        endpoint = TokenEndpoint(server.token_url, PublicClient("app"))
        grant = RefreshTokenGrant(endpoint, first=server.sign_in(client_id="app"))
        tokens = TokenRepository(grant, FileTokenStore(tmp_path / "t"), unwritable=unwritable, observer=None)
        first = await tokens.token()

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.write", full)
        if unwritable == "refuse":
            with pytest.raises(StoreError, match="No space left on device"):
                await tokens.token(rejected=first)
        else:
            assert await tokens.token(rejected=first) != first
        assert server.requests["refresh_token"] == (1 if unwritable == "refuse" else 2)
        monkeypatch.undo()
        await tokens.aclose()


async def test_a_server_that_breaks_down_in_mid_renewal_leaves_the_mark(tmp_path: Path) -> None:
    """Law F8: a 503 of a gateway does not say whether the server behind it has rotated."""
    async with AuthorizationServer(lifetime=3_600) as server:
        endpoint = TokenEndpoint(server.token_url, PublicClient("app"))
        store = FileTokenStore(tmp_path / "token.json")
        tokens = TokenRepository(
            RefreshTokenGrant(endpoint, first=server.sign_in(client_id="app")), store, observer=None
        )
        first = await tokens.token()
        server.inject(Broken(status=503), times=1)
        with pytest.raises(ServerUnavailable):
            await tokens.token(rejected=first)
        kept = await store.load()
        assert kept is not None
        assert kept.spending_since is not None
        assert (await tokens.renew()) != first
        kept = await store.load()
        assert kept is not None
        assert kept.spending_since is None


class LateStore(FaultyStore):
    """A store that says of the first write that it failed, though it lands."""

    is_late = False

    async def save(self, credential: Credential) -> None:
        """Keep it, and say that the disk did not."""
        await super().save(credential)
        if self.is_late:
            self.is_late = False
            message = "the directory could not be brought to the disk"
            raise StoreError(message)


async def test_a_mark_that_lands_late_is_no_other_process_s(clock: ManualClock, observer: RecordingObserver) -> None:
    """Laws C8, F8: the write failed as far as this process knows, so that nothing was presented. What it finds later is
    its own mark: it renews while its token is good, and calls the outcome of nothing unknown.
    """
    store = LateStore()
    grant = SingleUse(clock, store)
    tokens = TokenRepository(grant, store, clock=clock, observer=observer)
    await tokens.token()
    store.is_late = True
    clock.advance(55)
    assert (await tokens.token()).access_token == "access-1"
    kept = await MemoryTokenStore.load(store)
    assert kept is not None
    assert kept.spending_since is not None
    clock.advance(2)
    await tokens.token()  # it is served once more, and renewed behind that
    await tokens.aclose()
    assert (await tokens.token()).access_token == "access-2"
    assert grant.presented == [None, "refresh-1"]
    assert [event.message for event in observer.of(RenewalFailed)] == ["the directory could not be brought to the disk"]


@pytest.mark.parametrize("ahead", [0.5, 120.0, 1e9])
@pytest.mark.parametrize("grace", [0.0, 30.0])
async def test_a_mark_of_the_future_is_as_unknown_as_any(
    grant: SingleUse, store: FaultyStore, clock: ManualClock, ahead: float, grace: float
) -> None:
    """Law F8: the clock of the host that wrote it is ahead, or ours was set back; the good token is used to its end."""
    grant.rotation_grace = grace
    await MemoryTokenStore.save(store, replace(stored(clock, "disk", left=20), spending_since=clock.time() + ahead))
    tokens = TokenRepository(grant, store, clock=clock, observer=None)
    await tokens.token(min_valid_for=30)
    assert grant.presented == []
    clock.advance(21)
    await tokens.token()
    assert grant.presented == ["refresh-disk"]
