"""Tokens that are bound to a key, at the edge: a proof for each time a request is sent, and nonces (RFC 9449)."""

from __future__ import annotations

import asyncio
import json
import time
from base64 import urlsafe_b64decode
from collections import Counter
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientResponseError, ClientSession, TCPConnector, web
from multidict import CIMultiDict

from aio_token import (
    Accounts,
    BearerMiddleware,
    ClientCredentialsGrant,
    ClientSecretBasic,
    ConfigurationError,
    PasswordGrant,
    PublicClient,
    RefreshTokenGrant,
    TokenEndpoint,
    TokenRepository,
)
from aio_token._bound.nonces import MOST, Nonces, nonces_of
from aio_token._edge.challenge import Challenge
from aio_token._edge.dpop import concerning, proving
from aio_token.events import Rejected, ReplayImpossible
from aio_token.oauth import DPoP, DPoPToken, ProofKey
from aio_token.stores import MemoryTokenStores
from aio_token.testing import (
    AuthorizationServer,
    FixedSource,
    ManualClock,
    ProtectedAPI,
    RecordingObserver,
    Refusal,
    token,
)
from aio_token.testing.registered_client import SECRET
from tests.support.api import answered, session, twice

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_token.testing import SeenRequest

MANY = 1_000


@pytest.fixture
async def server() -> AsyncIterator[AuthorizationServer]:
    """Run a server that binds tokens."""
    async with AuthorizationServer(dpop=True) as server:
        yield server


@pytest.fixture
async def api(server: AuthorizationServer) -> AsyncIterator[ProtectedAPI]:
    """Run an API that takes its tokens."""
    async with ProtectedAPI(server) as api:
        yield api


@pytest.fixture
def tokens(server: AuthorizationServer) -> TokenRepository:
    """Return a source of bound tokens."""
    endpoint = TokenEndpoint(server.token_url, ClientSecretBasic("bot", SECRET), dpop=DPoP())
    return TokenRepository(ClientCredentialsGrant(endpoint))


def claims(request: SeenRequest) -> dict[str, Any]:
    """Return what the proof of a request says."""
    said: dict[str, Any] = json.loads(urlsafe_b64decode(request.headers["DPoP"].split(".")[1] + "==="))
    return said


def kinds(*apis: ProtectedAPI) -> set[str]:
    """Return the words before the tokens that came."""
    return {str(text).split()[0] for api in apis for text in api.authorizations}


async def test_each_request_has_a_proof_of_its_own(api: ProtectedAPI, tokens: TokenRepository) -> None:
    """Law K1: the API takes all of them, and each says its method and address; the token is never sent as Bearer."""
    async with session(tokens, api.url) as client:
        for method in ("GET", "PUT", "POST"):
            async with client.request(method, f"{api.url}/orders?page=2", data=b"body") as response:
                assert response.status == 200
    said = [claims(request) for request in api.seen]
    assert [each["htm"] for each in said] == ["GET", "PUT", "POST"]
    assert {each["htu"] for each in said} == {f"{api.url}/orders"}
    assert len({each["jti"] for each in said}) == 3
    assert kinds(api) == {"DPoP"}


async def test_nothing_of_the_proof_is_left_on_the_request(api: ProtectedAPI, tokens: TokenRepository) -> None:
    """Law A6: neither answers and errors show it, nor does an outer middleware that retries find it."""
    async with session(tokens, api.url, raise_for_status=True) as client:
        async with client.get(api.url) as response:
            assert {"DPoP", "Authorization"}.isdisjoint(response.request_info.headers)
        api.always_refuse = True
        with pytest.raises(ClientResponseError) as caught:
            await client.get(api.url)
        assert "DPoP" not in caught.value.request_info.headers
        assert "eyJ" not in repr(caught.value)
        api.always_refuse = False
        async with client.get(api.url, middlewares=(twice, BearerMiddleware(tokens, api.url))) as response:
            assert response.status == 200


async def test_a_proof_that_an_inner_middleware_has_replaced_stays(api: ProtectedAPI, tokens: TokenRepository) -> None:
    """Law A6: only what is ours is taken off."""

    async def replaces(request: Any, handler: Any) -> Any:
        response = await handler(request)
        request.headers["DPoP"] = "mine"
        return response

    async with ClientSession(middlewares=(BearerMiddleware(tokens, api.url), replaces)) as client:
        response = await answered(client.get(api.url))
        assert response.request_info.headers["DPoP"] == "mine"


@pytest.mark.parametrize("status", [302, 307])
async def test_a_redirect_has_a_proof_for_where_it_leads(
    api: ProtectedAPI, tokens: TokenRepository, status: int
) -> None:
    """Law K1: each hop has a proof for its own address, and an origin that was not named gets neither header."""
    async with ProtectedAPI(api.server) as other, ProtectedAPI(api.server) as foreign:
        async with session(tokens, api.url, other.url) as client:
            for to, answer in ((f"{api.url}/z?a=b", 200), (f"{other.url}/y", 200), (f"{foreign.url}/x", 401)):
                where = {"to": to, "status": str(status)}
                async with client.post(f"{api.url}/redirect", params=where, data=b"body") as response:
                    assert response.status == answer
        method = "GET" if status == 302 else "POST"
        assert [(claims(each)["htm"], claims(each)["htu"]) for each in other.seen] == [(method, f"{other.url}/y")]
        assert [claims(each)["htu"] for each in api.seen if each.path == "/z"] == [f"{api.url}/z"]
        assert {"DPoP", "Authorization"}.isdisjoint(foreign.seen[0].headers)


async def test_a_websocket_has_a_proof(api: ProtectedAPI, tokens: TokenRepository) -> None:
    """Law K1: its handshake is a GET of the address by HTTP, whatever scheme it was opened with, and nonces hold."""
    api.dpop_nonce = "one"
    async with session(tokens, api.url) as client:
        for url in (f"{api.url}/ws", f"{api.url}/ws".replace("http", "ws")):
            async with client.ws_connect(url) as websocket:
                await websocket.send_str("hello")
                assert await websocket.receive_str() == "hello"
    assert {claims(each)["htu"] for each in api.seen} == {f"{api.url}/ws"}
    assert api.refused == 1


@pytest.mark.parametrize("data", [b"body", "text", {"form": "field"}], ids=["bytes", "text", "form"])
async def test_a_nonce_that_is_wanted_is_said_at_once(
    api: ProtectedAPI, tokens: TokenRepository, server: AuthorizationServer, data: Any
) -> None:
    """Law K1: one repeat, with the whole body, for the first request to an origin, and none for the next ones."""
    api.dpop_nonce = "one"
    async with session(tokens, api.url) as client:
        for _ in range(3):
            async with client.post(api.url, data=data) as response:
                assert (response.status, (await response.json())["size"] > 0) == (200, True)
    assert [claims(each).get("nonce") for each in api.seen] == [None, "one", "one", "one"]
    assert server.requests.total() == 1


async def test_a_nonce_comes_with_any_answer(api: ProtectedAPI, tokens: TokenRepository) -> None:
    """Law K1: what a success brings is used from then on."""
    async with session(tokens, api.url) as client:
        with api.hold(after=True) as hold:
            under_way = asyncio.create_task(answered(client.get(api.url)))
            await hold.wait_for(1)
            api.dpop_nonce = "next"
        assert (await under_way).status == 200
        await answered(client.get(api.url))
    assert [claims(each).get("nonce") for each in api.seen] == [None, "next"]


async def test_a_nonce_that_changes_in_mid_herd_repeats_each_request_once(
    api: ProtectedAPI, tokens: TokenRepository, server: AuthorizationServer
) -> None:
    """Law K1: of a thousand, each is repeated at most once, none that was sent with the new nonce, and none renews."""
    api.dpop_nonce = "one"
    served = count(1)

    async def rotates(request: web.Request) -> web.Response:
        if next(served) == MANY // 2:
            api.dpop_nonce = "two"
        return web.Response()

    api.handlers = {"/orders/*": rotates}
    async with session(tokens, api.url, connector=TCPConnector(limit=100)) as client:
        await answered(client.get(f"{api.url}/first"))
        await asyncio.gather(*(answered(client.get(f"{api.url}/orders/{number}")) for number in range(MANY)))
        before = api.requests
        for _ in range(10):
            await answered(client.get(f"{api.url}/orders/later"))
    assert api.requests == before + 10
    first: dict[str, str] = {}
    sent = Counter(each.path for each in api.seen if each.path.startswith("/orders/") and not each.path.endswith("r"))
    for each in api.seen:
        first.setdefault(each.path, claims(each).get("nonce", ""))
    assert len(sent) == MANY
    assert max(sent.values()) == 2
    assert {first[path] for path, times in sent.items() if times == 2} == {"one"}
    assert api.accepted == MANY + 11
    assert server.requests.total() == 1


@pytest.mark.parametrize("nonce", ["x" * 1_025, 'with"quote', "back\\slash", "zwölf", "two words", ""])
async def test_what_cannot_be_a_nonce_is_passed_over(api: ProtectedAPI, tokens: TokenRepository, nonce: str) -> None:
    """Law K1: a header of any size and kind causes no repeat, no error and no renewal."""

    async def says_it(request: web.Request, handler: Any) -> web.StreamResponse:
        response: web.StreamResponse = await handler(request)
        response.headers["DPoP-Nonce"] = nonce
        return response

    api.inject(says_it)
    async with session(tokens, api.url) as client:
        for _ in range(2):
            assert (await answered(client.get(api.url))).status == 200
    assert ["nonce" in claims(each) for each in api.seen] == [False, False]


async def test_a_nonce_that_is_never_right_ends_with_the_callers(
    api: ProtectedAPI, tokens: TokenRepository, server: AuthorizationServer
) -> None:
    """Law B1: a server that wants another one each time gets one repeat a request, and nothing is renewed."""
    numbers = count()

    async def never(request: web.Request, handler: Any) -> web.Response:
        headers = CIMultiDict({"WWW-Authenticate": 'DPoP error="use_dpop_nonce"', "DPoP-Nonce": f"n{next(numbers)}"})
        return web.Response(status=401, headers=headers)

    api.inject(never)
    observer = RecordingObserver()
    for renew_on in (None, {401, 403}, lambda response: response.status == 401):
        before = api.requests
        async with session(tokens, api.url, renew_on=renew_on, observer=observer) as client:
            assert (await answered(client.get(api.url))).status == 401
        assert api.requests == before + 2
    assert server.requests.total() == 1


async def test_a_refusal_without_a_new_nonce_is_the_callers(api: ProtectedAPI, tokens: TokenRepository) -> None:
    """Law B1: sent again with what it had before, a request would be refused again."""
    refusal = Refusal(challenges=('DPoP error="use_dpop_nonce"',))
    api.inject(lambda request, handler: refusal.respond(request), times=1)
    async with session(tokens, api.url) as client:
        assert (await answered(client.get(api.url))).status == 401
        assert (await answered(client.get(api.url))).status == 200
    assert api.requests == 2


async def test_a_body_that_is_gone_is_not_sent_again(api: ProtectedAPI, tokens: TokenRepository) -> None:
    """Law B4: the 401 is returned, an event says why, and the next request has the nonce."""
    api.dpop_nonce = "one"

    async def pieces() -> AsyncIterator[bytes]:
        yield b"piece"

    observer = RecordingObserver()
    async with session(tokens, api.url, observer=observer) as client:
        assert (await answered(client.post(api.url, data=pieces()))).status == 401
        async with client.post(api.url, data=pieces()) as response:
            assert (await response.json())["size"] == len(b"piece")
    assert [event.method for event in observer.events if isinstance(event, ReplayImpossible)] == ["POST"]
    assert api.requests == 2


async def test_a_dead_token_and_a_nonce_cost_one_repeat_each(
    api: ProtectedAPI, tokens: TokenRepository, server: AuthorizationServer
) -> None:
    """Law B1: a request is sent three times at most, once more for its token and once more for a nonce."""
    async with session(tokens, api.url) as client:
        await answered(client.get(api.url))
        server.revoke_access_tokens()

        async def asks_for_a_nonce_then(request: web.Request, handler: Any) -> web.StreamResponse:
            api.dpop_nonce = "one"
            refusal = Refusal(challenges=('DPoP error="use_dpop_nonce"',))
            return await refusal.respond(request)

        api.inject(asks_for_a_nonce_then, times=1)
        assert (await answered(client.get(f"{api.url}/me"))).status == 200
    said = [claims(each) for each in api.seen if each.path == "/me"]
    assert [each.get("nonce") for each in said] == [None, "one", "one"]
    assert said[0]["ath"] == said[1]["ath"] != said[2]["ath"]
    assert server.requests.total() == 2


async def test_a_nonce_after_a_new_token_is_said_too(
    api: ProtectedAPI, tokens: TokenRepository, server: AuthorizationServer
) -> None:
    """Law B1: the order does not matter, and a second nonce for the same hop is the caller's matter."""
    answers = iter(["invalid_token", "use_dpop_nonce", "use_dpop_nonce"])
    numbers = count()

    async def refuses(request: web.Request, handler: Any) -> web.Response:
        headers = {"WWW-Authenticate": f'DPoP error="{next(answers)}"', "DPoP-Nonce": f"n{next(numbers)}"}
        return web.Response(status=401, headers=headers)

    api.inject(refuses, times=3)
    async with session(tokens, api.url) as client:
        assert (await answered(client.get(api.url))).status == 401
    assert [claims(each).get("nonce") for each in api.seen] == [None, "n0", "n1"]
    assert server.requests.total() == 2


@pytest.mark.parametrize(
    ("challenge", "renewals"),
    [
        ('DPoP error="invalid_token"', 1),
        ("DPoP", 1),
        ('Bearer error="invalid_token"', 1),
        ('Bearer, DPoP error="invalid_token"', 1),
        ('Bearer error="invalid_token", DPoP error="insufficient_scope"', 0),
        ('DPoP error="invalid_dpop_proof"', 0),
        ('DPoP error="use_dpop_nonce"', 0),
    ],
)
async def test_which_refusals_of_a_bound_token_renew_it(
    api: ProtectedAPI, tokens: TokenRepository, server: AuthorizationServer, challenge: str, renewals: int
) -> None:
    """Law B3: what an API says of DPoP counts where it says anything of it."""
    refusal = Refusal(challenges=(challenge,))
    api.inject(lambda request, handler: refusal.respond(request), times=1)
    observer = RecordingObserver()
    async with session(tokens, api.url, observer=observer) as client:
        assert (await answered(client.get(api.url))).status == (200 if renewals else 401)
    assert server.requests.total() == 1 + renewals
    assert len([event for event in observer.events if isinstance(event, Rejected)]) == 1


async def test_a_token_of_wider_scope_is_bound_too(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Law B9: what an API asks for by a DPoP challenge is granted as any, to the key of the session."""

    async def page(request: web.Request) -> web.StreamResponse:
        held = server._ledger.active(request.headers["Authorization"].partition(" ")[2])
        if held is not None and "write" in (held.scope or ""):
            return web.Response()
        challenge = 'DPoP error="insufficient_scope", scope="write"'
        return await Refusal(status=403, challenges=(challenge,)).respond(request)

    api.handlers, api.dpop_nonce = {"/orders": page}, "one"
    endpoint = TokenEndpoint(server.token_url, ClientSecretBasic("bot", SECRET), dpop=DPoP())
    tokens = TokenRepository(ClientCredentialsGrant(endpoint, scope="read"))
    async with session(tokens, api.url, step_up="write") as client:
        assert (await answered(client.post(f"{api.url}/orders", data=b"body"))).status == 200
    assert server.requests.total() == 2
    assert kinds(api) == {"DPoP"}
    assert len({request.headers["DPoP"].split(".")[0] for request in api.seen}) == 1


async def test_many_accounts_have_a_key_each(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Law I2: each is bound to its own, and they share what the endpoint has said of nonces."""
    server.dpop_nonce = "one"
    endpoint = TokenEndpoint(server.token_url, PublicClient("app"), dpop=DPoP())
    async with Accounts(lambda _name: RefreshTokenGrant(endpoint), MemoryTokenStores()) as accounts:
        for name in ("ada", "bob"):
            await accounts[name].sign_in(PasswordGrant(endpoint, "ada", "lovelace"))
            async with session(accounts[name], api.url) as client:
                assert (await answered(client.get(api.url))).status == 200
    assert len({request.headers["DPoP"].split(".")[0] for request in api.seen}) == 2
    assert server.requests.total() == 3


def test_a_bearer_token_is_not_concerned() -> None:
    """What an API says of DPoP is nothing to a bearer token, and its handler is the one that was given."""
    challenges = [Challenge("dpop", {"error": "invalid_token"}), Challenge("bearer", {"error": "insufficient_scope"})]
    assert concerning(challenges, token("access-1")) == challenges

    async def handler(request: Any) -> Any:
        raise NotImplementedError  # nothing is sent

    made = {"nonces": Nonces(), "now": time.time, "tell": print}
    bound = DPoPToken(access_token="access-2", key=ProofKey.new())
    assert proving(handler, token("access-1"), **made) is handler  # type: ignore[arg-type]
    assert proving(proving(handler, bound, **made), token("access-1"), **made) is handler  # type: ignore[arg-type]


async def test_a_token_may_stop_being_bound(api: ProtectedAPI) -> None:
    """A source whose next token is a bearer token has it sent as that, without a proof."""

    class Both:
        """Takes the second token alone."""

        def accepts(self, access_token: str) -> bool:
            return access_token == "access-2"

    api.server = Both()
    source = FixedSource(DPoPToken(access_token="access-1", key=ProofKey.new()), token("access-2"))
    async with session(source, api.url) as client:
        assert (await answered(client.get(api.url))).status == 200
    assert api.authorizations == ["DPoP access-1", "Bearer access-2"]
    assert ["DPoP" in each.headers for each in api.seen] == [True, False]


@pytest.mark.parametrize("prefix", ["", "token"])
async def test_a_prefix_is_for_bearer_tokens(api: ProtectedAPI, tokens: TokenRepository, prefix: str) -> None:
    """Law K1: a bound token is sent as DPoP and in no other way."""
    async with session(tokens, api.url, prefix=prefix) as client:
        assert (await answered(client.get(api.url))).status == 200
    assert kinds(api) == {"DPoP"}


@pytest.mark.parametrize("error", ["invalid_dpop_proof", "invalid_token"])
async def test_the_time_of_a_proof_is_the_servers(
    api: ProtectedAPI, tokens: TokenRepository, server: AuthorizationServer, error: str
) -> None:
    """Law D14: a machine whose clock is an hour off is set right by the first refusal, whatever that blames."""
    clock = ManualClock(start=time.time() - 3_600)

    if error != "invalid_dpop_proof":
        refusal = Refusal(challenges=(f'DPoP error="{error}"',))
        api.inject(lambda request, handler: refusal.respond(request), times=1)
    async with session(tokens, api.url, clock=clock) as client:
        for _ in range(2):
            assert (await answered(client.get(api.url))).status == 200
    assert [abs(claims(each)["iat"] - time.time()) < 60 for each in api.seen] == [False, True, True]
    assert server.requests.total() == 1


async def test_a_key_that_cannot_sign_is_said(api: ProtectedAPI) -> None:
    """A record that was tampered with ends in one sentence that shows no part of the key."""
    jwk = ProofKey.new().jwk() | {"x": "canary-x"}
    source = FixedSource(DPoPToken(access_token="access-1", key=ProofKey(jwk)))
    async with session(source, api.url) as client:
        with pytest.raises(ConfigurationError, match="cannot sign; sign in again") as caught:
            await client.get(api.url)
    assert "canary" not in str(caught.value)
    assert api.requests == 0


def test_nonces_of_a_hundred_origins_are_kept() -> None:
    """Law K1: of more, what was learnt longest ago is forgotten."""
    nonces = Nonces()
    for number in range(MOST + 1):
        assert nonces.learn(f"https://{number}.example", f"n{number}", used=None)
    assert nonces.of("https://0.example") is None
    assert [nonces.of(f"https://{number}.example") for number in (1, MOST)] == ["n1", f"n{MOST}"]
    nonces.learn_clock("https://new.example", 60.0)
    assert (nonces.ahead("https://new.example"), nonces.of("https://new.example")) == (60.0, None)
    assert nonces.of("https://1.example") is None


def test_the_middlewares_of_a_source_share_its_nonces(tokens: TokenRepository) -> None:
    """Law K1: another session over it begins with what was learnt; a source that cannot be told apart has its own."""

    class ComparedByValue:
        __hash__ = None  # type: ignore[assignment]

    assert nonces_of(tokens) is nonces_of(tokens)
    odd = ComparedByValue()
    assert nonces_of(odd) is not nonces_of(odd)


def test_an_answer_that_is_late_brings_no_nonce_back() -> None:
    """Law K1: answers overtake each other, and the nonce that was replaced is not used again for one of them."""
    nonces, origin = Nonces(), "https://api.example"
    assert nonces.learn(origin, "one", used=None)
    assert nonces.learn(origin, "two", used="one")
    assert nonces.learn(origin, "one", used="one")  # of before: it is to be sent with the newer one
    assert nonces.of(origin) == "two"
    assert nonces.learn(origin, "one", used="two")  # another node of the server: it means it
    assert nonces.of(origin) == "one"
    assert not nonces.learn(origin, None, used="one")
