"""Accounts never mix: tokens, cookies and origins of fifty users over one pool of connections."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession, CookieJar, TCPConnector, web

from aio_token import Accounts, BearerMiddleware, PublicClient, RefreshTokenGrant, TokenEndpoint
from aio_token.stores import DirectoryTokenStores
from aio_token.testing import AuthorizationServer, LoopbackServer

if TYPE_CHECKING:
    from pathlib import Path

USERS = tuple(f"user {number}" for number in range(50))
REQUESTS = 10_000
AT_ONCE = 64
REVOCATIONS = 4
MEANT_FOR = "X-Meant-For"


@dataclass(kw_only=True, eq=False, repr=False)
class Strict(LoopbackServer):
    """An API that compares whose token and whose cookie a request has with whom it is meant for.

    As a stranger it wants neither: it is where some redirects lead.
    """

    main_endpoint = "page"

    server: AuthorizationServer
    stranger: Strict | None = None
    mixed: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    def routes(self) -> list[web.RouteDef]:
        """Serve pages, and redirects to them."""
        return [web.get("/page", self._page, name="page"), web.get("/{where:home|away}", self._redirect, name="go")]

    async def _page(self, request: web.Request) -> web.Response:
        user = request.headers[MEANT_FOR]
        token, cookie = self._owner(request), request.cookies.get("session")
        self.seen[user] += 1
        if self.stranger is None:
            self._note(user, token=request.headers.get("Authorization"), cookie=cookie)
            return web.Response()
        self._note(user, cookie=None if cookie == f"of {user}" else cookie)
        if token is None:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
        self._note(user, token=None if token == user else token)
        response = web.Response(text=token)
        response.set_cookie("session", f"of {token}")
        return response

    async def _redirect(self, request: web.Request) -> web.Response:
        here = self.url if request.match_info["where"] == "home" or self.stranger is None else self.stranger.url
        return web.Response(status=307, headers={"Location": f"{here}/page"})

    def _owner(self, request: web.Request) -> str | None:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        issued = self.server._ledger.active(text) if scheme == "Bearer" else None
        return issued.family.user if issued is not None else None

    def _note(self, user: str, **wrong: str | None) -> None:
        self.mixed += [f"{user}: {what} {value}" for what, value in wrong.items() if value is not None]


async def sessions_of(accounts: Accounts, api: str, stack: AsyncExitStack) -> dict[str, ClientSession]:
    """Return a session for each user, over one connector."""
    connections = await stack.enter_async_context(TCPConnector(limit=AT_ONCE))
    return {
        user: await stack.enter_async_context(
            ClientSession(
                api,
                middlewares=(BearerMiddleware(accounts[user], api),),
                cookie_jar=CookieJar(unsafe=True),  # the tests' addresses are numbers
                connector=connections,
                connector_owner=False,
                headers={MEANT_FOR: user},
            )
        )
        for user in USERS
    }


async def test_fifty_users_over_one_connector_never_mix(tmp_path: Path) -> None:
    """Law I2: 10,000 requests in random order, redirected at home and away, cookies set, tokens revoked: 0 mixed."""
    async with (
        AuthorizationServer() as server,
        Strict(server=server, host="127.0.0.2") as stranger,
        Strict(server=server, stranger=stranger) as api,
        AsyncExitStack() as stack,
    ):
        endpoint = TokenEndpoint(server.token_url, PublicClient("app"))
        stores = DirectoryTokenStores(tmp_path / "accounts")
        for user in USERS:
            async with stores.of(user).exclusive() as slot:
                await slot.save(server.credential(client_id="app", user=user))
        accounts = Accounts(lambda _: RefreshTokenGrant(endpoint), stores, observer=None)
        sessions = await sessions_of(accounts, api.url, stack)
        order = [random.choice(USERS) for _ in range(REQUESTS)]
        waiting, answers = iter(enumerate(order)), Counter[tuple[str, int]]()

        async def visit() -> None:
            for number, user in waiting:
                if number % (REQUESTS // REVOCATIONS) == 0:
                    server.revoke_access_tokens()
                way = random.choices(("/page", "/home", "/away"), (6, 2, 2))[0]
                async with sessions[user].get(way) as response:
                    answers[way, response.status] += 1
                    if response.status == 200:  # a token that dies at once again is let through for some seconds
                        assert await response.text() == ("" if way == "/away" else user)

        await asyncio.gather(*(visit() for _ in range(AT_ONCE)))
    assert (api.mixed, stranger.mixed) == ([], [])
    assert sum(answers.values()) == REQUESTS
    assert {status for _, status in answers} <= {200, 401}
    assert sum(stranger.seen.values()) == answers["/away", 200]
    assert server.reused == 0
    assert len(USERS) <= server.refreshes <= REVOCATIONS * len(USERS)


async def test_one_session_for_two_users_mixes_their_cookies() -> None:
    """Law I2: the check can fail; one session for all sends one user's cookie with another's token."""
    async with (
        AuthorizationServer() as server,
        Strict(server=server, host="127.0.0.2") as stranger,
        Strict(server=server, stranger=stranger) as api,
        ClientSession(api.url, cookie_jar=CookieJar(unsafe=True)) as shared,
    ):
        endpoint = TokenEndpoint(server.token_url, PublicClient("app"))
        first = {user: server.sign_in(client_id="app", user=user) for user in ("alice", "bob")}
        accounts = Accounts(lambda name: RefreshTokenGrant(endpoint, first=first[name]), observer=None)
        for user in first:
            bearer = BearerMiddleware(accounts[user], api.url)
            async with shared.get("/page", middlewares=(bearer,), headers={MEANT_FOR: user}) as response:
                assert response.status == 200
    assert api.mixed == ["bob: cookie of alice"]


async def test_no_header_of_a_request_names_an_account() -> None:
    """Law I2: a gateway that forwards what its visitor sends gives the visitor no choice of accounts."""
    async with (
        AuthorizationServer() as server,
        Strict(server=server, stranger=Strict(server=server)) as api,
    ):
        endpoint = TokenEndpoint(server.token_url, PublicClient("app"))
        first = {user: server.sign_in(client_id="app", user=user) for user in ("alice", "mallory")}
        accounts = Accounts(lambda name: RefreshTokenGrant(endpoint, first=first[name]), observer=None)
        bearer = BearerMiddleware(accounts["mallory"], api.url)
        names = ("account", "x-account", "requires-account", "requires-token", "aio-token-account", "x-user", "name")
        headers = dict.fromkeys(names, "alice") | {MEANT_FOR: "mallory"}
        async with (
            ClientSession(api.url, middlewares=(bearer,)) as session,
            session.get("/page", headers=headers) as got,
        ):
            assert await got.text() == "mallory"
    assert api.mixed == []


@pytest.mark.parametrize("user", USERS[:2])
async def test_one_account_s_trouble_is_not_another_s(user: str) -> None:
    """A user whose session has ended gets an error; the others' requests go on."""
    async with AuthorizationServer() as server:
        endpoint = TokenEndpoint(server.token_url, PublicClient("app"))
        accounts = Accounts(lambda name: RefreshTokenGrant(endpoint, first=f"canary-{name}"), observer=None)
        good = RefreshTokenGrant(endpoint, first=server.sign_in(client_id="app"))
        await accounts["good"].sign_in(good)
        with pytest.raises(Exception, match="invalid_grant"):
            await accounts[user].token()
        await accounts["good"].renew()
