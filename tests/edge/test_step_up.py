"""An API may ask for more scope, within what is allowed, and for itself alone."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import WSServerHandshakeError, web

from aio_token import (
    BearerMiddleware,
    ClientCredentialsGrant,
    ClientSecretBasic,
    ConfigurationError,
    GrantRefused,
    MemoryTokenStore,
    RefreshTokenGrant,
    ServerUnavailable,
    SignInRequired,
    StaticToken,
    TokenEndpoint,
    TokenRepository,
)
from aio_token._edge.challenge import parse
from aio_token._edge.step_up import scope_in
from aio_token.events import ReplayImpossible
from aio_token.testing import (
    Altered,
    AuthorizationServer,
    Broken,
    ManualClock,
    ProtectedAPI,
    RecordingObserver,
    Refusal,
)
from tests.support.api import answered, session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp.typedefs import Handler


def wanting(server: AuthorizationServer, *words: str, status: int = 403) -> Handler:
    """Return a page that is for those who bring all these words."""

    async def page(request: web.Request) -> web.StreamResponse:
        token = server._ledger.active(request.headers["Authorization"].partition(" ")[2])
        if token is not None and set(words) <= set((token.scope or "").split()):
            return web.Response(text=token.scope)
        return await challenging(" ".join(words), status=status)(request)

    return page


def challenging(scope: str, *, status: int = 403) -> Handler:
    """Return a page that always wants that scope."""
    return Refusal(status=status, challenges=(f'Bearer error="insufficient_scope", scope="{scope}"',)).respond


def pages(server: AuthorizationServer) -> dict[str, Handler]:
    """Return the pages of an API."""
    return {
        "/read": wanting(server, "read"),
        "/write": wanting(server, "write"),
        "/write401": wanting(server, "write", status=401),
        "/admin": wanting(server, "admin"),
        "/both": wanting(server, "read", "write"),
        "/never": challenging("write"),
        "/ours": challenging("read"),
        "/mute": Refusal(status=403, challenges=('Bearer error="insufficient_scope"',)).respond,
        "/odd": challenging("write", status=409),
    }


@pytest.fixture
async def server() -> AsyncIterator[AuthorizationServer]:
    """Run an authorization server."""
    async with AuthorizationServer() as server:
        yield server


@pytest.fixture
async def api(server: AuthorizationServer) -> AsyncIterator[ProtectedAPI]:
    """Run an API of it."""
    async with ProtectedAPI(server, handlers=pages(server)) as api:
        yield api


def endpoint(server: AuthorizationServer) -> TokenEndpoint:
    """Return the server's endpoint."""
    return TokenEndpoint(server.token_url, ClientSecretBasic(server.client.client_id, server.client.secret or ""))


def person(
    server: AuthorizationServer, granted: str = "read write admin", scope: str | None = "read", **options: Any
) -> TokenRepository:
    """Return the tokens of a person who has granted that much, of which that much is asked for."""
    grant = RefreshTokenGrant(endpoint(server), first=server.sign_in(scope=granted), scope=scope)
    return TokenRepository(grant, observer=None, **options)


def asked_for(server: AuthorizationServer, member: str) -> list[str]:
    """Return a member of each token request, "" where it is missing."""
    return [str(request.form.get(member, "")) for request in server.seen if request.form is not None]


def scopes(server: AuthorizationServer) -> list[set[str]]:
    """Return the scope of each token request."""
    return [set(member.split()) for member in asked_for(server, "scope")]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('Bearer error="insufficient_scope", scope="write"', {"write"}),
        ('Basic realm="x", Bearer scope="b a  b", error=insufficient_scope', {"a", "b"}),
        ('Bearer error="insufficient_scope"', set()),
        ('Bearer error="insufficient_scope", scope=""', set()),
        (f'Bearer error="insufficient_scope", scope="{"a " * 5_000}"', set()),
        ('Bearer error="invalid_token", scope="write"', set()),
        ('Digest error="insufficient_scope", scope="write"', set()),
        ("", set()),
    ],
)
def test_the_scope_of_a_challenge_is_read(line: str, words: set[str]) -> None:
    """Law B9: what a Bearer challenge asks for by `insufficient_scope` (RFC 6750 section 3.1), and nothing else."""
    assert scope_in(parse([line])) == words


@pytest.mark.parametrize("page", ["write", "write401"])
async def test_what_is_allowed_is_obtained_once_and_kept_for_the_origin(
    server: AuthorizationServer, api: ProtectedAPI, page: str
) -> None:
    """Law B9: one token request with what the token had and what was asked; later requests begin with that token."""
    async with person(server) as tokens, session(tokens, api.url, step_up="write") as client:
        assert (await answered(client.get(f"{api.url}/read"))).status == 200
        for _ in range(3):
            assert (await answered(client.get(f"{api.url}/{page}"))).status == 200
        assert (await answered(client.get(f"{api.url}/read"))).status == 200
        assert (await tokens.token()).scope == "read"
    assert scopes(server) == [{"read"}, {"read", "write"}]
    assert [request.path for request in api.seen].count(f"/{page}") == 4
    assert len(set(api.authorizations)) == 2


async def test_without_it_the_answer_is_the_callers(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Law B9: by default no API widens what a token may do."""
    async with person(server) as tokens, session(tokens, api.url) as client:
        assert (await answered(client.get(f"{api.url}/write"))).status == 403
    assert scopes(server) == [{"read"}]


async def test_the_wider_token_is_for_the_origin_that_asked(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Law B9: another origin of the same middleware gets the token of before, on a redirect too, until it asks."""
    other = ProtectedAPI(server, handlers=pages(server))
    async with other, person(server) as tokens, session(tokens, api.url, other.url, step_up={"write"}) as client:
        await answered(client.get(f"{api.url}/write"))
        assert (await answered(client.get(f"{other.url}/read"))).status == 200
        away = f"{api.url}/redirect?to={other.url}/read"
        assert (await answered(client.get(away))).status == 200
        narrow = (await tokens.token()).authorization
        assert set(other.authorizations) == {narrow}
        assert api.authorizations[-1] != narrow
        assert (await answered(client.get(f"{api.url}/redirect?to={other.url}/write"))).status == 200
    assert scopes(server) == [{"read"}, {"read", "write"}]


@pytest.mark.parametrize("page", ["admin", "ours", "mute", "odd"])
async def test_what_is_not_allowed_is_the_callers(
    server: AuthorizationServer, api: ProtectedAPI, page: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Law B9: a scope that is not allowed, that the token has, that is not named; a line tells what was asked for."""
    caplog.set_level(logging.DEBUG, "aio_token")
    async with person(server) as tokens, session(tokens, api.url, step_up=["write"]) as client:
        assert (await answered(client.get(f"{api.url}/{page}"))).status in {403, 409}
    assert scopes(server) == [{"read"}]
    lines = {"admin": "the scope admin, which step_up does not allow", "ours": "the scope read, which the token has"}
    said = [line for line in caplog.messages if f"{api.url} wants" in line]
    assert said == ([f"{api.url} wants {lines[page]}"] if page in lines else [])


async def test_an_api_that_is_never_content_is_bounded(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Laws B9, B6: its scope grows by allowed words alone, and one that was obtained is not obtained again."""
    turns = iter(["write", "admin", "admin write", "write", "read write", "everything"] * 3)

    async def greedy(request: web.Request) -> web.StreamResponse:
        return await challenging(next(turns))(request)

    api.handlers = {"/*": greedy}
    async with person(server) as tokens, session(tokens, api.url, step_up=("write", "admin")) as client:
        for _ in range(8):
            assert (await answered(client.get(f"{api.url}/"))).status == 403
    assert scopes(server) == [{"read"}, {"read", "write"}, {"read", "write", "admin"}]


async def test_one_page_after_another_may_want_more(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Law B9: the scope of an origin grows, and what it had before stays."""
    async with person(server) as tokens, session(tokens, api.url, step_up="write admin") as client:
        for page in ("write", "admin", "both", "read", "write"):
            assert (await answered(client.get(f"{api.url}/{page}"))).status == 200
    assert scopes(server) == [{"read"}, {"read", "write"}, {"read", "write", "admin"}]


async def test_many_requests_cause_one_token_request(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Laws B9, C1: all that were answered so in flight share the wider token."""
    async with person(server) as tokens, session(tokens, api.url, step_up="write") as client:
        with api.hold() as hold:
            requests = [asyncio.create_task(answered(client.get(f"{api.url}/write"))) for _ in range(20)]
            await hold.wait_for(20)
        assert [(await request).status for request in requests] == [200] * 20
    assert scopes(server) == [{"read"}, {"read", "write"}]


async def test_pages_that_want_different_things_at_once(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Law B9: each request gets what it needs, and the origin has all of it after one more."""
    async with person(server) as tokens, session(tokens, api.url, step_up="write admin") as client:
        for _ in range(3):
            with api.hold() as hold:
                urls = [f"{api.url}/{page}" for page in ("write", "admin")]
                requests = [asyncio.create_task(answered(client.get(url))) for url in urls]
                await hold.wait_for(2)
            assert [(await request).status for request in requests] == [200] * 2
    first, *apart, last = scopes(server)
    assert first == {"read"}
    assert sorted(map(sorted, apart)) == [["admin", "read"], ["read", "write"]]
    assert last == {"read", "write", "admin"}


async def test_what_the_server_refuses_names_the_scope_to_sign_in_for(
    server: AuthorizationServer, api: ProtectedAPI
) -> None:
    """Law B9: the error says it, other pages go on, and for a while the answer is the caller's (law B6)."""
    clock = ManualClock()
    tokens = person(server, "read", None)
    async with tokens, session(tokens, api.url, step_up="write admin", clock=clock) as client:
        expected = f"{api.url} wants the scope write, which this session does not have .*invalid_scope.*; "
        with pytest.raises(SignInRequired, match=f"^{expected}sign in for the scope read write$") as caught:
            await client.get(f"{api.url}/write")
        assert not isinstance(caught.value, GrantRefused)
        assert (await answered(client.get(f"{api.url}/read"))).status == 200
        for page in ("write", "admin"):
            assert (await answered(client.get(f"{api.url}/{page}"))).status == 403
        clock.advance(1.1)
        with pytest.raises(SignInRequired, match="wants the scope write"):  # the server is not asked again so soon
            await client.get(f"{api.url}/write")
        clock.advance(1.1)
        assert (await answered(client.get(f"{api.url}/admin"))).status == 403
    assert scopes(server) == [set(), {"read", "write"}]
    assert server.reused == 0


async def test_the_answer_comes_as_it_was_where_no_token_is_required(
    server: AuthorizationServer, api: ProtectedAPI
) -> None:
    """Law B9: with `required=False` a refusal to widen is no error."""
    async with person(server, "read") as tokens, session(tokens, api.url, step_up="write", required=False) as client:
        response = await client.get(f"{api.url}/write")
        assert response.status == 403
        assert await response.read() == b"no. "
    assert scopes(server) == [{"read"}, {"read", "write"}]


async def test_a_server_that_is_away_is_no_matter_of_the_scope(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Law B9: errors of another kind stay what they are, those of many callers at once count once."""
    async with person(server) as tokens, session(tokens, api.url, step_up="write") as client:
        await answered(client.get(f"{api.url}/read"))
        server.inject(Broken(status=503))
        with api.hold() as hold:
            requests = [asyncio.create_task(answered(client.get(f"{api.url}/write"))) for _ in range(3)]
            await hold.wait_for(3)
        outcomes = await asyncio.gather(*requests, return_exceptions=True)
        assert all(isinstance(outcome, ServerUnavailable) for outcome in outcomes)


async def test_a_session_that_ended_is_said_to_have(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Law B9: `invalid_grant` is about the session, whatever was asked for."""
    async with person(server) as tokens, session(tokens, api.url, step_up="write") as client:
        await answered(client.get(f"{api.url}/read"))
        server.inject(Broken(status=400, body={"error": "invalid_grant"}))
        with pytest.raises(GrantRefused):
            await client.get(f"{api.url}/write")


async def test_a_service_asks_for_itself(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Law B9: a grant that needs no session widens too; no person is named where none can help."""
    grant = ClientCredentialsGrant(endpoint(server), scope="read")
    async with TokenRepository(grant, observer=None) as tokens, session(tokens, api.url, step_up="write") as client:
        assert (await answered(client.get(f"{api.url}/write"))).status == 200
        await tokens.renew()
        assert (await answered(client.get(f"{api.url}/both"))).status == 200
    assert scopes(server) == [{"read"}, {"read", "write"}, {"read"}]


async def test_a_service_keeps_both_of_its_tokens(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Laws B9 and E5: neither of them is renewed because the other one was asked for by another scope."""
    grant, store = ClientCredentialsGrant(endpoint(server), scope="read"), MemoryTokenStore()
    async with TokenRepository(grant, store, observer=None) as tokens:
        async with session(tokens, api.url, step_up="write") as client:
            for page in ("write", "write", "both", "read", "write"):
                assert (await answered(client.get(f"{api.url}/{page}"))).status == 200
        assert (await tokens.token()).scope == "read"
    async with TokenRepository(grant, store, observer=None) as tokens:  # the next process
        assert (await tokens.token()).scope == "read"
    assert scopes(server) == [{"read"}, {"read", "write"}]


async def test_a_wider_token_is_renewed_like_any(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Laws B9, B3: one that is rejected is renewed with its own scope, and the session's token is not."""
    async with person(server) as tokens, session(tokens, api.url, step_up="write") as client:
        await answered(client.get(f"{api.url}/write"))
        server.revoke_access_tokens()
        assert (await answered(client.get(f"{api.url}/write"))).status == 200
        assert (await answered(client.get(f"{api.url}/write"))).status == 200
    assert scopes(server) == [{"read"}, {"read", "write"}, {"read", "write"}]


async def test_a_wider_token_that_is_given_no_more_is_let_go(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Law B9: consent that was taken back ends what needs it, and the other pages go on with the token of before."""
    clock = ManualClock()
    server.clock = clock
    async with person(server, clock=clock) as tokens, session(tokens, api.url, step_up="write", clock=clock) as client:
        await answered(client.get(f"{api.url}/write"))
        clock.advance(server.lifetime + 1)
        await tokens.token()
        server.inject(Broken(status=400, body={"error": "invalid_scope"}))
        assert (await answered(client.get(f"{api.url}/read"))).status == 200
        with pytest.raises(SignInRequired, match="sign in for the scope read write"):
            await client.get(f"{api.url}/write")
        assert (await answered(client.get(f"{api.url}/read"))).status == 200


def silent(members: dict[str, Any]) -> dict[str, Any]:
    """Return a token answer that does not say what was granted."""
    return {name: value for name, value in members.items() if name != "scope"}


async def test_where_the_scope_is_not_known_the_wider_token_is_for_what_asked(
    server: AuthorizationServer, api: ProtectedAPI
) -> None:
    """Law B9: a server that does not say what it granted may give less than before: other pages keep their token."""
    server.inject(Altered(silent))
    async with person(server, scope=None) as tokens:
        before = (await tokens.token()).authorization

        async def page(request: web.Request) -> web.StreamResponse:
            is_wider = request.headers["Authorization"] != before
            return web.Response() if is_wider else await challenging("write")(request)

        api.handlers = {"/write": page}
        async with session(tokens, api.url, step_up="write") as client:
            for path in ("write", "read", "write"):
                assert (await answered(client.get(f"{api.url}/{path}"))).status == 200
    assert [value == before for value in api.authorizations] == [True, False, True, True, False]
    assert scopes(server) == [set(), {"write"}]


async def test_what_was_asked_for_is_granted_where_nothing_is_said(
    server: AuthorizationServer, api: ProtectedAPI
) -> None:
    """Law B9: a server that does not say what it granted granted what was asked (RFC 6749 section 5.1)."""
    server.inject(Altered(silent))
    async with person(server) as tokens, session(tokens, api.url, step_up="write") as client:
        assert (await answered(client.get(f"{api.url}/write"))).status == 200
        assert (await answered(client.get(f"{api.url}/both"))).status == 200
    assert scopes(server) == [{"read"}, {"read", "write"}]


async def test_a_narrowed_token_is_widened_for_its_own_resource(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Laws B9, E5: resource and audience stay as they were, whatever scope is asked for."""
    async with person(server, scope=None) as tokens:
        source = tokens.narrowed(scope="read", resource="https://files.example", audience="files")
        async with session(source, api.url, step_up="write") as client:
            assert (await answered(client.get(f"{api.url}/write"))).status == 200
    assert scopes(server) == [{"read"}, {"read", "write"}]
    assert asked_for(server, "resource") == ["https://files.example"] * 2
    assert asked_for(server, "audience") == ["files"] * 2


async def test_a_body_is_sent_again_if_it_can_be(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Laws B9, B4: as after a rejection; the wider token is there for the next request."""
    observer = RecordingObserver()

    async def rows() -> AsyncIterator[bytes]:
        yield b"one"

    async with person(server) as tokens, session(tokens, api.url, step_up="write", observer=observer) as client:
        assert (await answered(client.post(f"{api.url}/write", data=rows()))).status == 403
        assert [event.origin for event in observer.of(ReplayImpossible)] == [api.url]
        assert (await answered(client.post(f"{api.url}/write", data=rows()))).status == 200
    async with person(server) as tokens, session(tokens, api.url, step_up="write") as client:
        assert (await answered(client.post(f"{api.url}/write", data=b"two"))).status == 200


async def test_a_handshake_is_a_request_like_any_other(server: AuthorizationServer) -> None:
    """Law B9: ws and wss are http and https with another name, and one origin with them."""
    api = ProtectedAPI(server, handlers={"/socket": wanting(server, "write"), "/write": wanting(server, "write")})
    async with api, person(server) as tokens, session(tokens, api.url, step_up="write") as client:
        with pytest.raises(WSServerHandshakeError) as caught:  # which is no WebSocket at all, and lets us in
            await client.ws_connect(f"{api.url.replace('http', 'ws')}/socket")
        assert caught.value.status == 200
        assert (await answered(client.get(f"{api.url}/write"))).status == 200
    assert scopes(server) == [{"read"}, {"read", "write"}]
    assert api.requests == 3


@pytest.mark.parametrize("allowed", ["", " ", [], [1], 7, [""]])
async def test_what_is_no_scope_is_a_mistake(server: AuthorizationServer, allowed: Any) -> None:
    """Law B9: said when the middleware is made."""
    with pytest.raises(ConfigurationError, match="step_up is a scope such as"):
        BearerMiddleware(person(server), "https://api.example", step_up=allowed)


def test_a_source_of_one_token_has_no_wider_one() -> None:
    """Law B9: said when the middleware is made."""
    with pytest.raises(ConfigurationError, match="step_up takes a source whose tokens can have more scope"):
        BearerMiddleware(StaticToken("a"), "https://api.example", step_up="write")
