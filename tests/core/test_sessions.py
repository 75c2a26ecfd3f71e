"""Sessions: what begins one, what becomes of one that is replaced, and what ends it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession

from aio_token import (
    ConfigurationError,
    Credential,
    FileTokenStore,
    Limits,
    MemoryTokenStore,
    PasswordGrant,
    PublicClient,
    RefreshTokenGrant,
    Rejection,
    ServerUnavailable,
    SignInRequired,
    StoreError,
    Token,
    TokenEndpoint,
    TokenError,
    TokenRepository,
    Wish,
)
from aio_token._clock import SYSTEM_CLOCK
from aio_token._sessions import person as person_module
from aio_token._sessions import sessions as sessions_module
from aio_token._sessions.reached import reached
from aio_token.events import Replaced, SignedIn, SignedOut
from aio_token.grants import IssuedBy, Rescued, StillPending, WebSignIn
from aio_token.stores import LockTimeout
from aio_token.testing import AuthorizationServer
from tests.support.doubles import FaultyStore, RevocableGrant, RotatingGrant, stored

if TYPE_CHECKING:
    from pathlib import Path

    from aio_token import Grant
    from aio_token.events import Event


class InTwoParts(RotatingGrant):
    """A grant whose person comes when `back` is set, and agrees at a poll; what it gives waits for `go`."""

    def __init__(self, polls: int = 1) -> None:
        super().__init__(SYSTEM_CLOCK)
        self.invited = asyncio.Event()
        self.back = asyncio.Event()
        self.wishes: list[Wish] = []
        self.left = polls

    async def invite(self, wish: Wish) -> Grant:
        """Wait for the person."""
        self.wishes.append(wish)
        self.invited.set()
        await self.back.wait()
        return self

    async def obtain(self, credential: Credential | None, wish: Wish) -> Credential:
        """Give a credential, once the person has agreed."""
        self.left -= 1
        if self.left:
            raise StillPending(self)
        return await super().obtain(credential, wish)


class Ended(RevocableGrant):
    """A grant whose session has ended: a person has to sign in."""

    async def obtain(self, credential: Credential | None, wish: Wish) -> Credential:
        """Say so."""
        del credential, wish
        message = "sign in"
        raise SignInRequired(message)


@pytest.fixture
def store() -> FaultyStore:
    """Return an empty store."""
    return FaultyStore()


@pytest.fixture
def events() -> list[Event]:
    """Return what observers are told."""
    return []


@pytest.fixture
def tokens(store: FaultyStore, events: list[Event]) -> TokenRepository:
    """Return a repository whose session has ended."""
    return TokenRepository(Ended(SYSTEM_CLOCK), store, observer=events.append)


async def kept_in(store: MemoryTokenStore) -> str | None:
    """Return the refresh token that is stored."""
    kept = await MemoryTokenStore.load(store)
    return None if kept is None else kept.refresh_token


async def test_no_lock_is_held_while_the_person_is_waited_for(tokens: TokenRepository, store: FaultyStore) -> None:
    """Law E2: other processes use the store meanwhile; what is redeemed then is redeemed under its lock."""
    grant = InTwoParts()
    grant.go.clear()
    signing_in = asyncio.create_task(tokens.sign_in(grant))
    await grant.invited.wait()
    async with asyncio.timeout(30), store.exclusive():
        grant.back.set()
        await asyncio.sleep(0.02)
        assert not grant.arrived.is_set()
    await grant.arrived.wait()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02), store.exclusive():
            raise AssertionError
    grant.go.set()
    assert (await signing_in).access_token == "access-1"
    assert await kept_in(store) == "refresh-1"


async def test_a_person_who_is_given_up_spends_nothing(tokens: TokenRepository, store: FaultyStore) -> None:
    """Law E2: the caller leaves while the person is waited for, and closing waits for no person."""
    grant = InTwoParts()
    signing_in = asyncio.create_task(tokens.sign_in(grant))
    await grant.invited.wait()
    signing_in.cancel()
    await asyncio.wait((signing_in,))
    async with asyncio.timeout(30):
        await tokens.aclose()
    assert (signing_in.cancelled(), grant.calls, await kept_in(store)) == (True, 0, None)


async def test_what_is_redeemed_is_kept_though_its_caller_leaves(
    tokens: TokenRepository, store: FaultyStore, events: list[Event]
) -> None:
    """Law E2: the caller's wait ends at once, the redemption goes on, and closing the repository waits for it."""
    grant = InTwoParts()
    grant.back.set()
    grant.go.clear()
    signing_in = asyncio.create_task(tokens.sign_in(grant))
    await grant.arrived.wait()
    signing_in.cancel()
    await asyncio.wait((signing_in,))
    assert signing_in.cancelled()
    closing = asyncio.create_task(tokens.aclose())
    await asyncio.sleep(0.02)
    assert not closing.done()
    grant.go.set()
    await closing
    assert await kept_in(store) == "refresh-1"
    assert [type(event) for event in events] == [SignedIn]


async def test_a_person_who_has_not_agreed_yet_is_waited_for_again(tokens: TokenRepository) -> None:
    """A device asks until there is an answer: each wait is the person's part, and may be cancelled."""
    grant = InTwoParts(polls=3)
    grant.back.set()
    assert (await tokens.sign_in(grant)).access_token == "access-1"
    assert len(grant.wishes) == 3


async def test_nothing_is_spent_for_a_store_that_another_process_holds(store: FaultyStore) -> None:
    """Law E2: the code is still good for the next try."""
    tokens = TokenRepository(Ended(SYSTEM_CLOCK), store, limits=Limits(lock=0.02), observer=None)
    grant = RotatingGrant(SYSTEM_CLOCK)
    async with store.exclusive():
        with pytest.raises(LockTimeout):
            await tokens.sign_in(grant)
    assert grant.calls == 0
    assert (await tokens.sign_in(grant)).access_token == "access-1"


async def test_two_sign_ins_at_once_come_one_after_the_other(tokens: TokenRepository, store: FaultyStore) -> None:
    """The later one wins, and each caller gets the token of its own."""
    grant = RotatingGrant(SYSTEM_CLOCK)
    got = await asyncio.gather(*(tokens.sign_in(grant) for _ in range(3)))
    assert [token.access_token for token in got] == ["access-1", "access-2", "access-3"]
    assert await kept_in(store) == "refresh-3"


async def test_a_stranger_s_bug_is_an_error_of_the_library(tokens: TokenRepository) -> None:
    """Law C5: it hangs no caller, and keeps its traceback as the cause."""
    grant = RotatingGrant(SYSTEM_CLOCK)
    grant.errors = [KeyError("oops")]
    with pytest.raises(TokenError, match="an unexpected error") as failure:
        await tokens.sign_in(grant)
    assert isinstance(failure.value.__cause__, KeyError)


async def test_what_an_api_asked_for_reaches_the_person(store: FaultyStore) -> None:
    """Law E2: a challenge wants another sign-in; the person is asked for that one."""
    person, wish = InTwoParts(), Wish(acr_values="gold", max_age=60)
    person.back.set()
    tokens = TokenRepository(Ended(SYSTEM_CLOCK), store, sign_in_with=person, observer=None)
    await MemoryTokenStore.save(store, stored(SYSTEM_CLOCK, "silver"))
    rejected = Rejection(token=await tokens.token(), wish=wish)
    assert (await tokens.token(rejected=rejected)).access_token == "access-1"
    assert person.wishes == [wish]


async def test_a_grant_of_one_part_may_be_the_person_s(store: FaultyStore) -> None:
    """Law D2: what is rescued from it is kept as well."""
    person = RotatingGrant(SYSTEM_CLOCK)
    person.errors = [Rescued(Credential(refresh_token="rescued"), ServerUnavailable("no access token"))]
    tokens = TokenRepository(Ended(SYSTEM_CLOCK), store, sign_in_with=person, observer=None)
    with pytest.raises(ServerUnavailable, match="no access token"):
        await tokens.token()
    assert await kept_in(store) == "rescued"


async def test_time_that_runs_out_during_the_redemption_loses_nothing(
    store: FaultyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law E2: the limit is the person's; who is back by then has signed in."""
    monkeypatch.setattr(person_module, "LOOKS_APART", 0.01)
    person = InTwoParts()
    person.back.set()
    person.go.clear()
    tokens = TokenRepository(
        Ended(SYSTEM_CLOCK), store, sign_in_with=person, limits=Limits(sign_in=0.05, lock=0.01), observer=None
    )
    asking = asyncio.create_task(tokens.token())
    await person.arrived.wait()
    await asyncio.sleep(0.2)
    assert not asking.done()
    person.go.set()
    assert (await asking).access_token == "access-1"


# A session that is replaced.


def at(server: AuthorizationServer, store: MemoryTokenStore, events: list[Event], **options: Any) -> TokenRepository:
    """Return a repository of a public client."""
    endpoint = TokenEndpoint(server.token_url, PublicClient("app"), revocation_url=server.revocation_url, **options)
    return TokenRepository(RefreshTokenGrant(endpoint), store, observer=events.append)


def password(server: AuthorizationServer) -> PasswordGrant:
    """Return a grant that signs in at once."""
    return PasswordGrant(TokenEndpoint(server.token_url, PublicClient("app")), "ada", "lovelace")


async def test_a_replaced_session_ends_at_the_server(store: FaultyStore, events: list[Event]) -> None:
    """Law E3: nothing refers to it any more; the new one is kept first, and lives."""
    async with AuthorizationServer() as server, at(server, store, events) as tokens:
        old = await tokens.sign_in(password(server))
        with server.hold(endpoint="revoke") as hold:
            signing_in = asyncio.create_task(tokens.sign_in(password(server)))
            await hold.arrived.wait()
            assert isinstance(events[-1], SignedIn)
            kept = await kept_in(store)
            hold.release()
            new = await signing_in
        assert await kept_in(store) == kept
        assert (server.accepts(old.access_token), server.accepts(new.access_token)) == (False, True)
        await tokens.token(rejected=new)
        assert events[2] == Replaced(at=events[2].at, revoked=True, message=None)


async def test_a_server_that_ends_both_is_not_told(store: FaultyStore, events: list[Event]) -> None:
    """Law E3: where revoking the old session would end the new one with it, the old one is left to its end."""
    async with AuthorizationServer(revocation_ends_grant=True) as server:
        async with at(server, store, events, revocation_ends_grant=True) as tokens:
            await tokens.sign_in(password(server))
            await tokens.token(rejected=await tokens.sign_in(password(server)))
        assert not any(isinstance(event, Replaced) for event in events)
        async with at(server, store, events) as tokens:  # what the argument is for
            token = await tokens.sign_in(password(server))
            assert not server.accepts(token.access_token)


@pytest.mark.parametrize(("names", "replaced"), [(("one", "one"), 0), (("one", "another"), 1), ((None, None), 1)])
async def test_a_session_that_goes_on_is_not_replaced(
    store: FaultyStore, events: list[Event], names: tuple[str | None, str | None], replaced: int
) -> None:
    """Law E3: two sign-ins in one browser are one session to a server that says so, and end together."""
    said: dict[str, object] = {}
    async with AuthorizationServer(extra=said) as server, at(server, store, events) as tokens:
        for name in names:
            said["session_state"] = ... if name is None else name
            await tokens.sign_in(password(server))
        token = await tokens.token()
        assert sum(isinstance(event, Replaced) for event in events) == replaced
        assert await tokens.token(rejected=token) != token


async def test_a_server_that_cannot_be_told_fails_no_sign_in(
    store: FaultyStore, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law E3: it is tried once, for a few seconds, and what came of it is told."""
    monkeypatch.setattr(sessions_module, "PATIENCE", 0.05)
    async with AuthorizationServer() as server, at(server, store, events) as tokens:
        await tokens.sign_in(password(server))
        with server.hold(endpoint="revoke"):
            token = await tokens.sign_in(password(server))
        assert await tokens.token() == token
        assert events[-1] == Replaced(
            at=events[-1].at, revoked=False, message="the server did not confirm it within 0.05 s"
        )


async def test_what_the_store_still_has_is_not_revoked(store: FaultyStore, events: list[Event]) -> None:
    """Law E3: the new session is in memory only, and after the next start the old one is all that there is."""
    async with AuthorizationServer() as server, at(server, store, events) as tokens:
        old = await tokens.sign_in(password(server))
        store.faults["save"] = StoreError("the disk is full")
        new = await tokens.sign_in(password(server))
        assert server.accepts(old.access_token)
        assert server.accepts(new.access_token)
        (replaced,) = [event for event in events if isinstance(event, Replaced)]
        assert (replaced.revoked, replaced.message) == (
            False,
            "the store did not take the new session and has the old one",
        )
        assert server.accepts((await at(server, store, events).token()).access_token)
        store.faults.clear()


async def test_what_is_no_live_session_of_ours_is_not_revoked(store: FaultyStore) -> None:
    """Law E3: a session that the server has refused, the same one again, and one that the new one cannot do without."""
    grant = RevocableGrant(SYSTEM_CLOCK)
    tokens = TokenRepository(grant, store, observer=None)
    for old, new in [
        (Credential(refresh_token="r", refused="454349e4"), Credential(refresh_token="s")),
        (Credential(refresh_token="s"), Credential(refresh_token="s")),
        (Credential(refresh_token="s"), Credential(token=Token(access_token="no-refresh-token"))),
        (Credential(token=Token(access_token="no-refresh-token")), Credential(refresh_token="t")),
    ]:
        assert old.is_refused == (old.refused is not None)
        await MemoryTokenStore.save(store, old)
        await tokens.sign_in(Giving(new))
    assert grant.revoked == []


class Giving(RotatingGrant):
    """Gives one credential, with a token if it has none."""

    def __init__(self, credential: Credential) -> None:
        super().__init__(SYSTEM_CLOCK)
        self._credential = credential

    async def obtain(self, credential: Credential | None, wish: Wish) -> Credential:
        """Give."""
        given = await super().obtain(credential, wish)
        return replace(self._credential, token=self._credential.token or given.token)


async def test_a_sign_out_that_was_given_up_says_so(store: FaultyStore, events: list[Event]) -> None:
    """Law E3: who asked is gone, and observers hear that the session is, too."""

    class Hanging(RotatingGrant):
        async def revoke(self, credential: Credential) -> None:
            del credential
            await asyncio.Event().wait()

    tokens = TokenRepository(Hanging(SYSTEM_CLOCK), store, limits=Limits(shutdown=0.02), observer=events.append)
    await tokens.token()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await tokens.sign_out()
    assert isinstance(event := events[-1], SignedOut)
    assert (event.revoked, event.message) == (False, "the sign-out was given up before the server had answered")


async def test_a_grant_that_cannot_revoke_for_a_bug_keeps_nothing_here(store: FaultyStore) -> None:
    """Law E3: whatever a stranger's grant raises, the local part happens."""
    grant = RevocableGrant(SYSTEM_CLOCK)
    grant.revocation_error = KeyError("oops")
    tokens = TokenRepository(grant, store, observer=None)
    await tokens.token()
    assert (await tokens.sign_out()).message == "the revocation failed with an unexpected error (KeyError)"
    assert await MemoryTokenStore.load(store) is None


async def test_a_sign_out_is_a_wish_that_the_store_takes_when_it_can(store: FaultyStore) -> None:
    """Law E3: it is kept in memory until then; nothing is served meanwhile, and nothing is presented."""
    grant = RevocableGrant(SYSTEM_CLOCK)
    tokens = TokenRepository(grant, store, observer=None)
    await tokens.token()
    store.faults["delete"] = StoreError("no such disk")
    with pytest.raises(StoreError, match="no such disk"):
        await tokens.sign_out()
    assert tokens.token_at_hand() is None
    assert await kept_in(store) == "refresh-1"
    await tokens.aclose()
    kept = await MemoryTokenStore.load(store)
    assert kept is not None
    assert kept.is_tombstone
    assert [credential.refresh_token for credential in grant.revoked] == ["refresh-1"]


@pytest.mark.parametrize("known", [True, False], ids=["known", "of another process"])
async def test_a_sign_out_is_a_wish_that_a_store_takes_once_it_can_be_held(known: bool, tmp_path: Path) -> None:
    """Law E3: a lock that cannot be taken keeps no session alive: it is revoked, and nothing of it is used any more."""
    path, grant = tmp_path / "token.json", RevocableGrant(SYSTEM_CLOCK)
    first = TokenRepository(grant, FileTokenStore(path), observer=None)
    await first.token()
    tokens = first if known else TokenRepository(grant, FileTokenStore(path), observer=None)
    lock = tmp_path / "token.json.lock"
    lock.unlink()
    lock.mkdir()
    with pytest.raises(StoreError, match=r"token\.json\.lock"):
        await tokens.sign_out()
    assert [credential.refresh_token for credential in grant.revoked] == ["refresh-1"]
    assert tokens.token_at_hand() is None
    with pytest.raises(StoreError):
        await tokens.token()
    assert grant.calls == 1
    kept = await FileTokenStore(path).load()
    assert kept is not None
    assert kept.refresh_token == "refresh-1"
    lock.rmdir()
    await tokens.aclose()
    kept = await FileTokenStore(path).load()
    assert kept is not None
    assert kept.is_tombstone
    assert (await tokens.sign_out()).message == "there was nothing to revoke"
    assert len(grant.revoked) == 1


async def test_what_was_never_read_is_not_ended(store: FaultyStore) -> None:
    """Law E3: neither lock nor record can be reached, and nothing is known: what is there stays as it is."""
    grant = RevocableGrant(SYSTEM_CLOCK)
    tokens = TokenRepository(grant, store, observer=None)
    store.faults = {"exclusive": OSError("no such disk"), "load": OSError("no such disk")}
    with pytest.raises(StoreError, match=r"failed \(OSError\)"):
        await tokens.sign_out()
    assert grant.revoked == []


async def test_a_store_that_is_wrongly_set_up_ends_no_session(store: FaultyStore) -> None:
    """Law E3: what it says is to be set right, as where its client is another event loop's, and then said again."""
    grant = RevocableGrant(SYSTEM_CLOCK)
    tokens = TokenRepository(grant, store, observer=None)
    await tokens.token()
    store.faults["exclusive"] = ConfigurationError("give it a URL")
    with pytest.raises(ConfigurationError, match="give it a URL"):
        await tokens.sign_out()
    assert grant.revoked == []
    assert tokens.token_at_hand() is not None


async def test_what_another_process_wrote_last_is_ended_too(store: FaultyStore) -> None:
    """Law E3: it has renewed before the store could not be held any more; its refresh token is the one to revoke."""
    grant = RevocableGrant(SYSTEM_CLOCK)
    tokens, another = (TokenRepository(grant, store, observer=None) for _ in range(2))
    await tokens.token()
    await another.renew()
    store.faults["exclusive"] = OSError("no such disk")
    with pytest.raises(StoreError, match=r"failed \(OSError\)"):
        await tokens.sign_out()
    assert [credential.refresh_token for credential in grant.revoked] == ["refresh-2"]
    assert tokens.token_at_hand() is None
    store.faults.clear()
    await tokens.aclose()
    kept = await store.load()
    assert kept is not None
    assert kept.is_tombstone


async def test_a_slot_that_is_not_held_does_nothing(store: FaultyStore) -> None:
    """Law E3: whatever is asked of it fails as holding it did."""
    tokens = TokenRepository(RevocableGrant(SYSTEM_CLOCK), store, observer=None)
    await tokens.token()
    store.faults["exclusive"] = StoreError("gone")
    async with reached(tokens._keeper, store, asyncio.Lock()) as slot:
        for ask in (slot.load, slot.delete, partial(slot.save, stored(SYSTEM_CLOCK, "another"))):
            with pytest.raises(StoreError, match="gone"):
                await ask()
    kept = await store.load()
    assert kept is not None
    assert kept.refresh_token == "refresh-1"


async def test_a_known_session_is_ended_though_its_store_is_gone(store: FaultyStore) -> None:
    """Law E3: neither lock nor record can be reached, and the server is told."""
    grant = RevocableGrant(SYSTEM_CLOCK)
    tokens = TokenRepository(grant, store, observer=None)
    await tokens.token()
    store.faults = {"exclusive": StoreError("gone"), "load": StoreError("gone")}
    with pytest.raises(StoreError, match="gone"):
        await tokens.sign_out()
    assert [credential.refresh_token for credential in grant.revoked] == ["refresh-1"]
    assert tokens.status.state == "absent"


async def test_a_session_that_another_process_holds_is_not_ended(store: FaultyStore) -> None:
    """Law E3: it may be renewed just now; the answer is to try later, and the token is served on."""
    grant = RevocableGrant(SYSTEM_CLOCK)
    tokens = TokenRepository(grant, store, observer=None, limits=Limits(lock=0.05))
    await tokens.token()
    async with store.exclusive():
        with pytest.raises(LockTimeout):
            await tokens.sign_out()
    assert grant.revoked == []
    assert tokens.token_at_hand() is not None


async def test_no_code_is_sent_once_the_hold_has_lapsed(store: FaultyStore) -> None:
    """Law J2: another host may hold the store by then; the code has not left, and is good for another try."""

    class Lapsing(FaultyStore):
        lasts = 0.0

    async with AuthorizationServer() as server:
        endpoint = TokenEndpoint(server.token_url, PublicClient("app"), authorization_url=server.authorization_url)
        web_sign_in = WebSignIn(endpoint, "http://127.0.0.1:9/callback")
        begun = await web_sign_in.begin()
        async with ClientSession() as browser, browser.get(begun.address, allow_redirects=False) as sent_back:
            query = sent_back.headers["Location"].partition("?")[2]
        grant = await web_sign_in.finish(query, begun.state)
        with pytest.raises(LockTimeout, match="nothing was sent"):
            await TokenRepository(RefreshTokenGrant(endpoint), Lapsing(), observer=None).sign_in(grant)
        assert server.requests == {}
        token = await TokenRepository(RefreshTokenGrant(endpoint), store, observer=None).sign_in(grant)
        assert server.accepts(token.access_token)


async def test_what_a_person_brings_is_for_this_client(store: FaultyStore) -> None:
    """Law E4: a grant that was made for another client is not redeemed, whoever returned it."""
    ours, theirs = (IssuedBy(token_endpoint="https://id.example/token", client_id=name) for name in ("ours", "theirs"))
    foreign = RotatingGrant(SYSTEM_CLOCK, issued_by=theirs)

    class Mistaken(RotatingGrant):
        async def invite(self, wish: Wish) -> Grant:
            del wish
            return foreign

    tokens = TokenRepository(RevocableGrant(SYSTEM_CLOCK, issued_by=ours), store, observer=None)
    with pytest.raises(ConfigurationError, match="use the same"):
        await tokens.sign_in(Mistaken(SYSTEM_CLOCK, issued_by=ours))
    assert (foreign.calls, await kept_in(store)) == (0, None)
