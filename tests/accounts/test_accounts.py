"""Repositories by name: one at a time for each, none for those that are not in use, and what outlives them."""

from __future__ import annotations

import asyncio
import gc
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from aio_token import (
    Accounts,
    ConfigurationError,
    Credential,
    Encrypted,
    FileTokenStore,
    MemoryTokenStore,
    Pace,
    PublicClient,
    RefreshTokenGrant,
    ServerUnavailable,
    StoreError,
    TokenEndpoint,
    TokenExchangeGrant,
    UnknownAccount,
)
from aio_token.events import RenewalFailed, Renewed, Saved, SignedIn, SignedOut, Unsaved
from aio_token.stores import DirectoryTokenStores, MemoryTokenStores, new_key
from aio_token.stores.keys import EnvironmentKey
from aio_token.testing import AuthorizationServer, Broken, ManualClock, RecordingObserver, ScriptedGrant, credential
from tests.accounts.names import NO_NAMES
from tests.support.doubles import FaultyStore, RevocableGrant, stored

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from aio_token import Grant, TokenStore
    from aio_token.stores import TokenStores


class Directory:
    """A server whose users have signed in, and the accounts that a program has of them."""

    def __init__(self, server: AuthorizationServer, stores: TokenStores | None = None) -> None:
        self.server = server
        self.endpoint = TokenEndpoint(server.token_url, PublicClient("app"), revocation_url=server.revocation_url)
        self.stores = stores or MemoryTokenStores()
        self.events = RecordingObserver()
        self.accounts = Accounts(lambda name: RefreshTokenGrant(self.endpoint), self.stores, observer=self.events)

    async def keep(self, *names: str) -> None:
        """Keep what a sign-in of each leaves."""
        for name in names:
            async with self.stores.of(name).exclusive() as slot:
                await slot.save(replace(self.server.credential(client_id="app", user=name)))


@pytest.fixture
async def server() -> AsyncIterator[AuthorizationServer]:
    """Return a server that rotates."""
    async with AuthorizationServer() as server:
        yield server


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that stands still."""
    return ManualClock()


async def listed(names: AsyncIterator[str]) -> list[str]:
    """Return the names in order."""
    return sorted([name async for name in names])


def scripted(grant: Grant, stores: TokenStores | None = None, **options: Any) -> tuple[Accounts, RecordingObserver]:
    """Return accounts that all have one grant, and who hears of them."""
    heard = RecordingObserver()
    return Accounts(lambda _: grant, stores, observer=heard, **options), heard


async def test_an_account_is_one_object_for_as_long_as_anything_holds_it(server: AuthorizationServer) -> None:
    """Law I3: two would not know of each other's renewals; what no one holds is let go."""
    here = Directory(server)
    await here.keep("alice", "bob")
    alice = here.accounts["alice"]
    assert here.accounts["alice"] is alice
    assert here.accounts["bob"] is not alice
    assert alice.name == "alice"
    await alice.token()
    del alice
    await asyncio.sleep(0)
    gc.collect()
    assert len(here.accounts._in_use) == 0


def test_threads_get_the_same_object() -> None:
    """Law I3: eight threads that ask for one name at once share one repository."""
    accounts, _ = scripted(ScriptedGrant())
    start, found = threading.Barrier(8), list[object]()

    def ask() -> None:
        start.wait(30)
        found.append(accounts["alice"])

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 8
    assert len(set(map(id, found))) == 1


async def test_the_grant_is_made_with_the_name(server: AuthorizationServer) -> None:
    """A provider may have another token endpoint for each account, and a grant may need another account's token."""
    names: list[str] = []
    service = TokenEndpoint(server.token_url, PublicClient("app"))

    def grant(name: str) -> Grant:
        names.append(name)
        if name == "narrow":
            return TokenExchangeGrant(service, accounts["wide"])
        return RefreshTokenGrant(service)

    accounts = Accounts(grant)
    narrow = accounts["narrow"]
    assert names == ["narrow", "wide"]
    assert accounts["narrow"] is narrow


async def test_many_accounts_renew_each_once_and_keep_their_own(server: AuthorizationServer, tmp_path: Path) -> None:
    """Law I2: fifty accounts in a directory, ten callers each: a renewal each, and everyone's own token."""
    here = Directory(server, DirectoryTokenStores(tmp_path / "accounts"))
    users = [f"user {number}" for number in range(50)]
    await here.keep(*users)
    server.revoke_access_tokens()

    async def ask(name: str) -> tuple[str, str]:
        stored = await here.stores.of(name).load()
        rejected = stored.token if stored is not None else None
        return name, (await here.accounts[name].token(rejected=rejected)).access_token

    answers = await asyncio.gather(*(ask(name) for name in users * 10))
    assert len(set(answers)) == len({token for _, token in answers}) == 50
    assert (server.refreshes, server.reused) == (50, 0)
    assert {event.name for event in here.events.of(Renewed)} == set(users)


async def test_what_is_spent_outlives_the_repository(server: AuthorizationServer) -> None:
    """Law I3: a backup that is put back while no one uses the account is known for what it is."""
    here = Directory(server)
    await here.keep("alice")
    backup = await here.stores.of("alice").load()
    assert backup is not None
    for _ in range(3):
        await here.accounts["alice"].renew()
        gc.collect()
    assert len(here.accounts._in_use) == 0
    newest = await here.stores.of("alice").load()
    async with here.stores.of("alice").exclusive() as slot:
        await slot.save(backup)
    with pytest.raises(UnknownAccount):  # it is not adopted, and what took its place is gone
        await here.accounts["alice"].renew()
    assert server.reused == 0
    async with here.stores.of("alice").exclusive() as slot:
        await slot.save(newest or backup)
    await asyncio.sleep(0)
    gc.collect()
    await here.accounts["alice"].token()
    assert (server.refreshes, server.reused) == (3, 0)


class OneFaulty:
    """Stores with one account, that of alice, which can be made to fail."""

    def __init__(self, kept: Credential) -> None:
        self.alice = FaultyStore(kept)

    def of(self, name: str) -> TokenStore:
        """Return the one store."""
        return self.alice

    async def names(self) -> AsyncIterator[str]:
        """Name alice."""
        yield "alice"

    async def due(self, before: float) -> AsyncIterator[str]:
        """Name no one."""
        for name in tuple[str]():
            yield name


async def test_what_is_unsaved_stays_until_it_is_saved(clock: ManualClock) -> None:
    """Law I3: a repository that no one holds is not let go while its credential is in memory only."""
    grant, stores = RevocableGrant(clock), OneFaulty(stored(clock, "0", left=-1.0))
    accounts, heard = scripted(grant, stores, clock=clock)
    stores.alice.faults["save"] = StoreError("the disk is full")
    token = await accounts["alice"].token()
    gc.collect()
    assert await accounts["alice"].token() is token
    assert (grant.calls, accounts["alice"].status.unsaved) == (1, True)
    del stores.alice.faults["save"]
    async with accounts:
        pass
    gc.collect()
    assert len(accounts._in_use) == 0
    assert [type(event).__name__ for event in heard.events if isinstance(event, Saved | Unsaved)] == [
        "Unsaved",
        "Saved",
    ]
    kept = await stores.alice.load()
    assert kept is not None
    assert kept.refresh_token == "refresh-1"


async def test_a_renewal_under_way_keeps_its_repository(clock: ManualClock) -> None:
    """Law I3: who asks again while it runs shares it, though the first caller has given up; closing waits for it."""
    grant = RevocableGrant(clock)
    grant.go.clear()
    accounts, heard = scripted(grant)
    first = asyncio.create_task(accounts["alice"].token())
    await grant.arrived.wait()
    first.cancel()
    await asyncio.wait((first,))
    del first
    gc.collect()
    closing = asyncio.create_task(accounts.aclose())
    second = asyncio.create_task(accounts["alice"].token())
    await asyncio.sleep(0)
    grant.go.set()
    await asyncio.gather(closing, second)
    assert grant.calls == len(heard.of(Renewed)) == 1


async def test_accounts_have_a_pace_of_their_own(clock: ManualClock) -> None:
    """Laws C12 and I1: 200 accounts that ask at once are renewed four at a time, where that is said."""
    grant = ScriptedGrant()
    grant.halt()
    accounts, _ = scripted(grant, pace=Pace(at_once=4))
    asking = [asyncio.create_task(accounts[f"user {number}"].token()) for number in range(200)]
    await grant.arrived.wait()
    for _ in range(20):
        await asyncio.sleep(0)
    grant.release()
    await asyncio.gather(*asking)
    assert (len(grant.calls), grant.most_at_once) == (200, 4)


async def test_accounts_that_are_let_go_share_what_they_know_of_a_server(server: AuthorizationServer) -> None:
    """Laws D8 and I3: each is asked once and let go; two in a row meet a server that is down, and spare the others."""
    server.inject(Broken(status=503))
    endpoint = TokenEndpoint(server.token_url, PublicClient("app"))
    first = {f"user {number}": server.sign_in(client_id="app") for number in range(30)}
    accounts = Accounts(lambda name: RefreshTokenGrant(endpoint, first=first[name]), observer=None)
    for name in first:
        with pytest.raises(ServerUnavailable):
            await accounts[name].token()
        await asyncio.sleep(0)
        gc.collect()
    assert 2 <= server.requests["refresh_token"] < 15


async def test_a_removed_account_ends_with_an_error_of_its_own(server: AuthorizationServer) -> None:
    """Law I5: who uses an account that another process signs out is told so, once its token has ended."""
    here, elsewhere = Directory(server), Directory(server)
    elsewhere.accounts = Accounts(lambda _: RefreshTokenGrant(here.endpoint), here.stores, observer=None)
    await here.keep("alice")
    alice = here.accounts["alice"]
    await alice.token()
    out = await elsewhere.accounts["alice"].sign_out()
    assert out.revoked
    with pytest.raises(UnknownAccount, match="no one is signed in as 'alice'; sign in"):
        await alice.renew()
    with pytest.raises(UnknownAccount):
        await alice.token()
    assert here.events.of(RenewalFailed) == []


async def test_a_refused_account_is_none_that_is_not_there(server: AuthorizationServer) -> None:
    """A session that the server has ended says what the server said, and is told to observers."""
    here = Directory(server)
    await here.keep("alice")
    server.revoke_all()
    with pytest.raises(Exception, match="invalid_grant") as caught:
        await here.accounts["alice"].renew()
    assert not isinstance(caught.value, UnknownAccount)
    assert [event.name for event in here.events.of(RenewalFailed)] == ["alice"]


async def test_signing_in_and_out_by_name(server: AuthorizationServer) -> None:
    """An account begins with a sign-in and ends with a sign-out, and its events say whose they are."""
    here = Directory(server)
    sign_in = RefreshTokenGrant(here.endpoint, first=server.sign_in(client_id="app", user="alice"))
    await here.accounts["alice"].sign_in(sign_in)
    assert await listed(here.accounts.names()) == ["alice"]
    assert (await here.accounts["alice"].sign_out()).revoked
    assert await listed(here.accounts.names()) == []
    told = [(type(event), event.name) for event in here.events.events if isinstance(event, SignedIn | SignedOut)]
    assert told == [(SignedIn, "alice"), (SignedOut, "alice")]


async def test_all_are_signed_out(server: AuthorizationServer, tmp_path: Path) -> None:
    """Law I5: every account is revoked and removed; one that cannot be is named, with the reason, and stays."""
    here = Directory(server, DirectoryTokenStores(tmp_path / "accounts"))
    await here.keep(*(f"user {number}" for number in range(40)))
    async with here.stores.of("stranger's").exclusive() as slot:
        await slot.save(AuthorizationServer(lifetime=60.0).credential(client_id="another"))
    failed = await here.accounts.sign_out_all()
    assert list(failed) == ["stranger's"]
    assert "belongs to another token endpoint or client" in str(failed["stranger's"])
    assert await listed(here.accounts.names()) == ["stranger's"]
    assert sum(event.revoked for event in here.events.of(SignedOut)) == 40


async def test_statuses_show_no_secret(server: AuthorizationServer, clock: ManualClock) -> None:
    """Law I5: of accounts in use and at rest, well, ended, refused and unreadable; nothing is asked or renewed."""
    stores = MemoryTokenStores()
    accounts, _ = scripted(ScriptedGrant(credential("access-2", expires_at=clock.time() + 60.0)), stores, clock=clock)
    for name, kept in {
        "fresh": stored(clock, "1", left=50.0),
        "ended": stored(clock, "1", left=-1.0),
        "no token": Credential(refresh_token="refresh-1"),
        "in use": stored(clock, "1", left=50.0),
        "not looked at": stored(clock, "1", left=50.0),
    }.items():
        async with stores.of(name).exclusive() as slot:
            await slot.save(kept)
    stores._records["broken"] = b"{"
    in_use, _ = accounts["in use"], accounts["not looked at"]
    await in_use.renew()
    found = {status.name: status async for status in accounts.statuses()}
    states = {name: status.state for name, status in found.items()}
    assert states == {
        "fresh": "fresh",
        "ended": "expired",
        "no token": "absent",
        "in use": "fresh",
        "not looked at": "fresh",
        "broken": "unknown",
    }
    assert found["in use"] == in_use.status
    assert found["broken"].trouble is not None
    assert found["broken"].remedy == "storage"
    assert "access-" not in repr(found)
    assert "refresh-" not in repr(found)


async def test_records_are_written_anew_with_the_first_key(
    server: AuthorizationServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law F7: after the sweep the old key opens nothing any more; what fails is named."""
    for key in ("OLD_KEY", "NEW_KEY"):
        monkeypatch.setenv(key, new_key())
    old, new = EnvironmentKey("OLD_KEY"), EnvironmentKey("NEW_KEY")
    path = tmp_path / "accounts"
    await Directory(server, DirectoryTokenStores(path, codec=Encrypted(old))).keep("alice", "bob")
    here = Directory(server, DirectoryTokenStores(path, codec=Encrypted(new, old)))
    assert await here.accounts.reencrypt() == {}
    after = Directory(server, DirectoryTokenStores(path, codec=Encrypted(new)))
    assert await listed(after.accounts.names()) == ["alice", "bob"]
    assert await after.accounts["alice"].token() is not None
    monkeypatch.delenv("NEW_KEY")
    with pytest.raises(StoreError, match="NEW_KEY"):
        await here.accounts.reencrypt()


async def test_what_fails_with_one_account_is_told_beside_the_others(clock: ManualClock) -> None:
    """Whatever a store raises is that account's trouble."""
    stores = OneFaulty(stored(clock, "0"))
    accounts, _ = scripted(ScriptedGrant(), stores)
    stores.alice.faults["save"] = StoreError("the disk is full")
    assert [str(error) for error in (await accounts.reencrypt()).values()] == ["the disk is full"]
    stores.alice.faults["save"] = RuntimeError("a bug")
    (error,) = (await accounts.reencrypt()).values()
    assert isinstance(error.__cause__, RuntimeError)


async def test_single_files_move_in(server: AuthorizationServer, tmp_path: Path) -> None:
    """What a file holds is moved under a name; it can be repeated, and replaces nothing that is another one."""
    here = Directory(server, DirectoryTokenStores(tmp_path / "accounts"))
    file = FileTokenStore(tmp_path / "alice.json")
    credential = server.credential(client_id="app", user="alice")
    alice = here.accounts["alice"]  # in use meanwhile
    with pytest.raises(UnknownAccount):
        await alice.token()
    for _ in range(2):  # the second time as after a kill between the save and the delete
        async with file.exclusive() as slot:
            await slot.save(credential)
        assert await here.accounts.import_from("alice", file)
        assert not (tmp_path / "alice.json").exists()
    assert await alice.token() == credential.token
    assert not await here.accounts.import_from("alice", file)
    async with file.exclusive() as slot:
        await slot.save(server.credential(client_id="app", user="alice"))
    with pytest.raises(StoreError, match="another credential is kept as 'alice' already"):
        await here.accounts.import_from("alice", file)
    async with file.exclusive() as slot:
        await slot.save(server.credential(client_id="bot", user="alice"))
    with pytest.raises(ConfigurationError, match="different token endpoints or clients"):
        await here.accounts.import_from("bob", file)
    assert (tmp_path / "alice.json").exists()
    async with file.exclusive() as slot:
        await slot.save(credential)
    assert await here.accounts.import_from("one whom no one has asked for yet", file)


async def test_accounts_are_kept_in_memory_by_default(clock: ManualClock) -> None:
    """Without stores they last as long as the process."""
    accounts = Accounts(lambda _: ScriptedGrant(credential(expires_at=None)), observer=None)
    token = await accounts["alice"].token()
    gc.collect()
    assert await accounts["alice"].token() == token
    assert await listed(accounts.names()) == ["alice"]
    assert repr(accounts) == "<Accounts in MemoryTokenStores()>"


@pytest.mark.parametrize("name", NO_NAMES)
def test_what_is_no_name_is_refused(name: object) -> None:
    """Law I4: and no grant is made for it."""
    made: list[str] = []

    def grant(name: str) -> Grant:
        made.append(name)
        return ScriptedGrant()

    accounts = Accounts(grant)
    with pytest.raises(ConfigurationError, match="an account's name is a text of 1 to 256 characters"):
        accounts[cast("str", name)]
    assert made == []


async def later(name: str) -> Grant:
    """Return a grant, after a while."""
    return ScriptedGrant()


@pytest.mark.parametrize(
    ("arguments", "options", "says"),
    [
        ((ScriptedGrant(),), {}, "a plain function of a name that returns a grant"),
        ((later,), {}, "a plain function of a name that returns a grant"),
        ((lambda _: None, MemoryTokenStore()), {}, "the stores of Accounts"),
        ((lambda _: None,), {"windows": 3}, "windows takes"),
        ((lambda _: None,), {"limits": 3}, "limits takes"),
        ((lambda _: None,), {"pace": 3}, "pace takes"),
        ((lambda _: None,), {"unwritable": "perhaps"}, "unwritable is one of"),
    ],
)
def test_arguments_are_judged_at_once(arguments: tuple[object, ...], options: dict[str, object], says: str) -> None:
    """A mistake is told where it is made, and not at the first visitor."""
    with pytest.raises(ConfigurationError, match=says):
        Accounts(*arguments, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ask", "says"),
    [(lambda accounts: "alice" in accounts, "not iterable"), (list, r"async for name in accounts.names\(\)")],
)
def test_who_looks_for_names_is_told_where_they_are(ask: Callable[[Any], object], says: str) -> None:
    """Python would ask for the accounts 0, 1, 2 ... by itself, which are no names."""
    with pytest.raises(TypeError, match=says):
        ask(Accounts(lambda _: ScriptedGrant(credential())))


@pytest.mark.parametrize(("name", "seconds"), [("active", "60"), ("sweep", -1), ("sweep", None)])
async def test_what_keeps_accounts_fresh_judges_its_arguments(name: str, seconds: object) -> None:
    """At once, and not in a task whose end no one sees."""
    accounts, given = Accounts(lambda _: ScriptedGrant(credential())), {name: cast("Any", seconds)}
    with pytest.raises(ConfigurationError, match=f"{name} is a number of seconds, 0 or more"):
        async with accounts.keep_fresh(**given):
            raise AssertionError


async def test_a_path_is_no_store_to_import_from(tmp_path: Path) -> None:
    """The sentence says what a store is."""
    accounts = Accounts(lambda _: ScriptedGrant(credential()))
    with pytest.raises(
        ConfigurationError, match=r"import_from\(\) takes a store, such as FileTokenStore\(path\), not a"
    ):
        await accounts.import_from("alice", cast("Any", tmp_path))


def test_a_function_that_returns_no_grant_is_told_so() -> None:
    """The sentence says whose mistake it is."""
    accounts = Accounts(cast("type[ScriptedGrant]", lambda _: None))
    with pytest.raises(ConfigurationError, match="the function given to Accounts returns a grant"):
        accounts["alice"]


def test_an_account_that_fails_to_be_made_leaves_no_lock(clock: ManualClock) -> None:
    """An unknown tenant is an error of the function's own, and the next name is served."""
    accounts = Accounts({"alice": ScriptedGrant()}.__getitem__)
    with pytest.raises(KeyError):
        accounts["mallory"]
    assert accounts["alice"].name == "alice"
