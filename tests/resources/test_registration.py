"""How a program becomes a client of a server that it was not made for, and stays the same one."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession

from aio_token import (
    BearerMiddleware,
    ClientSecretPost,
    ConfigurationError,
    Credential,
    Encrypted,
    FileTokenStore,
    MemoryTokenStore,
    PublicClient,
    ServerUnavailable,
    SignInRequired,
    StoreError,
)
from aio_token.grants import IssuedBy
from aio_token.oauth.provider import Provider
from aio_token.resources import ClientMetadata, ProtectedResource
from aio_token.resources._client import _is_free, redirect_uri
from aio_token.resources._kept import RegisteredStore
from aio_token.resources._registration import Registration, register
from aio_token.stores import DirectoryTokenStores, EnvironmentKey, new_key
from aio_token.testing import AuthorizationServer, Broken, ManualClock, ProtectedAPI, credential
from tests.support.exposure import exposure
from tests.support.token_server import says, sends, token_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aio_token.testing import RegisteredClient
    from tests.support.token_server import Answer


@pytest.fixture
async def server() -> AsyncIterator[AuthorizationServer]:
    """Run an authorization server that compares whole redirect addresses."""
    async with AuthorizationServer(registration=True, exact_redirects=True) as server:
        yield server


@pytest.fixture
async def api(server: AuthorizationServer) -> AsyncIterator[ProtectedAPI]:
    """Run an API of it."""
    async with ProtectedAPI(server, resource="/mcp") as api:
        yield api


async def browse(address: str) -> None:
    """Be the browser of a person who agrees."""
    async with ClientSession() as browser, browser.get(address) as page:
        assert page.status == 200, await page.text()


async def found(api: ProtectedAPI, server: AuthorizationServer) -> ProtectedResource:
    """Discover the API."""
    return await ProtectedResource.discover(api.resource_url, servers=[server.issuer])


async def get(api: ProtectedAPI, tokens: Any) -> int:
    """Ask the API for a page."""
    bearer = BearerMiddleware(tokens, api.url)
    async with ClientSession(middlewares=(bearer,)) as client, client.get(api.resource_url) as response:
        return response.status


@pytest.mark.parametrize("kept", ["clear", "encrypted"])
async def test_one_registration_outlives_restarts(
    server: AuthorizationServer, api: ProtectedAPI, tmp_path: Path, kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law L1: it is kept in the session's record, as that is written, and no one is asked for it again."""
    monkeypatch.setenv("KEY", new_key())
    codec = None if kept == "clear" else Encrypted(EnvironmentKey("KEY"))
    server.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    for _ in range(3):
        store = FileTokenStore(tmp_path / "mcp", codec=codec)
        async with await (await found(api, server)).tokens(store, show=browse, observer=None) as tokens:
            assert await get(api, tokens) == 200
            await tokens.renew()
    assert (server.registrations, server.reused) == (1, 0)
    assert server.requests["authorization_code"] == 1
    secret = registered(server).secret
    assert secret is not None
    assert (secret.encode() in (tmp_path / "mcp").read_bytes()) is (kept == "clear")


def registered(server: AuthorizationServer) -> RegisteredClient:
    """Return the client that has registered itself."""
    (client,) = [client for name, client in server.clients.items() if name.startswith("kit-client-")]
    return client


async def test_what_is_registered(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """RFC 7591 section 2: the name that a person reads, a redirect address with its port, no secret."""
    described = ClientMetadata(name="Ada's agent", host="localhost", path="/back")
    await (await found(api, server)).tokens(client=described)
    client = registered(server)
    assert (client.secret, client.grants) == (None, ["authorization_code", "refresh_token"])
    (address,) = client.redirect_uris or ()
    assert address.startswith("http://localhost:")
    assert address.endswith("/back")


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", None])
async def test_the_client_proves_itself_as_the_server_wants(
    server: AuthorizationServer, api: ProtectedAPI, method: str | None
) -> None:
    """Where no client goes without a secret; a server that says nothing takes Basic (RFC 8414 section 2)."""
    server.metadata = {"token_endpoint_auth_methods_supported": [method] if method else None}
    async with await (await found(api, server)).tokens(show=browse, observer=None) as tokens:
        assert await get(api, tokens) == 200
    assert registered(server).auth_methods == (method or "client_secret_basic",)


async def test_a_herd_registers_once(server: AuthorizationServer, api: ProtectedAPI, tmp_path: Path) -> None:
    """Law L1: however many begin at once, each with a store of its own over the same file."""
    resource = await found(api, server)
    many = await asyncio.gather(*(resource.tokens(FileTokenStore(tmp_path / "mcp")) for _ in range(20)))
    assert server.registrations == 1
    assert len({tokens._grant.issued_by for tokens in many}) == 1


PROCESS = """
import asyncio, sys
from aio_token import FileTokenStore
from aio_token.resources import ProtectedResource

async def main():
    url, server, path = sys.argv[1:]
    resource = await ProtectedResource.discover(url, servers=[server])
    tokens = await resource.tokens(FileTokenStore(path))
    print(tokens._grant.issued_by.client_id)

asyncio.run(main())
"""


async def test_processes_share_it(server: AuthorizationServer, api: ProtectedAPI, tmp_path: Path) -> None:
    """Law L1: those that begin at once, too."""
    arguments = (sys.executable, "-c", PROCESS, api.resource_url, server.issuer, str(tmp_path / "mcp"))
    processes = [await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE) for _ in range(3)]
    said = await asyncio.gather(*(process.communicate() for process in processes))
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert {text.decode().strip() for text, _ in said} == {registered(server).client_id}
    assert server.registrations == 1


async def test_signing_out_ends_the_registration_too(
    server: AuthorizationServer, api: ProtectedAPI, tmp_path: Path
) -> None:
    """Law E3: nothing is left; the process that goes on keeps its client, and the next one registers anew."""
    resource, store = await found(api, server), FileTokenStore(tmp_path / "mcp")
    clock = ManualClock(1_700_000_000.0)  # not ahead of the clock that stores remove by
    server.clock = clock
    async with await resource.tokens(store, show=browse, observer=None, clock=clock) as tokens:
        assert await get(api, tokens) == 200
        assert (await tokens.sign_out()).revoked
        assert not (tmp_path / "mcp").exists()
        clock.advance(61)  # until then the person is left in peace
        assert await get(api, tokens) == 200
    assert server.registrations == 1
    async with await resource.tokens(store, observer=None, clock=clock) as tokens:
        assert await get(api, tokens) == 200
        await tokens.sign_out()
    async with await resource.tokens(store, observer=None) as tokens:
        with pytest.raises(SignInRequired, match="there is no refresh token; sign in"):
            await tokens.token()
    assert server.registrations == 2


async def test_a_secret_that_has_ended_is_replaced(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """RFC 7591 section 3.2.1: its session has ended with it, and what was spent stays spent."""
    clock, store = ManualClock(), MemoryTokenStore()
    server.clock, server.client_secret_lifetime = clock, 3600.0
    server.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_basic"]}
    resource = await found(api, server)
    async with await resource.tokens(store, show=browse, observer=None, clock=clock) as tokens:
        await tokens.token()
    before = await store.load()
    assert before is not None
    clock.advance(3_500)
    await resource.tokens(store, clock=clock)
    assert server.registrations == 1
    clock.advance(200)
    async with await resource.tokens(store, clock=clock, observer=None) as tokens:
        assert server.registrations == 2
        after = await store.load()
        assert after is not None
        assert (after.refresh_token, after.ended, after.generation) == (None, before.ended, before.generation + 1)
        with pytest.raises(SignInRequired):
            await tokens.token()


async def test_what_belongs_to_another_is_left_alone(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Law E4: a session of another client, or a registration at another server, is not written over."""
    resource = await found(api, server)
    theirs = credential(issued_by=IssuedBy(token_endpoint="https://other.example/token", client_id="other"))
    store = MemoryTokenStore(theirs)
    with pytest.raises(ConfigurationError, match="holds a session of another client, and is left as it is"):
        await resource.tokens(store)
    assert await store.load() is theirs
    await resource.tokens(store := MemoryTokenStore())
    kept = await store.load()
    async with AuthorizationServer(registration=True) as other, ProtectedAPI(other, resource="") as elsewhere:
        with pytest.raises(ConfigurationError, match=f"holds a registration at {server.issuer}"):
            await (await found(elsewhere, other)).tokens(store)
        assert (other.registrations, await store.load()) == (0, kept)


async def test_failures_alone_are_no_session(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """A record that holds nothing but trouble gets a registration."""
    trouble = Credential(failures=1, issued_by=IssuedBy(token_endpoint="e", client_id="c"))
    await (await found(api, server)).tokens(MemoryTokenStore(trouble))
    assert server.registrations == 1


@pytest.mark.parametrize(
    "kept", [None, "text", {}, {"issuer": "x"}, {"client_id": "", "issuer": "", "redirect_uri": ""}]
)
def test_what_is_no_registration(kept: object) -> None:
    """What another release wrote, or a hand, is none."""
    assert Registration.of(kept) is None


class Frail(MemoryTokenStore):
    """A store that takes nothing."""

    async def save(self, credential: Credential) -> None:
        """Fail."""
        message = "the disk is full"
        raise StoreError(message)


async def test_a_store_that_does_not_keep_it(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """The error is the store's."""
    with pytest.raises(StoreError, match="the disk is full"):
        await (await found(api, server)).tokens(Frail())


async def test_the_store_in_between_says_what_the_store_says(tmp_path: Path) -> None:
    """Its name; it is tried out as it is, and keeps the registration with what is saved."""
    registration = Registration(issuer="https://id.example", client_id="c", redirect_uri="http://127.0.0.1:1/c")
    inner = FileTokenStore(tmp_path / "made" / "mcp")
    store = RegisteredStore(inner, registration)
    assert repr(store) == repr(inner)
    await store.probe()
    assert (tmp_path / "made").exists()
    async with store.exclusive() as slot:
        assert await slot.load() is None
        await slot.save(credential())
        assert await slot.load() == credential()
    assert await store.load() == credential()
    async with store.exclusive() as slot:
        await slot.save(Credential())
    assert await store.load() is None
    assert b"https://id.example" in (tmp_path / "made" / "mcp").read_bytes()


def provider(url: str, **members: Any) -> Provider:
    """Return a server that registers programs at this address."""
    metadata = {"token_endpoint": f"{url}/token", "registration_endpoint": f"{url}/register", **members}
    return Provider("https://id.example", {name: value for name, value in metadata.items() if value is not ...})


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (
            says({"error": "invalid_client_metadata", "error_description": "No."}, status=400),
            ConfigurationError,
            r"answered 400 \(invalid_client_metadata.*\); register the program at https://id.example by hand",
        ),
        (sends(b"<h1>no", status=401), ConfigurationError, "answered 401; register the program"),
        (sends(b"<h1>no", status=404), ConfigurationError, "answered 404"),
        (sends(status=503), ServerUnavailable, "answered 503; try again later"),
        (sends(status=429), ServerUnavailable, "try again later"),
        (sends(b"[]", status=201), ConfigurationError, "answered 201"),
        (says({"client_id": 3}, status=201), ConfigurationError, "answered 201"),
        (says({"client_id": "a b", "client_secret": "kit-secret-1"}, status=201), ConfigurationError, "answered 201"),
        (says({"client_id": "a" * 2_049}, status=201), ConfigurationError, "answered 201"),
        (
            says({"client_id": "c", "redirect_uris": ["http://evil.example/"]}, status=201),
            ConfigurationError,
            "with other redirect addresses than http://127.0.0.1:1/c",
        ),
        (
            says({"client_id": "c", "token_endpoint_auth_method": "private_key_jwt"}, status=201),
            ConfigurationError,
            "to prove itself by private_key_jwt, without a secret",
        ),
        (
            says({"client_id": "c", "token_endpoint_auth_method": "client_secret_basic"}, status=201),
            ConfigurationError,
            "without a secret",
        ),
    ],
)
async def test_what_does_not_register(answer: Answer, error: type[Exception], message: str) -> None:
    """Law D11: the remedy is right, and what the server says is cut; it is asked once."""
    async with token_server(answer) as server:
        with pytest.raises(error, match=message) as raised:
            await register(provider(server.url), ClientMetadata(), "http://127.0.0.1:1/c", None)
    assert len(server.received) == 1
    assert "kit-secret" not in exposure(raised.value).replace(server.url, "")


@pytest.mark.parametrize(
    ("said", "client", "expires_at"),
    [
        ({}, PublicClient("c"), None),
        ({"client_secret": "kit-secret-1", "token_endpoint_auth_method": "none"}, PublicClient("c"), None),
        (
            {
                "client_secret": "kit-secret-1",
                "token_endpoint_auth_method": "client_secret_post",
                "client_secret_expires_at": 1_900_000_000,
            },
            ClientSecretPost("c", "kit-secret-1"),
            1_900_000_000.0,
        ),
        (
            {
                "client_secret": "kit-secret-1",
                "token_endpoint_auth_method": "client_secret_post",
                "client_secret_expires_at": 10**30,
                "redirect_uris": ["http://127.0.0.1:1/c", "http://127.0.0.1:2/c"],
            },
            ClientSecretPost("c", "kit-secret-1"),
            1e12,
        ),
        (
            {
                "client_secret": "kit-secret-1",
                "token_endpoint_auth_method": "client_secret_post",
                "client_secret_expires_at": "soon",
            },
            ClientSecretPost("c", "kit-secret-1"),
            None,
        ),
    ],
)
async def test_a_server_may_make_something_else_of_it(
    said: dict[str, object], client: object, expires_at: float | None
) -> None:
    """RFC 7591 section 3.2.1: what it answers counts."""
    async with token_server(says({"client_id": "c", **said}, status=201)) as server:
        known = provider(server.url, token_endpoint_auth_methods_supported=["none"])
        made = await register(known, ClientMetadata(), "http://127.0.0.1:1/c", "read")
    assert (made.client, made.expires_at) == (client, expires_at)
    assert "kit-secret" not in repr(made)
    assert Registration.of(json.loads(json.dumps(made.kept()))) == made


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"registration_endpoint": ...}, "https://id.example registers no programs by itself"),
        ({"token_endpoint_auth_methods_supported": ["private_key_jwt"]}, "wants clients to prove themselves by a key"),
    ],
)
async def test_who_has_to_be_registered_by_hand(members: dict[str, Any], message: str) -> None:
    """Nothing is sent for that."""
    with pytest.raises(ConfigurationError, match=message):
        await register(provider("https://id.example", **members), ClientMetadata(), "http://127.0.0.1:1/c", None)


async def test_a_registered_client_registers_nothing(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Whoever has one passes it; nothing but the session is in the store then."""
    store = MemoryTokenStore()
    async with await (await found(api, server)).tokens(
        store, client=PublicClient("app"), show=browse, observer=None
    ) as tokens:
        assert await get(api, tokens) == 200
    assert server.registrations == 0
    kept = await store.load()
    assert kept is not None
    assert kept._unknown is None


async def test_a_document_is_a_client(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """A server that reads client id metadata documents gets the address of one; any other, a registration."""
    document: dict[str, object] = {"redirect_uris": ["http://127.0.0.1/callback"]}
    server.client_documents, server.exact_redirects = True, False
    async with token_server(says(document)) as home:
        document["client_id"] = f"{home.url}/client.json"
        described = ClientMetadata(url=str(document["client_id"]))
        async with await (await found(api, server)).tokens(client=described, show=browse, observer=None) as tokens:
            assert await get(api, tokens) == 200
            await tokens.renew()
        assert server.registrations == 0
        assert {request.form and request.form["client_id"] for request in server.seen} == {described.url}
        server.client_documents = False
        await (await found(api, server)).tokens(client=described)
    assert server.registrations == 1


async def test_a_failure_while_registering_keeps_nothing(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """The next one tries again."""
    resource, store = await found(api, server), MemoryTokenStore()
    server.inject(Broken(status=503), endpoint="register", times=1)
    with pytest.raises(ServerUnavailable):
        await resource.tokens(store)
    assert await store.load() is None
    await resource.tokens(store)
    assert server.registrations == 1


def test_where_the_browser_comes_back_to() -> None:
    """A port that no one has, or the one that is wanted."""
    assert redirect_uri(ClientMetadata(port=7_000)) == "http://127.0.0.1:7000/callback"
    assert redirect_uri(ClientMetadata(host="::1", port=1, path="/")) == "http://[::1]:1/"
    port = int(redirect_uri(ClientMetadata()).split(":")[2].partition("/")[0])
    assert 20_000 <= port < 32_000
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert not _is_free("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"name": ""}, ConfigurationError, "name is empty"),
        ({"url": 3}, TypeError, "url is a text"),
        ({"host": "example.org"}, ConfigurationError, "host is one of"),
        ({"port": -1}, ConfigurationError, "port is a number"),
        ({"path": None}, TypeError, "path is a text"),
    ],
)
def test_a_description_that_cannot_work(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    """It is refused at once."""
    with pytest.raises(error, match=message):
        ClientMetadata(**arguments)


async def test_accounts_have_registrations_of_their_own(
    server: AuthorizationServer, api: ProtectedAPI, tmp_path: Path
) -> None:
    """Law L1: a registration is kept with the account, in whatever keeps many."""
    stores, resource = DirectoryTokenStores(tmp_path / "people"), await found(api, server)
    for _ in range(2):
        for name in ("alice", "bob"):
            async with await resource.tokens(stores.of(name), name=name, show=browse, observer=None) as tokens:
                assert await get(api, tokens) == 200
    assert (server.registrations, server.requests["authorization_code"]) == (2, 2)
