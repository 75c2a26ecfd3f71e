"""The repository: memory, then the store, then the grant; at most once at a time for all who ask."""

from __future__ import annotations

import asyncio
import gc
import json
import tracemalloc
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from aio_token import (
    ConfigurationError,
    Credential,
    FileTokenStore,
    GrantRefused,
    Limits,
    MemoryTokenStore,
    ServerUnavailable,
    SignInRequired,
    StoreError,
    Token,
    TokenError,
    TokenRepository,
)
from aio_token.events import Adopted, Loaded, RenewalFailed, Renewed, Saved, SignedIn, Unsaved
from aio_token.grants import IssuedBy, Rescued
from aio_token.stores import KeyUnavailable, LockTimeout
from aio_token.testing.clock import ManualClock
from tests.support.doubles import FaultyStore, RevocableGrant, RotatingGrant, stored

if TYPE_CHECKING:
    from pathlib import Path

    from aio_token import Wish
    from aio_token.events import Event


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that stands still."""
    return ManualClock(1_700_000_000.0)  # not ahead of the clock that stores remove by


@pytest.fixture
def grant(clock: ManualClock) -> RevocableGrant:
    """Return a grant that rotates."""
    return RevocableGrant(clock)


@pytest.fixture
def store() -> FaultyStore:
    """Return an empty store."""
    return FaultyStore()


@pytest.fixture
def events() -> list[Event]:
    """Return what observers are told."""
    return []


@pytest.fixture
def tokens(grant: RotatingGrant, store: FaultyStore, clock: ManualClock, events: list[Event]) -> TokenRepository:
    """Return a repository on the fakes."""
    return TokenRepository(grant, store, clock=clock, observer=events.append)


def kinds(events: list[Event]) -> list[str]:
    """Name the events."""
    return [type(event).__name__ for event in events]


async def test_a_usable_token_is_served_from_memory(tokens: TokenRepository, store: FaultyStore) -> None:
    """Law F6: a second ask does nothing but look at the clocks; its coroutine does not suspend."""
    token = await tokens.token()
    store.steps.clear()
    with pytest.raises(StopIteration) as done:
        tokens.token().send(None)
    assert done.value.value is token
    assert store.steps == []


async def test_what_is_stored_is_served_without_the_grant_or_the_lock(
    tokens: TokenRepository, store: FaultyStore, clock: ManualClock, grant: RotatingGrant, events: list[Event]
) -> None:
    """Law F5: a stored token that is good needs no lock."""
    await MemoryTokenStore.save(store, stored(clock, "disk"))
    assert (await tokens.token()).access_token == "access-disk"
    assert (store.steps, grant.calls, kinds(events)) == (["load"], 0, ["Loaded"])


async def test_a_token_is_saved_before_it_is_published(
    tokens: TokenRepository, store: FaultyStore, grant: RotatingGrant
) -> None:
    """No caller gets a token whose refresh token could be lost."""
    store.faults["save"] = go_on = asyncio.Event()
    ask = asyncio.create_task(tokens.token())
    await grant.arrived.wait()
    for _ in range(10):
        await asyncio.sleep(0)
    assert store.steps[-1] == "save"
    assert not ask.done()
    go_on.set()
    assert (await ask).access_token == "access-1"
    assert await MemoryTokenStore.load(store) is not None


@pytest.mark.parametrize("callers", [1, 100, 1_000, 10_000])
@pytest.mark.parametrize("state", ["absent", "expired", "refused"])
async def test_any_number_of_callers_cause_one_call(
    callers: int, state: str, tokens: TokenRepository, grant: RotatingGrant, clock: ManualClock
) -> None:
    """Law C1: N callers, one call, whether the token is absent, expired or rejected."""
    rejected = None
    if state != "absent":
        first = await tokens.token()
        rejected = first if state == "refused" else None
        clock.advance(0 if rejected else 61)
    before = grant.calls
    got = await asyncio.gather(*(tokens.token(rejected=rejected) for _ in range(callers)))
    assert grant.calls == before + 1
    assert len({token.access_token for token in got}) == 1


async def test_a_late_holder_of_a_refused_token_gets_its_successor_for_nothing(
    tokens: TokenRepository, grant: RotatingGrant
) -> None:
    """Law B2: the rejected token is compared with the current one before anything is renewed."""
    first = await tokens.token()
    second = await tokens.token(rejected=first)
    assert await tokens.token(rejected=first) is second
    assert grant.calls == 2


async def test_a_question_that_a_flight_did_not_know_of_gets_one_more_flight(
    tokens: TokenRepository, grant: RotatingGrant
) -> None:
    """Who joins a renewal and is given the very token that was rejected asks again, once."""
    grant.go.clear()
    first = asyncio.create_task(tokens.token())
    await grant.arrived.wait()
    refused = asyncio.create_task(tokens.token(rejected=Token(access_token="access-1")))
    await asyncio.sleep(0)
    grant.go.set()
    assert (await first).access_token == "access-1"
    assert (await refused).access_token == "access-2"


async def test_a_server_that_repeats_itself_is_asked_once(tokens: TokenRepository, grant: RotatingGrant) -> None:
    """A renewal that yields the rejected token again is not repeated by the one who asked for it."""
    first = await tokens.token()
    grant.calls = 0
    assert (await tokens.token(rejected=first)).access_token == first.access_token
    assert grant.calls == 1


async def test_expiring_tokens_are_served_while_one_renewal_runs_behind(
    tokens: TokenRepository, grant: RotatingGrant, clock: ManualClock, events: list[Event]
) -> None:
    """In the advisory window no caller waits."""
    await tokens.token()
    clock.advance(50)
    served = [await tokens.token() for _ in range(100)]
    assert {token.access_token for token in served} == {"access-1"}
    await tokens.aclose()
    assert (await tokens.token()).access_token == "access-2"
    assert grant.calls == 2
    assert [event.reason for event in events if isinstance(event, Renewed)] == ["absent", "expiring"]


async def test_in_the_mandatory_window_callers_wait(tokens: TokenRepository, clock: ManualClock) -> None:
    """A token about to end is renewed first."""
    await tokens.token()
    clock.advance(55)
    assert (await tokens.token()).access_token == "access-2"


async def test_a_just_renewed_token_satisfies_any_length(
    tokens: TokenRepository, grant: RotatingGrant, clock: ManualClock
) -> None:
    """Law C9: asking for more than tokens last costs one renewal a second, not one a call."""
    for _ in range(5):
        await tokens.token(min_valid_for=3600)
    assert grant.calls == 1
    clock.advance(1)
    for _ in range(5):
        await tokens.token(min_valid_for=3600)
    assert grant.calls == 2


async def test_a_token_that_is_dead_on_arrival_serves_its_waiters(
    tokens: TokenRepository, grant: RotatingGrant, clock: ManualClock
) -> None:
    """Laws D3 and C9: expires_in 0 is usable by those who waited, and renewed a second later."""
    grant.lifetime = 0.0
    assert (await tokens.token()).access_token == "access-1"
    assert (await tokens.token()).access_token == "access-1"
    clock.advance(1)
    assert (await tokens.token()).access_token == "access-2"


async def test_another_process_s_token_is_adopted(
    tokens: TokenRepository, store: FaultyStore, grant: RotatingGrant, clock: ManualClock, events: list[Event]
) -> None:
    """Law C8: what another process stored meanwhile is taken instead of asking the server."""
    first = await tokens.token()
    await MemoryTokenStore.save(store, stored(clock, "other"))
    assert (await tokens.token(rejected=first)).access_token == "access-other"
    assert grant.calls == 1
    assert isinstance(events[-1], Adopted)


async def test_an_adopted_token_that_is_old_is_renewed_with_its_own_refresh_token(
    tokens: TokenRepository, store: FaultyStore, grant: RotatingGrant, clock: ManualClock
) -> None:
    """Another process's expired credential still holds the newest refresh token."""
    await tokens.token()
    clock.advance(61)
    await MemoryTokenStore.save(store, stored(clock, "other", left=-1))
    await tokens.token()
    assert grant.presented == [None, "refresh-other"]


async def test_a_sign_out_elsewhere_is_noticed(
    tokens: TokenRepository, store: FaultyStore, clock: ManualClock, grant: RotatingGrant
) -> None:
    """A store that was emptied is believed."""
    await tokens.token()
    await MemoryTokenStore.delete(store)
    clock.advance(61)
    await tokens.token()
    assert grant.presented == [None, None]


@pytest.mark.parametrize("fault", [OSError("disk full"), StoreError("the disk is full")])
async def test_a_failed_save_harms_no_caller(
    fault: Exception, tokens: TokenRepository, store: FaultyStore, clock: ManualClock, events: list[Event]
) -> None:
    """Law C4: the token is published, marked unsaved, told, and saved at the next chance."""
    store.faults["save"] = fault
    token = await tokens.token()
    assert isinstance(events[0], Unsaved)
    store.faults.clear()
    clock.advance(1)
    assert await tokens.token() is token
    await tokens.aclose()
    assert (await MemoryTokenStore.load(store) or Credential()).token == token
    assert kinds(events) == ["Unsaved", "Renewed", "Saved"]


async def test_after_a_failed_save_the_spent_refresh_token_is_not_presented(
    tokens: TokenRepository, store: FaultyStore, grant: RotatingGrant, clock: ManualClock
) -> None:
    """Law C8: the store then holds the credential before ours, and adopting it would be reuse."""
    await tokens.token()
    store.faults["save"] = OSError()
    clock.advance(61)
    await tokens.token()
    clock.advance(61)
    await tokens.token()
    assert grant.presented == [None, "refresh-1", "refresh-2"]


async def test_closing_saves_what_is_unsaved(tokens: TokenRepository, store: FaultyStore, events: list[Event]) -> None:
    """The last chance to save is `aclose`, which says so if that fails too, and can be repeated."""
    store.faults["save"] = OSError()
    async with tokens:
        await tokens.token()
    store.faults = {"exclusive": StoreError("locked")}
    await tokens.aclose()
    store.faults.clear()
    await tokens.aclose()
    await tokens.aclose()
    assert kinds(events) == ["Unsaved", "Renewed", "Unsaved", "Unsaved", "Saved"]


async def test_a_save_that_hangs_holds_nobody_up(grant: RotatingGrant, store: FaultyStore, clock: ManualClock) -> None:
    """Law C4: past the limit for saving, the token is used unsaved."""
    store.faults["save"] = asyncio.Event()
    tokens = TokenRepository(grant, store, clock=clock, limits=Limits(save=0.01))
    assert (await tokens.token()).access_token == "access-1"


async def test_a_lock_that_cannot_be_had_is_an_error_only_without_a_valid_token(
    grant: RotatingGrant, store: FaultyStore, clock: ManualClock
) -> None:
    """Law F5: with a still-valid token a lock that is taken is no error."""
    tokens = TokenRepository(grant, store, clock=clock, limits=Limits(lock=0.01))
    token = await tokens.token()
    store.faults["exclusive"] = asyncio.Event()
    clock.advance(55)
    assert await tokens.token() is token
    clock.advance(6)
    with pytest.raises(LockTimeout, match=r"locked by another process for 0\.01 s"):
        await tokens.token()


async def test_a_grant_that_hangs_is_given_up(grant: RotatingGrant, clock: ManualClock) -> None:
    """Law C4: the limit of the grant frees every waiter and says that the outcome is unknown."""
    grant.go.clear()
    tokens = TokenRepository(grant, clock=clock, limits=Limits(obtain=0.01))
    with pytest.raises(ServerUnavailable, match="unknown"):
        await tokens.token()


async def test_every_waiter_raises_an_exception_of_its_own(tokens: TokenRepository, grant: RotatingGrant) -> None:
    """Law C5: one failure reaches all who wait, as as many objects."""
    grant.errors = [ServerUnavailable("down")]
    errors = await asyncio.gather(*(tokens.token() for _ in range(100)), return_exceptions=True)
    assert {type(error) for error in errors} == {ServerUnavailable}
    assert len({id(error) for error in errors}) == 100
    assert grant.calls == 1


async def test_a_failing_server_is_left_alone_for_a_while(
    tokens: TokenRepository, grant: RotatingGrant, clock: ManualClock
) -> None:
    """Law D8: a minute of an endpoint that is down, asked every 10 ms, costs at most 8 calls."""
    grant.errors = [ServerUnavailable("down") for _ in range(100)]
    for _ in range(6_000):
        with pytest.raises(ServerUnavailable) as failure:
            await tokens.token()
        assert 0 < (failure.value.retry_after or 0) <= 60
        clock.advance(0.01)
    assert 6 <= grant.calls <= 8


async def test_a_restarted_process_leaves_the_failing_server_alone(
    tokens: TokenRepository, grant: RotatingGrant, store: FaultyStore, clock: ManualClock
) -> None:
    """Law D8: the pause is in the store, so that a crash loop cannot storm."""
    grant.errors = [ServerUnavailable("down", retry_after=100)]
    with pytest.raises(ServerUnavailable):
        await tokens.token()
    again = TokenRepository(grant, store, clock=clock)
    with pytest.raises(ServerUnavailable, match="down; the server is asked again in 100 s"):
        await again.token()
    assert grant.calls == 1
    clock.advance(101)
    assert (await again.token()).access_token == "access-2"


async def test_a_valid_token_is_served_while_the_server_is_down(
    tokens: TokenRepository, grant: RotatingGrant, clock: ManualClock
) -> None:
    """Law D8: every request that has a still-valid token goes through, and none gets one past its expiry."""
    token = await tokens.token()
    grant.errors = [ServerUnavailable("down") for _ in range(100)]
    for _ in range(59):
        assert await tokens.token() is token
        await asyncio.sleep(0)
        clock.advance(1)
    await tokens.aclose()
    clock.advance(1)
    with pytest.raises(ServerUnavailable):
        await tokens.token()


async def test_trouble_is_told_once_per_attempt(
    tokens: TokenRepository, grant: RotatingGrant, clock: ManualClock, events: list[Event]
) -> None:
    """Events follow the attempts, not the callers who hear of them."""
    grant.errors = [ServerUnavailable("down", retry_after=10)]
    for _ in range(9):
        with pytest.raises(ServerUnavailable):
            await tokens.token()
        clock.advance(1)
    assert kinds(events) == ["RenewalFailed"]
    assert isinstance(events[0], RenewalFailed)
    assert events[0].remedy == "wait"


async def test_a_refused_refresh_token_is_marked_and_not_deleted(
    tokens: TokenRepository, grant: RotatingGrant, store: FaultyStore, clock: ManualClock, events: list[Event]
) -> None:
    """Law E1: the store keeps the credential, marked, and observers hear that a sign-in is needed."""
    await tokens.token()
    clock.advance(61)
    grant.errors = [GrantRefused("no")]
    with pytest.raises(GrantRefused):
        await tokens.token()
    kept = await MemoryTokenStore.load(store)
    assert kept is not None
    assert kept.refresh_token == "refresh-1"
    assert kept.is_refused
    assert isinstance(events[-1], RenewalFailed)
    assert events[-1].remedy == "sign in"


async def test_after_a_refusal_a_newer_stored_credential_is_tried(
    tokens: TokenRepository, grant: RotatingGrant, store: FaultyStore, clock: ManualClock
) -> None:
    """Law E1: under the lock the store is read again, and another refresh token there gets its chance."""
    await tokens.token()
    clock.advance(61)
    grant.errors = [GrantRefused("no")]
    grant.arrived.clear()
    grant.go.clear()
    ask = asyncio.create_task(tokens.token())
    await grant.arrived.wait()
    await MemoryTokenStore.save(store, stored(clock, "signed-in-elsewhere", left=-1))
    grant.go.set()
    assert (await ask).access_token == "access-3"
    assert grant.presented[1:] == ["refresh-1", "refresh-signed-in-elsewhere"]


async def test_a_rescued_refresh_token_is_saved_before_the_error_is_raised(
    tokens: TokenRepository, grant: RotatingGrant, store: FaultyStore
) -> None:
    """Law D2: an unusable answer with a new refresh token loses nothing."""
    grant.errors = [Rescued(Credential(refresh_token="rescued"), ServerUnavailable("no access token"))]
    with pytest.raises(ServerUnavailable, match="no access token"):
        await tokens.token()
    kept = await MemoryTokenStore.load(store)
    assert kept is not None
    assert kept.refresh_token == "rescued"


async def test_an_answer_without_a_token_is_no_answer(tokens: TokenRepository, clock: ManualClock) -> None:
    """A grant that returns no token has failed, whatever it thinks."""

    class Empty(RotatingGrant):
        async def obtain(self, credential: Credential | None, wish: Wish) -> Credential:
            del credential
            return Credential(refresh_token="r")

    empty = TokenRepository(Empty(clock), clock=clock)
    with pytest.raises(ServerUnavailable, match="without a token"):
        await empty.token()
    with pytest.raises(ServerUnavailable, match="no access token"):
        await tokens.sign_in(Empty(clock))


async def test_an_unexpected_error_reaches_the_waiters_as_the_librarys_own(
    tokens: TokenRepository, grant: RotatingGrant, events: list[Event]
) -> None:
    """Law C5: a bug in a foreign grant hangs no caller and keeps its traceback as the cause."""
    grant.errors = [KeyError("oops")]
    with pytest.raises(TokenError, match="an unexpected error") as failure:
        await tokens.token()
    assert isinstance(failure.value.__cause__, KeyError)
    assert isinstance(events[0], RenewalFailed)
    assert events[0].remedy == "report"


async def test_a_credential_of_another_client_is_left_alone(clock: ManualClock) -> None:
    """Law E4: neither its token nor its refresh token is used, and the store is not written."""
    ours = IssuedBy(token_endpoint="https://id.example/token", client_id="ours")
    theirs = Credential(
        token=Token(access_token="theirs"),
        refresh_token="theirs",
        issued_by=IssuedBy(token_endpoint="https://id.example/token", client_id="theirs"),
    )
    grant = RevocableGrant(clock, issued_by=ours)
    grant.errors = [ConfigurationError("of another client")]
    store = FaultyStore(theirs)
    tokens = TokenRepository(grant, store, clock=clock)
    with pytest.raises(ConfigurationError):
        await tokens.token()
    with pytest.raises(ConfigurationError, match="left alone"):
        await tokens.sign_out()
    with pytest.raises(ConfigurationError, match="use the same"):
        await tokens.sign_in(RotatingGrant(clock, issued_by=theirs.issued_by))
    assert await MemoryTokenStore.load(store) is theirs
    assert "save" not in store.steps


async def test_signing_in_ends_trouble(
    tokens: TokenRepository, grant: RotatingGrant, clock: ManualClock, events: list[Event]
) -> None:
    """A sign-in is kept, published and told, and the next to ask is served."""
    grant.errors = [SignInRequired("no one signed in")]
    with pytest.raises(SignInRequired):
        await tokens.token()
    token = await tokens.sign_in(RotatingGrant(clock))
    assert await tokens.token() is token
    assert isinstance(events[-1], SignedIn)


async def test_nobody_signs_in_for_a_store_that_would_fail(
    grant: RotatingGrant, clock: ManualClock, tmp_path: Path
) -> None:
    """Law F7: directory, lock and key are tried before a person is asked."""
    (tmp_path / "open").mkdir(mode=0o777)
    (tmp_path / "open").chmod(0o777)
    tokens = TokenRepository(grant, FileTokenStore(tmp_path / "open" / "token.json"), clock=clock)
    person = RotatingGrant(clock)
    with pytest.raises(StoreError, match="chmod"):
        await tokens.sign_in(person)
    assert person.calls == 0


async def test_nobody_signs_in_over_what_cannot_be_read(grant: RotatingGrant, clock: ManualClock) -> None:
    """Law F7: what is stored is read before it is replaced, so that its key must be there before a person is asked."""
    store = FaultyStore(stored(clock, "a"))
    store.faults["load"] = KeyUnavailable("its key is lost")
    person = RotatingGrant(clock)
    with pytest.raises(KeyUnavailable):
        await TokenRepository(grant, store, clock=clock).sign_in(person)
    assert (person.calls, store.steps) == (0, ["load"])


async def test_a_probe_that_hangs_is_given_up(grant: RotatingGrant, clock: ManualClock) -> None:
    """Law C4: a store that is locked for long is no reason to wait for ever before a sign-in."""

    class Locked(FaultyStore):
        async def probe(self) -> None:
            await asyncio.Event().wait()

    tokens = TokenRepository(grant, Locked(), clock=clock, limits=Limits(lock=0.01))
    with pytest.raises(LockTimeout):
        await tokens.sign_in(grant)


async def test_a_sign_in_rescues_a_refresh_token_too(
    tokens: TokenRepository, clock: ManualClock, store: FaultyStore
) -> None:
    """Law D2 holds for sign-ins."""
    person = RotatingGrant(clock)
    person.errors = [Rescued(Credential(refresh_token="rescued"), ServerUnavailable("no access token"))]
    with pytest.raises(ServerUnavailable):
        await tokens.sign_in(person)
    assert (await MemoryTokenStore.load(store) or Credential()).refresh_token == "rescued"


async def test_a_person_is_asked_once_for_all_who_wait(grant: RotatingGrant, clock: ManualClock) -> None:
    """Law E2: `sign_in_with=` runs when only that helps, once, and every caller gets its token."""
    grant.errors = [SignInRequired("no one signed in")]
    person = RotatingGrant(clock)
    tokens = TokenRepository(grant, clock=clock, sign_in_with=person)
    got = await asyncio.gather(*(tokens.token() for _ in range(100)))
    assert (person.calls, {token.access_token for token in got}) == (1, {"access-1"})


async def test_no_lock_is_held_while_a_person_signs_in(
    grant: RotatingGrant, store: FaultyStore, clock: ManualClock
) -> None:
    """Law E2: another process can use the store meanwhile."""
    grant.errors = [SignInRequired("no one signed in")]
    person = RotatingGrant(clock)
    person.go.clear()
    tokens = TokenRepository(grant, store, clock=clock, sign_in_with=person)
    ask = asyncio.create_task(tokens.token())
    await person.arrived.wait()
    async with asyncio.timeout(30), store.exclusive():
        person.go.set()
    assert (await ask).access_token == "access-1"


async def test_a_person_who_does_not_sign_in_is_left_in_peace(grant: RotatingGrant, clock: ManualClock) -> None:
    """Law E2: the sign-in has its own deadline, and after it the person is not asked again for a minute."""
    grant.errors = [SignInRequired("no one signed in") for _ in range(10)]
    person = RotatingGrant(clock)
    person.go.clear()
    tokens = TokenRepository(grant, clock=clock, sign_in_with=person, limits=Limits(sign_in=0.01))
    with pytest.raises(SignInRequired, match=r"no one signed in within 0\.01 s"):
        await tokens.token()
    clock.advance(2)
    with pytest.raises(SignInRequired, match="no one signed in"):
        await tokens.token()
    assert person.calls == 1
    clock.advance(60)
    person.go.set()
    assert (await tokens.token()).access_token == "access-2"


async def test_nobody_is_asked_behind_a_valid_token(
    grant: RotatingGrant, store: FaultyStore, clock: ManualClock
) -> None:
    """Law E2: a person is asked only while a caller waits."""
    person = RotatingGrant(clock)
    tokens = TokenRepository(grant, store, clock=clock, sign_in_with=person)
    await tokens.token()
    clock.advance(50)
    grant.errors = [SignInRequired("no one signed in")]
    await tokens.token()
    await tokens.aclose()
    assert person.calls == 0


async def test_a_sign_in_elsewhere_is_found_within_a_second(
    tokens: TokenRepository, grant: RotatingGrant, store: FaultyStore, clock: ManualClock
) -> None:
    """Law E1: a sign-in by another process ends the latch; failures are answered from memory for a second."""
    grant.errors = [SignInRequired("no one signed in")]
    with pytest.raises(SignInRequired):
        await tokens.token()
    await MemoryTokenStore.save(store, stored(clock, "elsewhere"))
    with pytest.raises(SignInRequired):
        await tokens.token()
    clock.advance(1)
    assert (await tokens.token()).access_token == "access-elsewhere"
    assert grant.calls == 1


async def test_signing_out_revokes_and_deletes(
    tokens: TokenRepository, grant: RevocableGrant, store: FaultyStore
) -> None:
    """Law E3: first the server, then the store."""
    await tokens.token()
    answer = await tokens.sign_out()
    assert answer.revoked
    assert [credential.refresh_token for credential in grant.revoked] == ["refresh-1"]
    assert await MemoryTokenStore.load(store) is None
    assert not (await tokens.sign_out()).revoked


async def test_signing_out_deletes_even_if_the_server_cannot_be_told(
    tokens: TokenRepository, grant: RevocableGrant, store: FaultyStore
) -> None:
    """Law E3: the local part happens, and the answer says what did not."""
    await tokens.token()
    grant.revocation_error = ServerUnavailable("the server is away")
    answer = await tokens.sign_out()
    assert (answer.revoked, answer.message) == (False, "the server is away")
    assert await MemoryTokenStore.load(store) is None


async def test_signing_out_says_when_the_grant_cannot_revoke(clock: ManualClock) -> None:
    """Law E3: a grant without revocation is no error."""
    tokens = TokenRepository(RotatingGrant(clock), clock=clock)
    await tokens.token()
    assert (await tokens.sign_out()).message == "this grant cannot revoke what it obtained"


async def test_a_sign_out_does_not_race_a_renewal(
    tokens: TokenRepository, grant: RevocableGrant, store: FaultyStore
) -> None:
    """The one lock of a repository is held by whatever changes what it holds."""
    grant.go.clear()
    ask = asyncio.create_task(tokens.token())
    await grant.arrived.wait()
    out = asyncio.create_task(tokens.sign_out())
    await asyncio.sleep(0)
    grant.go.set()
    await asyncio.gather(ask, out)
    assert [credential.refresh_token for credential in grant.revoked] == ["refresh-1"]
    assert await MemoryTokenStore.load(store) is None


def test_one_repository_serves_several_event_loops_in_turn(clock: ManualClock) -> None:
    """Law C6: three asyncio.run in a row, with contention in each."""
    tokens = TokenRepository(RotatingGrant(clock), clock=clock)

    async def contend() -> int:
        current = await tokens.token()
        got = await asyncio.gather(*(tokens.token(rejected=current) for _ in range(50)))
        return len({token.access_token for token in got})

    assert [asyncio.run(contend()) for _ in range(3)] == [1, 1, 1]


async def test_a_clock_that_was_set_back_keeps_no_dead_token_alive(tokens: TokenRepository, clock: ManualClock) -> None:
    """Law D4: the monotonic clock ends the token, and a suspended machine's wall clock does."""
    await tokens.token()
    clock.step(-3600)
    clock.advance(61)
    assert (await tokens.token()).access_token == "access-2"
    clock.suspend(3600)
    assert (await tokens.token()).access_token == "access-3"


async def test_a_saved_marks_nothing_as_loaded_twice(
    tokens: TokenRepository, store: FaultyStore, events: list[Event]
) -> None:
    """`Loaded` is told for what was found, once."""
    await MemoryTokenStore.save(store, Credential(refresh_token="only a refresh token"))
    await tokens.token()
    assert kinds(events) == ["Loaded", "Renewed"]
    assert isinstance(events[0], Loaded)
    assert Saved not in {type(event) for event in events}


async def test_a_service_can_have_a_repository_for_each_of_its_users() -> None:
    """At rest, its store, its token and its flight included, a repository takes less than 2 kB."""
    count = 200
    grant = RotatingGrant(ManualClock())
    await TokenRepository(grant, observer=None).token()  # whatever is made once is made now
    gc.collect()
    tracemalloc.start()
    try:
        repositories = [TokenRepository(grant, MemoryTokenStore(), observer=None) for _ in range(count)]
        for repository in repositories:
            await repository.token()
        await asyncio.sleep(0)
        gc.collect()
        used, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used < 2_048 * count


async def test_a_sign_out_that_is_given_up_deletes_all_the_same(clock: ManualClock, store: FaultyStore) -> None:
    """Law E3: the revocation endpoint hangs, the caller gives up, and what was to go is gone."""

    class Hanging(RotatingGrant):
        async def revoke(self, credential: Credential) -> None:
            del credential
            await asyncio.Event().wait()

    tokens = TokenRepository(Hanging(clock), store, clock=clock, limits=Limits(shutdown=0.02), observer=None)
    await tokens.token()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await tokens.sign_out()
    assert await MemoryTokenStore.load(store) is None
    assert tokens.token_at_hand() is None


async def test_a_beginning_that_was_noted_under_a_clock_of_the_future_is_not_believed(clock: ManualClock) -> None:
    """Laws D4 and D12: a machine whose clock went a day ahead for a moment does without its session for no day."""
    store = MemoryTokenStore()
    ahead = clock.time() + 86_400
    kept = replace(stored(clock, "disk"), token=None, obtained_at=ahead, refresh_not_before=ahead + 30)
    await MemoryTokenStore.save(store, kept)
    grant = RotatingGrant(clock)
    assert (await TokenRepository(grant, store, clock=clock, observer=None).token()).access_token == "access-1"


async def test_a_refresh_token_that_may_not_be_used_yet_is_kept(
    tokens: TokenRepository, store: FaultyStore, grant: RotatingGrant, clock: ManualClock
) -> None:
    """Law D12: not even where an API rejects the token; the error says how long it takes."""
    await MemoryTokenStore.save(store, replace(stored(clock, "disk"), refresh_not_before=clock.time() + 30))
    token = await tokens.token()
    with pytest.raises(ServerUnavailable, match="the refresh token may not be used for another 30 s") as refusal:
        await tokens.token(rejected=token)
    assert (refusal.value.retry_after, grant.calls) == (30, 0)
    clock.advance(31)
    assert (await tokens.token(rejected=token)).access_token == "access-1"


async def test_what_a_later_release_noted_outlives_a_grant_that_begins_anew(
    tokens: TokenRepository, store: FaultyStore, clock: ManualClock
) -> None:
    """Law F3: grants that ask anew know nothing of the record before, and erase none of it."""
    record = json.loads(stored(clock, "disk", left=-1).to_json())
    await MemoryTokenStore.save(store, Credential.from_json(json.dumps({**record, "mark": 7}).encode()))
    await tokens.token()
    kept = await MemoryTokenStore.load(store)
    assert kept is not None
    assert (json.loads(kept.to_json())["mark"], kept.refresh_token) == (7, "refresh-1")
    await tokens.renew()
    kept = await MemoryTokenStore.load(store)
    assert kept is not None
    assert json.loads(kept.to_json())["mark"] == 7
