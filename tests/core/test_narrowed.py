"""Several access tokens of one session: each its own, over one refresh token."""

from __future__ import annotations

import asyncio
import gc
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest
from aiohttp import ClientSession

from aio_token import (
    BearerMiddleware,
    ClientCredentialsGrant,
    ConfigurationError,
    Credential,
    FileTokenStore,
    GrantRefused,
    MemoryTokenStore,
    PublicClient,
    RefreshTokenGrant,
    Rejection,
    ServerUnavailable,
    StoreError,
    Token,
    TokenEndpoint,
    TokenRepository,
    Wish,
)
from aio_token._lens.beside import MOST
from aio_token._narrowing.narrowed import NarrowStore, seen_for, written_for
from aio_token._sessions.beside import StoreBeside
from aio_token.events import ScopeMissing, SignedOut, TokensEndEachOther
from aio_token.testing import AuthorizationServer, ManualClock, ProtectedAPI, RecordingObserver
from tests.support.doubles import FaultyStore, RevocableGrant, stored
from tests.support.exposure import SECRETS, exposure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

ENDPOINT = TokenEndpoint("https://id.example/token", PublicClient("app"))


class Wishing(RevocableGrant):
    """A grant that rotates, and notes what is wished."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.wishes: list[Wish] = []

    async def obtain(self, credential: Credential | None, wish: Wish) -> Credential:
        """Rotate, as wished."""
        self.wishes.append(wish)
        new = await super().obtain(credential, wish)
        return replace(credential or new, token=new.token, obtained_at=new.obtained_at, refresh_token=new.refresh_token)


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that stands still."""
    return ManualClock(1_700_000_000.0)  # not ahead of the clock that stores remove by


@pytest.fixture
def grant(clock: ManualClock) -> Wishing:
    """Return a grant that rotates."""
    return Wishing(clock)


@pytest.fixture
def store(clock: ManualClock) -> FaultyStore:
    """Return a store with a session."""
    return FaultyStore(stored(clock, "0"))


@pytest.fixture
def heard() -> RecordingObserver:
    """Return who listens."""
    return RecordingObserver()


@pytest.fixture
def tokens(grant: Wishing, store: FaultyStore, clock: ManualClock, heard: RecordingObserver) -> TokenRepository:
    """Return the session's repository."""
    return TokenRepository(grant, store, name="ada", observer=heard, clock=clock)


@pytest.fixture
async def server() -> AsyncIterator[AuthorizationServer]:
    """Return a server that rotates."""
    async with AuthorizationServer() as server:
        yield server


async def test_each_token_is_its_own_over_one_refresh_token(tokens: TokenRepository, grant: Wishing) -> None:
    """Law E5: the refresh token goes from one to the next in order; each wish has its token, the session too."""
    mail, files = tokens.narrowed(scope="mail"), tokens.narrowed(resource="https://files.example", audience="files")
    found = await asyncio.gather(tokens.token(), mail.token(), files.token(), mail.token())
    assert [token.access_token for token in found] == ["access-0", "access-1", "access-2", "access-1"]
    assert grant.presented == ["refresh-0", "refresh-1"]
    assert grant.wishes == [Wish(scope="mail"), Wish(resource=("https://files.example",), audience="files")]
    assert (await tokens.renew()).access_token == "access-3"
    assert grant.presented[-1] == "refresh-2"
    assert [one.token_at_hand() for one in (tokens, mail, files)][1:] == list(found[1:3])
    assert repr(mail) == "<TokenRepository 'ada'>"


async def test_the_same_wish_is_the_same_repository(tokens: TokenRepository) -> None:
    """Law E5: however it is spelled, and for as long as anything holds it; of a narrowed one it is its sibling."""
    one = tokens.narrowed(scope="b a", resource=["y", "x"])
    assert tokens.narrowed(scope="a  b a", resource=("x", "y", "x")) is one
    assert tokens.narrowed(scope="a b") is not one
    assert one.narrowed(scope="a b", resource=["x", "y"]) is one
    assert tokens.narrowed(resource="https://api.example") is tokens.narrowed(resource=["https://api.example"])
    del one
    gc.collect()
    assert tokens._family is not None
    assert len(tokens._family._others) == 0


async def test_tokens_are_kept_beside_the_session(tmp_path: Path, server: AuthorizationServer) -> None:
    """Law E5: the next process has them all without asking, and a renewal of one keeps the others."""
    endpoint = TokenEndpoint(server.token_url, PublicClient("app"))
    first = server.sign_in(client_id="app", scope="mail files")

    heard = RecordingObserver()

    def session() -> TokenRepository:
        store = FileTokenStore(tmp_path / "token.json")
        return TokenRepository(RefreshTokenGrant(endpoint, first=first), store, observer=heard)

    before = session()
    whole = await before.token()
    mail = await before.narrowed(scope="mail").token()
    files = await before.narrowed(scope="files").token()
    assert (mail.scope, files.scope) == ("mail", "files")
    after = session()
    assert [await one.token() for one in (after, after.narrowed(scope="mail"), after.narrowed(scope="files"))] == [
        whole,
        mail,
        files,
    ]
    assert (server.refreshes, server.reused) == (3, 0)
    assert await after.narrowed(scope="mail").renew() != mail
    assert await after.renew() != whole
    last = session()
    assert await last.narrowed(scope="files").token() == files
    assert (server.refreshes, server.reused) == (5, 0)
    assert heard.of(ScopeMissing) == []  # less than was granted is what was asked for


async def test_processes_that_ask_for_different_tokens_present_nothing_twice(
    tmp_path: Path, server: AuthorizationServer
) -> None:
    """Laws E5 and F5: twelve repositories of one file, each for another token, all at once: in order, and none lost."""
    endpoint = TokenEndpoint(server.token_url, PublicClient("app"))
    async with FileTokenStore(tmp_path / "token.json").exclusive() as slot:
        await slot.save(server.credential(client_id="app", scope="a b c d"))
    sessions = [
        TokenRepository(RefreshTokenGrant(endpoint), FileTokenStore(tmp_path / "token.json"), observer=None)
        for _ in range(3)
    ]
    found = await asyncio.gather(*(one.narrowed(scope=scope).token() for one in sessions for scope in "abcd"))
    assert sorted(str(token.scope) for token in found) == sorted("abcd" * 3)
    assert (server.refreshes, server.reused) == (4, 0)


async def test_a_failure_of_one_wish_is_not_the_others(
    tokens: TokenRepository, grant: Wishing, clock: ManualClock
) -> None:
    """Law E5: a scope that the server does not give rests alone; the session's token is renewed all the same."""
    mail = tokens.narrowed(scope="mail")
    grant.errors.append(ServerUnavailable("try later"))
    with pytest.raises(ServerUnavailable):
        await mail.token()
    assert mail.status.trouble is not None
    assert tokens.status.trouble is None
    clock.advance(70.0)
    assert (await tokens.token()).access_token == "access-2"
    kept = await tokens._store.load()
    assert kept is not None
    assert kept.failures == 0
    assert mail.status.retry_at is not None


async def test_a_refused_session_is_refused_for_all(
    tokens: TokenRepository, grant: Wishing, clock: ManualClock
) -> None:
    """Law E1: what the server says of the refresh token holds for each of its tokens, and is asked once."""
    mail, files = tokens.narrowed(scope="mail"), tokens.narrowed(scope="files")
    grant.errors.append(GrantRefused("the session has ended"))
    with pytest.raises(GrantRefused):
        await mail.token()
    kept = await tokens._store.load()
    assert kept is not None
    assert kept.is_refused
    assert seen_for(kept, "of another wish") == replace(seen_for(kept, "of another wish") or kept)
    clock.advance(2.0)
    await tokens.sign_in(RevocableGrant(clock))
    assert (await files.token()).access_token == "access-2"


async def test_signing_in_and_out_is_the_session_s(
    tokens: TokenRepository, grant: Wishing, store: FaultyStore, clock: ManualClock
) -> None:
    """Law E5: a narrowed token has no sign-in of its own; what stood beside the old session is gone with it."""
    mail = tokens.narrowed(scope="mail")
    await mail.token()
    other = Wishing(clock)
    token = await mail.sign_in(other)
    assert tokens.token_at_hand() == token
    kept = await store.load()
    assert kept is not None
    assert seen_for(kept, "any") == replace(kept, token=None, obtained_at=None)
    assert (await mail.sign_out()).revoked
    assert await store.load() is None
    assert grant.revoked[-1].refresh_token == "refresh-1"


async def test_no_token_of_a_session_is_served_in_the_next_one(tokens: TokenRepository, clock: ManualClock) -> None:
    """Law E5: another person signs in: what was narrowed before is let go at once, out of memory too."""
    mail = tokens.narrowed(scope="mail")
    assert (await mail.token()).access_token == "access-1"
    other = Wishing(clock)
    other.calls = 10
    await tokens.sign_in(other)
    assert mail.token_at_hand() is None
    assert (await mail.token()).access_token == "access-2"
    assert tokens._grant.presented[-1] == "refresh-11"  # type: ignore[attr-defined]
    await tokens.sign_out()
    assert mail.token_at_hand() is None


@pytest.mark.parametrize("step", ["exclusive", "delete"])
async def test_no_token_of_a_session_is_served_after_its_end_though_the_store_has_it(
    step: str, tokens: TokenRepository, grant: Wishing, store: FaultyStore, heard: RecordingObserver
) -> None:
    """Law E3: a sign-out that the store does not take ends the narrowed tokens as well, here and at once."""
    mail = tokens.narrowed(scope="mail")
    await mail.token()
    store.faults[step] = OSError("no such disk")
    with pytest.raises(StoreError, match="OSError"):
        await tokens.sign_out()
    assert len(grant.revoked) == 1
    assert mail.token_at_hand() is None
    store.faults["exclusive"] = OSError("no such disk")
    for ask in (mail.token, mail.renew):
        with pytest.raises(StoreError):
            await ask()
        assert mail.token_at_hand() is None
    assert SignedOut not in [type(event) for event in heard.events]
    store.faults.clear()
    await tokens.aclose()
    kept = await store.load()
    assert kept is None or kept.is_tombstone


async def test_the_trouble_of_a_session_ends_with_it(
    tokens: TokenRepository, grant: Wishing, clock: ManualClock
) -> None:
    """Laws E1 and E5: whoever holds a narrowed token is served as soon as someone has signed in again, on the spot."""
    mail = tokens.narrowed(scope="mail")
    grant.errors.append(GrantRefused("the session has ended"))
    with pytest.raises(GrantRefused):
        await mail.token()
    await tokens.sign_in(Wishing(clock))
    assert mail.status.trouble is None
    assert (await mail.token()).access_token == "access-2"


async def test_a_narrowed_token_that_cannot_be_written_is_said(tokens: TokenRepository, clock: ManualClock) -> None:
    """Law G1: the error shows no token, and nothing of the tokens beside it."""
    seen = Credential(token=Token(access_token="access-1", extra={"odd": object()}), refresh_token="refresh-1")
    with pytest.raises(StoreError, match="extra members cannot be written as JSON") as caught:
        written_for(written_for(None, "other", stored(clock, "2")), "key", seen)
    assert not SECRETS.search(exposure(caught.value))


def large(number: int) -> Credential:
    """Return a session whose token takes as much room as a server may ask for."""
    token = Token(access_token=f"access-{number}-" + "a" * 60_000, extra={"id_token": "b" * 60_000})
    return Credential(token=token, refresh_token=f"refresh-{number}")


def narrowing_into(record: Credential | None, number: int) -> Credential:
    """Write a narrowed token into a record."""
    return written_for(record, f"key-{number}", large(number))


def agreeing_into(record: Credential | None, number: int) -> Credential:
    """Write a session that a person agreed to into the record of another one."""
    return StoreBeside(MemoryTokenStore(), f"key-{number}").written(record, large(number))


async def test_at_most_sixteen_are_kept(tokens: TokenRepository, store: FaultyStore) -> None:
    """Law E5: the one that was renewed longest ago makes room, and the refresh token never does."""
    for number in range(MOST + 4):
        await tokens.narrowed(scope=f"s{number}").token()
        gc.collect()
    kept = await store.load()
    assert kept is not None
    assert kept.refresh_token == f"refresh-{MOST + 4}"
    assert kept.token == stored(tokens._keeper.clock, "0").token
    held = [
        number for number in range(MOST + 4) if seen_for(kept, f'["s{number}", [], null]') != seen_for(kept, "none")
    ]
    assert held == list(range(4, MOST + 4))


@pytest.mark.parametrize("write", [narrowing_into, agreeing_into])
def test_what_stands_beside_a_session_leaves_room_for_it(write: Callable[[Credential | None, int], Credential]) -> None:
    """Laws E5 and H2: sixteen large tokens are more than a store takes; the oldest go, and never the refresh token."""
    record: Credential | None = None
    for number in range(MOST):
        record = write(record, number)
        assert len(record.to_json()) < 500_000
    assert record is not None
    kept = json.loads(record.to_json())
    beside = kept.get("narrowed") or kept["agreed"]
    assert list(beside) == [f"key-{number}" for number in range(MOST - 2, MOST)]


async def test_what_another_token_s_renewal_could_not_save_is_saved_first(
    grant: Wishing, store: FaultyStore, clock: ManualClock
) -> None:
    """Laws C4 and E5: a refresh token that is in memory only is not presented in its older form by a sibling."""
    tokens = TokenRepository(grant, store, clock=clock, unwritable="serve", observer=None)
    mail, files = tokens.narrowed(scope="mail"), tokens.narrowed(scope="files")
    await asyncio.gather(tokens.token(), files.token())
    store.faults["save"] = StoreError("the disk is full")
    await mail.token()
    clock.advance(70.0)
    with pytest.raises(StoreError, match="does not hold the newest refresh token of this session yet"):
        await files.token()
    del store.faults["save"]
    clock.advance(2.0)
    await files.token()
    await tokens.token()
    assert grant.presented == [f"refresh-{number}" for number in range(grant.calls)]


async def test_a_token_that_could_not_be_saved_is_held(
    tokens: TokenRepository, grant: Wishing, store: FaultyStore
) -> None:
    """Law E5: nothing holds it but the session, which saves it when it is closed; what is saved is let go."""
    store.faults["save"] = StoreError("the disk is full")
    await tokens.narrowed(scope="mail").token()
    await asyncio.sleep(0)
    gc.collect()
    del store.faults["save"]
    async with tokens:
        pass
    kept = await store.load()
    assert kept is not None
    assert (kept.refresh_token, grant.calls) == ("refresh-1", 1)
    await asyncio.sleep(0)
    gc.collect()
    assert tokens._family is not None
    assert len(tokens._family._others) == 0


async def test_closing_a_session_waits_for_its_other_tokens(
    tokens: TokenRepository, grant: Wishing, store: FaultyStore
) -> None:
    """Law E5: the one who asked has given up; closing a narrowed one waits for itself."""
    mail, files = tokens.narrowed(scope="mail"), tokens.narrowed(scope="files")
    grant.go.clear()
    asking = asyncio.create_task(mail.token())
    await grant.arrived.wait()
    asking.cancel()
    await asyncio.wait((asking,))
    await files.aclose()
    closing = asyncio.create_task(tokens.aclose())
    await asyncio.sleep(0)
    assert not closing.done()
    grant.go.set()
    await closing
    kept = await store.load()
    assert kept is not None
    assert kept.refresh_token == "refresh-1"


async def test_tokens_that_end_each_other_are_told_once_and_renewed_apart(server: AuthorizationServer) -> None:
    """Law E5: a server that ends the old access token at each refresh: each request succeeds, a second apart."""
    server.revoke_old_access_token = True
    endpoint = TokenEndpoint(server.token_url, PublicClient("app"))
    first, heard = server.sign_in(client_id="app", scope="mail files"), RecordingObserver()
    tokens = TokenRepository(RefreshTokenGrant(endpoint, first=first), name="ada", observer=heard)
    loop = asyncio.get_running_loop()
    async with ProtectedAPI(server) as api:
        sources = [tokens.narrowed(scope=scope) for scope in ("mail", "files")]
        began, statuses = loop.time(), list[int]()
        for source in (*sources, *sources, *sources):
            bearer = BearerMiddleware(source, api.url)
            async with ClientSession(middlewares=(bearer,)) as session, session.get(api.url) as response:
                statuses.append(response.status)
        took = loop.time() - began
    assert statuses == [200] * 6
    assert (server.refreshes, server.reused) == (6, 0)
    assert took >= 3.8
    assert [event.name for event in heard.of(TokensEndEachOther)] == ["ada"]


async def test_tokens_that_were_revoked_together_have_not_ended_each_other(
    tokens: TokenRepository, clock: ManualClock, heard: RecordingObserver
) -> None:
    """Law E5: each is rejected after another was renewed, once; that is no such server."""
    sources = [tokens.narrowed(scope=scope) for scope in ("mail", "files", "calendar")]
    held = [await source.token() for source in sources]
    clock.advance(10.0)
    for source, token in zip(sources, held, strict=True):
        assert await source.token(rejected=token) != token
    for _ in range(2):
        await asyncio.gather(*(source.renew() for source in sources))
    assert heard.of(TokensEndEachOther) == []


async def test_a_token_that_is_rejected_for_another_reason_waits_for_nothing(
    tokens: TokenRepository, clock: ManualClock
) -> None:
    """A sibling that was renewed before, or not at all in this process, has not ended it."""
    mail, files = tokens.narrowed(scope="mail"), tokens.narrowed(scope="files")
    await files.token()
    token = await mail.token()
    async with asyncio.timeout(0.9):
        assert await mail.token(rejected=token) != token
    token = await files.token()
    clock.advance(1.5)
    async with asyncio.timeout(0.9):
        assert await files.token(rejected=token) != token


async def test_a_challenge_s_wish_comes_before_a_token_s_own(tokens: TokenRepository, grant: Wishing) -> None:
    """What an API asks for in its refusal is asked for, and what it does not mention stays."""
    mail = tokens.narrowed(scope="mail", audience="mail")
    token = await mail.token()
    await mail.token(rejected=Rejection(token=token, wish=Wish(scope="mail:send", max_age=60)))
    assert grant.wishes[-1] == Wish(scope="mail:send", audience="mail", max_age=60)


async def test_a_narrowed_store_is_what_it_stands_for(clock: ManualClock, tmp_path: Path) -> None:
    """It is called what the store is called, and is probed as it is."""
    store = NarrowStore(MemoryTokenStore(), "key")
    assert repr(store) == "MemoryTokenStore()"
    async with store.exclusive() as slot:
        assert await slot.load() is None
        await slot.save(Credential(refresh_token="refresh-1"))
        assert await slot.load() == Credential(refresh_token="refresh-1")
        await slot.delete()
        assert await slot.load() is None
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(StoreError):
        await NarrowStore(FileTokenStore(tmp_path / "folder" / "token.json"), "key").probe()


def test_a_tombstone_is_seen_as_it_is_and_written_over(clock: ManualClock) -> None:
    """A session that was removed has no tokens beside it."""
    tombstone = Credential(removed_until=1e11, generation=7)
    assert seen_for(tombstone, "key") is tombstone
    seen = Credential(token=Token(access_token="access-1"), refresh_token="refresh-1")
    record = written_for(tombstone, "key", seen)
    assert (record.token, record.is_tombstone) == (None, False)
    assert seen_for(record, "key") == seen


@pytest.mark.parametrize("narrowed", [b"[1]", b'{"key":1}', b'{"key":{"version":9}}'])
def test_what_a_later_release_wrote_in_its_place_is_no_token(narrowed: bytes, clock: ManualClock) -> None:
    """Law F3: it is not read, and what stands beside it stays."""
    text = b'{"version":2,"refresh_token":"refresh-1","narrowed":%b,"later":{"kept":true}}'
    record = Credential.from_json(text % narrowed)
    assert seen_for(record, "key") == Credential.from_json(text.replace(b'"narrowed":%b,', b""))
    again = Credential.from_json(written_for(record, "key", seen_for(record, "key") or record).to_json())
    assert b'"later":{"kept":true}' in again.to_json()


@pytest.mark.parametrize("arguments", [{}, {"scope": " "}, {"resource": ""}, {"resource": []}, {"audience": ""}])
def test_nothing_is_no_wish(arguments: dict[str, str], tokens: TokenRepository) -> None:
    """The session's own token is asked for without it."""
    with pytest.raises(ConfigurationError, match="takes a scope, a resource or an audience"):
        tokens.narrowed(**arguments)


@pytest.mark.parametrize(
    ("name", "says"), [("scope", 'such as scope="a b", not a list'), ("audience", "a text, not a list")]
)
def test_a_list_is_no_scope(name: str, says: str, tokens: TokenRepository) -> None:
    """Of a narrowed token as of a grant."""
    with pytest.raises(ConfigurationError, match=says):
        tokens.narrowed(**{name: cast("Any", ["a", "b"])})


def test_a_grant_without_a_session_narrows_nothing() -> None:
    """Each token of a service account has a grant of its own."""
    with pytest.raises(ConfigurationError, match="needs no session"):
        TokenRepository(ClientCredentialsGrant(ENDPOINT)).narrowed(scope="mail")


def test_the_figures_are_those_of_the_law() -> None:
    """Law E5: sixteen."""
    assert MOST == 16
