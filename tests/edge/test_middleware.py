"""The aiohttp edge on real servers: whose requests carry the token, and whose do not."""

from __future__ import annotations

import asyncio
import warnings
from typing import TYPE_CHECKING

import pytest
from aiohttp import BasicAuth, ClientRequest, ClientSession, ClientTimeout
from yarl import URL

from aio_token import AtHand, BearerMiddleware, MemoryTokenStore, SignInRequired, StaticToken, TokenRepository
from aio_token.testing import FixedSource, ProtectedAPI, ScriptedGrant, credential, token
from tests.support.api import BEARER_1, BEARER_2, Accepting, answered, session, twice

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import ClientResponse

    from aio_token import Rejection, Token


@pytest.fixture
async def api() -> AsyncIterator[ProtectedAPI]:
    """Run an API that takes two tokens."""
    async with ProtectedAPI(Accepting("access-1", "access-2")) as api:
        yield api


async def test_a_request_carries_the_token(api: ProtectedAPI) -> None:
    """Law A3: the token is in the header, and neither in the URL nor in the body."""
    async with session(FixedSource(), api.url) as client, client.post(f"{api.url}/me", data=b"x") as response:
        assert (await response.json())["size"] == 1
    assert api.authorizations == [BEARER_1]
    assert str(response.url) == f"{api.url}/me"


async def test_a_usable_token_costs_no_await_that_suspends(api: ProtectedAPI) -> None:
    """The hot path is one step: no lock, no task, no I/O."""
    tokens = TokenRepository(ScriptedGrant())
    await tokens.token()
    sent: list[str] = []

    async def handler(request: ClientRequest) -> ClientResponse:
        sent.append(request.headers["Authorization"])
        raise InterruptedError

    request = ClientRequest("GET", URL(api.url), loop=asyncio.get_running_loop())
    with pytest.raises(InterruptedError):
        BearerMiddleware(tokens, api.url)(request, handler).send(None)
    assert sent == [BEARER_1]
    assert len(asyncio.all_tasks()) == 1


async def test_several_origins_share_a_token(api: ProtectedAPI) -> None:
    """Law A1: a middleware may have several origins; every other one gets nothing."""
    async with (
        ProtectedAPI(api.server) as other,
        ProtectedAPI(api.server) as foreign,
        session(FixedSource(), api.url, other.url) as client,
    ):
        statuses = [(await answered(client.get(server.url))).status for server in (api, other, foreign)]
    assert statuses == [200, 200, 401]
    assert foreign.authorizations == [None]


@pytest.mark.parametrize("value", ["false", " False "])
async def test_a_request_can_opt_out(api: ProtectedAPI, value: str) -> None:
    """Law A4: the header that says so is not sent."""
    source = FixedSource()
    async with session(source, api.url) as client:
        response = await answered(client.get(f"{api.url}/public", headers={"Requires-Token": value}))
    assert response.status == 200
    assert api.authorizations == [None]
    assert "requires-token" not in api.seen[0].headers
    assert source.asked == 0


@pytest.mark.parametrize("value", ["true", "", "no"])
async def test_anything_but_false_is_no_opt_out(api: ProtectedAPI, value: str) -> None:
    """Law A4: the header is taken off all the same."""
    async with session(FixedSource(), api.url) as client:
        await answered(client.get(api.url, headers={"requires-token": value}))
    assert api.authorizations == [BEARER_1]
    assert "requires-token" not in api.seen[0].headers


async def test_the_opt_out_is_never_sent_to_anybody(api: ProtectedAPI) -> None:
    """Law A4: it is taken off whatever the origin."""
    async with session(FixedSource(), "https://api.example") as client:
        await answered(client.get(api.url, headers={"requires-token": "false"}))
    assert "requires-token" not in api.seen[0].headers


async def test_an_opt_out_holds_for_every_middleware_of_the_chain(api: ProtectedAPI) -> None:
    """Law A4: the first one takes the header off, and the second one knows."""
    chain = (BearerMiddleware(FixedSource(), api.url), BearerMiddleware(FixedSource(), api.url))
    async with ClientSession(middlewares=chain) as client:
        await answered(client.get(api.url, headers={"requires-token": "false"}))
        await answered(client.get(api.url))
    assert api.authorizations == [None, BEARER_1]


@pytest.mark.parametrize("status", [302, 303, 307])
async def test_an_opt_out_holds_on_every_hop(api: ProtectedAPI, status: int) -> None:
    """Law A4: aiohttp makes a new request of each redirect, to another origin of ours for example."""
    async with ProtectedAPI(api.server) as other, session(FixedSource(), api.url, other.url) as client:
        url = URL(f"{api.url}/redirect").with_query(status=status, to=f"{other.url}/public")
        response = await answered(client.post(url, headers={"requires-token": "false"}))
        assert response.status == 200
        assert api.authorizations + other.authorizations == [None, None]


@pytest.mark.parametrize("outside", [True, False])
async def test_an_opt_out_holds_beside_a_middleware_that_retries(api: ProtectedAPI, outside: bool) -> None:
    """Law A4: beneath a retry the same request comes again, without the header that the first pass took off."""
    bearer = BearerMiddleware(FixedSource(), api.url)
    async with ClientSession(middlewares=(twice, bearer) if outside else (bearer, twice)) as client:
        await answered(client.get(api.url, headers={"requires-token": "false"}))
    assert api.authorizations == [None, None]
    assert not any("requires-token" in request.headers for request in api.seen)


async def test_the_caller_s_own_header_wins(api: ProtectedAPI) -> None:
    """Law A4: it is sent as it is, in any case, and stays on the request."""
    async with session(FixedSource(), api.url) as client:
        response = await answered(client.get(api.url, headers={"authorization": BEARER_2}))
    assert api.authorizations == [BEARER_2]
    assert response.request_info.headers["Authorization"] == BEARER_2


async def test_the_caller_s_own_credentials_win(api: ProtectedAPI) -> None:
    """Law A4: `auth=` and a user in the URL are an `Authorization` of the caller's own, and so is their 401."""
    source = FixedSource()
    async with session(source, api.url) as client:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # recent aiohttp would have a header instead
            first = await answered(client.get(api.url, auth=BasicAuth("ada", "x")))
        second = await answered(client.get(URL(api.url).with_user("ada").with_password("x")))
    assert [first.status, second.status] == [401, 401]
    assert api.authorizations == ["Basic YWRhOng="] * 2
    assert source.asked == 0


async def test_a_request_without_a_token_is_not_sent(api: ProtectedAPI) -> None:
    """By default no token means an error that says what to do."""
    async with session(FixedSource(SignInRequired("sign in")), api.url) as client:
        with pytest.raises(SignInRequired, match="sign in"):
            await client.get(f"{api.url}/public")
    assert api.requests == 0


async def test_a_token_need_not_be_required(api: ProtectedAPI) -> None:
    """With `required=False` a request goes out without a token where there is none."""
    async with session(FixedSource(SignInRequired("sign in")), api.url, required=False) as client:
        assert (await answered(client.get(f"{api.url}/public"))).status == 200
        assert (await answered(client.get(api.url))).status == 401
    assert api.authorizations == [None, None]


async def test_a_deadline_ends_a_caller_and_no_renewal(api: ProtectedAPI) -> None:
    """Law C3: `ClientTimeout` cuts the wait for a renewal that hangs; the renewal goes on, and the next one has it."""
    grant, store = ScriptedGrant(), MemoryTokenStore()
    grant.halt()
    async with TokenRepository(grant, store) as tokens, session(tokens, api.url) as client:
        with pytest.raises(TimeoutError):
            await client.get(api.url, timeout=ClientTimeout(total=0.05))
        grant.release()
        assert (await answered(client.get(api.url))).status == 200
    assert len(grant.calls) == 1
    assert await store.load() == credential()
    assert api.authorizations == [BEARER_1]


async def test_a_session_serves_many_users(api: ProtectedAPI) -> None:
    """A middleware given with a request takes the place of the session's."""
    bearers = {user: BearerMiddleware(FixedSource(token(f"access-{user}")), api.url) for user in (1, 2)}
    async with ClientSession() as client:
        for user in (2, 1):
            await answered(client.get(api.url, middlewares=(bearers[user],)))
        await answered(client.get(f"{api.url}/public"))
    assert api.authorizations == [BEARER_2, BEARER_1, None]


async def test_a_session_may_have_a_base_url(api: ProtectedAPI) -> None:
    """The origin is that of the whole URL, however it was put together."""
    async with ClientSession(api.url, middlewares=(BearerMiddleware(FixedSource(), api.url),)) as client:
        assert (await answered(client.get("/me"))).status == 200
    assert api.authorizations == [BEARER_1]


async def test_a_head_request_is_a_request(api: ProtectedAPI) -> None:
    """Law B1: a rejected HEAD has a Content-Length and no body, and is sent again."""
    source = FixedSource(token("access-0"), token("access-1"))
    async with session(source, api.url) as client:
        assert (await answered(client.head(api.url))).status == 200
    assert api.authorizations == ["Bearer access-0", BEARER_1]


async def test_a_source_with_its_token_at_hand_is_not_awaited(api: ProtectedAPI) -> None:
    """A request whose token is fresh makes no coroutine; the first one waits for the repository."""
    asked: list[object] = []

    class Counting(TokenRepository):
        async def token(self, *, rejected: Rejection | Token | None = None, min_valid_for: float = 0.0) -> Token:
            asked.append(rejected)
            return await super().token(rejected=rejected, min_valid_for=min_valid_for)

    async with Counting(ScriptedGrant(credential("access-1"))) as tokens, session(tokens, api.url) as client:
        for _ in range(3):
            async with client.get(api.url) as response:
                assert response.status == 200
    assert asked == [None]


def test_a_static_token_is_always_at_hand() -> None:
    """Nothing can be done for it, so nothing has to be waited for."""
    source = StaticToken("access-1")
    assert isinstance(source, AtHand)
    assert source.token_at_hand().access_token == "access-1"
