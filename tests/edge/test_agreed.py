"""What the server does not widen by itself, a person may agree to: for the origin that asked, beside the session."""

from __future__ import annotations

import asyncio
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from aio_token import (
    AuthorizationCodeGrant,
    FileTokenStore,
    MemoryTokenStore,
    PublicClient,
    RefreshTokenGrant,
    SignInRequired,
    TokenEndpoint,
    TokenRepository,
)
from aio_token._clock import SYSTEM_CLOCK
from aio_token._lens.beside import MOST
from aio_token._sessions.beside import StoreBeside, sessions_beside
from aio_token.testing import AuthorizationServer, Broken, ManualClock, ProtectedAPI, Refusal, credential
from tests.support.api import session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aiohttp import ClientSession
    from aiohttp.typedefs import Handler

    from aio_token import Clock, Credential, TokenStore, Wish


def wanting(server: AuthorizationServer, word: str) -> Handler:
    """Return a page that is for those who bring the word."""

    async def page(request: web.Request) -> web.StreamResponse:
        token = server._ledger.active(request.headers["Authorization"].partition(" ")[2])
        scope = (token.scope if token is not None else None) or ""
        if word in scope.split():
            return web.Response(text=scope)
        challenge = f'Bearer error="insufficient_scope", scope="{word}"'
        return await Refusal(status=403, challenges=(challenge,)).respond(request)

    return page


@pytest.fixture
async def server() -> AsyncIterator[AuthorizationServer]:
    """Run an authorization server."""
    async with AuthorizationServer() as server:
        yield server


@pytest.fixture
async def api(server: AuthorizationServer) -> AsyncIterator[ProtectedAPI]:
    """Run an API of it."""
    handlers = {"/read": wanting(server, "read"), "/write": wanting(server, "write")}
    async with ProtectedAPI(server, handlers=handlers) as api:
        yield api


async def answered(client: ClientSession, url: str) -> tuple[int, str]:
    """Ask for a page."""
    async with client.get(url) as response:
        return response.status, await response.text()


class StrangeGrant:
    """Someone else's grant, around one of ours."""

    def __init__(self, grant: RefreshTokenGrant) -> None:
        self._grant = grant
        self.issued_by = grant.issued_by

    async def obtain(self, kept: Credential | None, wish: Wish) -> Credential:
        """Let ours do it."""
        return await self._grant.obtain(kept, wish)


class Person:
    """Someone at a browser, who counts how often they are asked, and for what."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def browse(self, address: str) -> bool:
        """Open the page, and say yes if the server is told to."""
        self.asked.append(address)
        with urllib.request.urlopen(address) as page:  # noqa: S310  the kit's
            return bool(page.status == 200)


def endpoint(server: AuthorizationServer, clock: Clock = SYSTEM_CLOCK) -> TokenEndpoint:
    """Return the server's endpoint for the public client."""
    return TokenEndpoint(
        server.token_url,
        PublicClient("app"),
        authorization_url=server.authorization_url,
        revocation_url=server.revocation_url,
        clock=clock,
    )


def tokens_of(
    server: AuthorizationServer, person: Person, store: TokenStore | None = None, **options: Any
) -> TokenRepository:
    """Return the tokens of a person who has granted `read`, and may be asked for more."""
    at = endpoint(server, options.get("clock", SYSTEM_CLOCK))
    grant = RefreshTokenGrant(at, first=server.sign_in(client_id="app", scope="read"))
    asks = AuthorizationCodeGrant(at, scope="read", browser=person.browse)
    return TokenRepository(grant, store, sign_in_with=asks, observer=None, **options)


async def test_a_person_is_asked_for_the_wider_scope(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Law B9: once for all requests that wait, for the scope of before and what was asked; the origin is served by it
    from then on, and the session's own token stays as it is.
    """
    person = Person()
    async with tokens_of(server, person) as tokens, session(tokens, api.url, step_up="write") as client:
        assert await answered(client, f"{api.url}/read") == (200, "read")
        many = await asyncio.gather(*(answered(client, f"{api.url}/write") for _ in range(20)))
        assert {(status, frozenset(text.split())) for status, text in many} == {(200, frozenset({"read", "write"}))}
        assert len(person.asked) == 1
        status, text = await answered(client, f"{api.url}/read")
        assert (status, set(text.split())) == (200, {"read", "write"})
        assert (await tokens.token()).scope == "read"
        server.revoke_access_tokens()
        assert (await answered(client, f"{api.url}/write"))[0] == 200
        assert len(person.asked) == 1
    assert server.reused == 0


async def test_the_wider_session_is_for_the_origin_that_asked(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Law B9: another origin of the same middleware gets the token of before, and is not what a person agreed to."""
    person = Person()
    async with (
        ProtectedAPI(server, handlers={"/read": wanting(server, "read")}) as other,
        tokens_of(server, person) as tokens,
        session(tokens, api.url, other.url, step_up="write") as client,
    ):
        assert (await answered(client, f"{api.url}/write"))[0] == 200
        assert await answered(client, f"{other.url}/read") == (200, "read")
        assert (await tokens.renew()).scope == "read"


async def test_it_outlives_the_process(server: AuthorizationServer, api: ProtectedAPI, tmp_path: Path) -> None:
    """Law B9: the session stands in the record, so that the next process has to ask no one."""
    person, store = Person(), FileTokenStore(tmp_path / "token")
    for _ in range(2):
        async with tokens_of(server, person, store) as tokens, session(tokens, api.url, step_up="write") as client:
            assert (await answered(client, f"{api.url}/write"))[0] == 200
    assert len(person.asked) == 1
    assert server.reused == 0


async def test_it_ends_with_the_session(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Law E3: signing out revokes it too, and nothing serves it any more."""
    person, store = Person(), MemoryTokenStore()
    async with tokens_of(server, person, store) as tokens, session(tokens, api.url, step_up="write") as client:
        assert (await answered(client, f"{api.url}/write"))[0] == 200
        (wide,) = sessions_beside(await store.load())
        assert wide.token is not None
        assert server.accepts(wide.token.access_token)
        assert (await tokens.sign_out()).revoked
        assert not server.accepts(wide.token.access_token)
        assert sessions_beside(await store.load()) == []
        server.at_the_browser = None
        with pytest.raises(SignInRequired):
            await answered(client, f"{api.url}/write")


async def test_it_is_revoked_though_the_session_is_not(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Law E3: each is tried; what went wrong with one is told."""
    person, store = Person(), MemoryTokenStore()
    async with tokens_of(server, person, store) as tokens, session(tokens, api.url, step_up="write") as client:
        assert (await answered(client, f"{api.url}/write"))[0] == 200
        (wide,) = sessions_beside(await store.load())
        server.inject(Broken(status=400), endpoint="revoke", times=1)
        event = await tokens.sign_out()
        assert (event.revoked, event.message is None) == (False, False)
        assert wide.token is not None
        assert not server.accepts(wide.token.access_token)


async def test_a_narrowed_token_is_widened_for_what_it_is_for(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Law E5: what a person agrees to is for the same resource, and is renewed for it."""
    person = Person()
    async with tokens_of(server, person) as tokens:
        for_one = tokens.narrowed(resource="https://one.example")
        async with session(for_one, api.url, step_up="write") as client:
            assert (await answered(client, f"{api.url}/write"))[0] == 200
            assert len(person.asked) == 1
            server.revoke_access_tokens()
            assert (await answered(client, f"{api.url}/write"))[0] == 200
    code, renewal = (request.form for request in (server.seen[-2], server.seen[-1]))
    assert code is not None
    assert renewal is not None
    assert (code["grant_type"], code["resource"]) == ("authorization_code", "https://one.example")
    assert (renewal["resource"], set(renewal["scope"].split())) == ("https://one.example", {"read", "write"})


async def test_who_declines_is_left_in_peace(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Law B9: the error names the scope; then the refusals are the caller's for a while, and other pages go on."""
    person = Person()
    server.clock = clock = ManualClock()
    server.at_the_browser = None
    async with (
        tokens_of(server, person, clock=clock) as tokens,
        session(tokens, api.url, step_up="write", clock=clock) as client,
    ):
        with pytest.raises(SignInRequired, match="sign in for the scope read write"):
            await answered(client, f"{api.url}/write")
        assert (await answered(client, f"{api.url}/write"))[0] == 403
        assert await answered(client, f"{api.url}/read") == (200, "read")
        assert len(person.asked) == 1
        server.at_the_browser = "ada"
        clock.advance(61)
        assert (await answered(client, f"{api.url}/write"))[0] == 200


async def test_a_wider_session_may_end(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Law B9: pages of the origin go on with the token of before, and the person is asked when it is needed."""
    person, store = Person(), MemoryTokenStore()
    server.clock = clock = ManualClock()
    async with (
        tokens_of(server, person, store, clock=clock) as tokens,
        session(tokens, api.url, step_up="write", clock=clock) as client,
    ):
        assert (await answered(client, f"{api.url}/write"))[0] == 200
        (wide,) = sessions_beside(await store.load())
        await endpoint(server).revoke(wide)
        with pytest.raises(SignInRequired):
            await answered(client, f"{api.url}/write")  # its token was rejected, and nothing renews it
        assert await answered(client, f"{api.url}/read") == (200, "read")
        assert len(person.asked) == 1
        clock.advance(61)
        assert (await answered(client, f"{api.url}/write"))[0] == 200
        assert len(person.asked) == 2
        assert (await tokens.token()).scope == "read"


async def test_a_grant_that_cannot_go_on_asks_no_one(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Law B9: a grant of someone else's may begin with a refresh token of its own: the error names the scope."""
    person = Person()
    grant = StrangeGrant(RefreshTokenGrant(endpoint(server), first=server.sign_in(client_id="app", scope="read")))
    asks = AuthorizationCodeGrant(endpoint(server), scope="read", browser=person.browse)
    async with (
        TokenRepository(grant, sign_in_with=asks, observer=None) as tokens,
        session(tokens, api.url, step_up="write") as client,
    ):
        with pytest.raises(SignInRequired, match="sign in for the scope read write"):
            await answered(client, f"{api.url}/write")
    assert person.asked == []


async def test_a_record_keeps_few_of_them() -> None:
    """Law E5: sixteen, of which the one that was renewed longest ago makes room; the session itself stays."""
    store = MemoryTokenStore(credential())
    for number in range(MOST + 2):
        async with StoreBeside(store, f"scope-{number}").exclusive() as slot:
            assert await slot.load() is None
            await slot.save(credential(refresh_token=f"refresh-{number}"))
    kept = sessions_beside(await store.load())
    assert [one.refresh_token for one in kept] == [f"refresh-{number}" for number in range(2, MOST + 2)]
    last = StoreBeside(store, f"scope-{MOST}")
    assert repr(last) == repr(store)
    async with last.exclusive() as slot:
        await slot.load()
        await slot.delete()
    assert await last.load() is None
    assert len(sessions_beside(await store.load())) == MOST - 1
    whole = await store.load()
    assert whole is not None
    assert whole.refresh_token == credential().refresh_token
