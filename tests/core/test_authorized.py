"""`authorized`: a call with a token, for those who are shown no response."""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64decode
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientResponse, ClientResponseError, ClientSession, TCPConnector

from aio_token import (
    ClientCredentialsGrant,
    ClientSecretBasic,
    RefreshTokenGrant,
    ServerUnavailable,
    TokenEndpoint,
    TokenRepository,
)
from aio_token.oauth import DPoP, DPoPToken
from aio_token.testing import AuthorizationServer, ManualClock, ProtectedAPI, Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from aio_token import Token


class LibraryError(Exception):
    """What a client library raises: nothing but a status, somewhere."""

    def __init__(self, **members: object) -> None:
        super().__init__("the request failed")
        vars(self).update(members)


@pytest.fixture
async def server() -> AsyncIterator[AuthorizationServer]:
    """Run an authorization server."""
    async with AuthorizationServer() as server:
        yield server


@pytest.fixture
def clock() -> ManualClock:
    """Return the clock of the repository."""
    return ManualClock()


@pytest.fixture
async def tokens(server: AuthorizationServer, clock: ManualClock) -> AsyncIterator[TokenRepository]:
    """Return a repository for a user who signed in."""
    client = ClientSecretBasic(server.client.client_id, server.client.secret or "")
    grant = RefreshTokenGrant(TokenEndpoint(server.token_url, client, clock=clock), first=server.sign_in())
    async with TokenRepository(grant, clock=clock, observer=None) as tokens:
        yield tokens


SAYING = [
    lambda: LibraryError(status=401),
    lambda: LibraryError(status_code=401),
    lambda: LibraryError(code=401),
    lambda: LibraryError(http_status=401),
    lambda: LibraryError(response=SimpleNamespace(status=401)),
    lambda: LibraryError(response=SimpleNamespace(status_code=401)),
]


@pytest.mark.parametrize("error", SAYING)
async def test_twenty_calls_in_flight_survive_a_revocation(
    server: AuthorizationServer, tokens: TokenRepository, error: Any
) -> None:
    """Law B2: whatever the library's error looks like, all calls get the new token, and one renewal is enough."""
    async with ProtectedAPI(server) as api, ClientSession(connector=TCPConnector(limit=0)) as session:

        async def send(token: Token) -> str:
            async with session.get(api.url, headers={"Authorization": token.authorization}) as response:
                if response.status != 200:
                    raise error()
                return "ok"

        assert await tokens.authorized(send) == "ok"
        server.revoke_access_tokens()
        assert await asyncio.gather(*(tokens.authorized(send) for _ in range(20))) == ["ok"] * 20
    assert (server.refreshes, server.reused) == (2, 0)


async def test_a_response_is_a_result_that_says_401(server: AuthorizationServer, tokens: TokenRepository) -> None:
    """Law B5: the first response is closed before the second request, so one connection is enough."""
    responses: list[ClientResponse] = []
    async with (
        ProtectedAPI(server, refusal=Refusal(size=1_000_000)) as api,
        ClientSession(connector=TCPConnector(limit=1)) as session,
    ):

        async def send(token: Token) -> ClientResponse:
            responses.append(await session.get(api.url, headers={"Authorization": token.authorization}))
            return responses[-1]

        await tokens.token()
        server.revoke_access_tokens()
        async with asyncio.timeout(30), await tokens.authorized(send) as response:
            assert response.status == 200
    assert responses[0].closed
    assert responses[1] is response


async def test_results_of_any_kind_are_returned(tokens: TokenRepository, clock: ManualClock) -> None:
    """A result that says nothing of a status is one; one that closes itself, or cannot be closed, is left alone."""
    asked: list[str] = []
    for result in (None, "text", {"status": 401}, SimpleNamespace(status="401")):

        async def send(token: Token, result: object = result) -> object:
            asked.append(token.access_token)
            return result

        assert await tokens.authorized(send) is result
    assert len(asked) == 4
    for first in (SimpleNamespace(status=401), SimpleNamespace(status_code=401, close=None, aclose=None)):
        clock.advance(120)
        answers = iter([first, "second"])

        async def turn(token: Token, answers: Any = answers) -> object:
            asked.append(token.access_token)
            return next(answers)

        assert await tokens.authorized(turn) == "second"
    assert len(asked) == 8


async def test_other_errors_are_the_caller_s(server: AuthorizationServer, tokens: TokenRepository) -> None:
    """Only a 401 is about the token."""
    for error in (LibraryError(status=403), LibraryError(), ValueError("no"), LibraryError(response=None)):

        async def send(token: Token, error: Exception = error) -> None:
            raise error

        with pytest.raises(type(error)) as caught:
            await tokens.authorized(send)
        assert caught.value is error
    assert server.refreshes == 1


async def test_an_api_that_rejects_every_token_is_bounded(
    server: AuthorizationServer, tokens: TokenRepository, clock: ManualClock
) -> None:
    """Laws B1 and B6: two calls at most, and pauses of 1, 2, 4 ... seconds between renewals."""
    calls = 0

    async def send(token: Token) -> None:
        nonlocal calls
        calls += 1
        raise LibraryError(status=401)

    for renewals, pause in ((2, 0.0), (2, 0.5), (3, 0.5), (3, 1.9), (4, 0.1)):
        clock.advance(pause)
        with pytest.raises(LibraryError):
            await tokens.authorized(send)
        assert server.refreshes == renewals
    assert calls == 8


async def test_a_renewal_that_fails_says_so(server: AuthorizationServer, tokens: TokenRepository) -> None:
    """The error is the repository's, and not a 401 that waiting would help."""

    async def send(token: Token) -> None:
        raise LibraryError(status=401)

    await tokens.token()
    async with server.offline():
        with pytest.raises(ServerUnavailable):
            await tokens.authorized(send)


async def test_a_source_that_has_no_other_token_ends_it(tokens: TokenRepository, monkeypatch: Any) -> None:
    """The same token is not sent twice: the error, or the result, is the caller's."""
    token, calls = await tokens.token(), 0

    async def same(**_: object) -> Token:
        return token

    monkeypatch.setattr(TokenRepository, "token", lambda self, **given: same(**given))

    async def send(token: Token) -> ClientResponseError:
        nonlocal calls
        calls += 1
        error = ClientResponseError(None, (), status=401)  # type: ignore[arg-type]
        if calls == 1:
            return error
        raise error

    assert (await tokens.authorized(send)).status == 401
    with pytest.raises(ClientResponseError):
        await tokens.authorized(send)
    assert calls == 2


async def test_a_response_is_closed_if_the_renewal_fails(server: AuthorizationServer, tokens: TokenRepository) -> None:
    """Law B5: it is handed to no one, and its connection may be the only one."""
    responses: list[ClientResponse] = []
    async with ProtectedAPI(server) as api, ClientSession() as session:

        async def send(token: Token) -> ClientResponse:
            responses.append(await session.get(api.url, headers={"Authorization": token.authorization}))
            return responses[-1]

        await tokens.token()
        server.revoke_access_tokens()
        async with server.offline():
            with pytest.raises(ServerUnavailable):
                await tokens.authorized(send)
    assert responses[0].closed


@pytest.fixture
async def binding() -> AsyncIterator[AuthorizationServer]:
    """Run a server that binds tokens to keys."""
    async with AuthorizationServer(dpop=True) as server:
        yield server


@pytest.fixture
async def bound(binding: AuthorizationServer) -> AsyncIterator[TokenRepository]:
    """Return a repository whose tokens are bound to a key."""
    client = ClientSecretBasic(binding.client.client_id, binding.client.secret or "")
    grant = ClientCredentialsGrant(TokenEndpoint(binding.token_url, client, dpop=DPoP()))
    async with TokenRepository(grant, observer=None) as tokens:
        yield tokens


def raises(status: int, headers: Mapping[str, str]) -> object:
    """Show an answer as an error, if it is one."""
    if status != 200:
        raise LibraryError(response=SimpleNamespace(status_code=status, headers=dict(headers)))
    return SimpleNamespace(status_code=status, headers=dict(headers))


def returns(status: int, headers: Mapping[str, str]) -> object:
    """Show an answer as a result."""
    return SimpleNamespace(status=status, headers={name.upper(): value for name, value in headers.items()})


def caller(api: ProtectedAPI, session: ClientSession, shown: Any) -> Callable[[Token], Awaitable[Any]]:
    """Return a function that makes a call as an SDK does."""

    async def send(token: Token) -> object:
        async with session.get(f"{api.url}/a?b=c", headers=token.headers("GET", f"{api.url}/a?b=c")) as response:
            return shown(response.status, response.headers)

    return send


@pytest.mark.parametrize("shown", [raises, returns])
async def test_a_nonce_is_learnt_and_kept(bound: TokenRepository, binding: AuthorizationServer, shown: Any) -> None:
    """Law K1: one more call for a nonce that was lacking, none for one that is known; nothing is renewed for it."""
    async with ProtectedAPI(binding, dpop_nonce="one") as api, ClientSession() as session:
        send = caller(api, session, shown)
        for requests in (2, 3):
            await bound.authorized(send)
            assert (api.requests, api.accepted) == (requests, requests - 1)
        api.dpop_nonce = "two"
        await bound.authorized(send)
        assert (api.requests, api.accepted) == (5, 3)
        assert len({each.headers["DPoP"] for each in api.seen}) == 5
        binding.revoke_access_tokens()
        api.dpop_nonce = "three"
        await bound.authorized(send)
        assert (api.requests, api.accepted) == (7, 4)  # the nonce came with the refusal of the token
    assert binding.requests.total() == 2


async def test_a_nonce_that_is_never_taken_is_tried_once(bound: TokenRepository, binding: AuthorizationServer) -> None:
    """Law B1: the answer is the caller's, and no token is renewed that is not at fault."""
    asked: list[str] = []

    async def send(token: Token) -> object:
        asked.append(token.headers("GET", "https://api.example/a")["DPoP"])
        headers = {"WWW-Authenticate": 'DPoP error="use_dpop_nonce"', "DPoP-Nonce": f"n-{len(asked)}"}
        return SimpleNamespace(status=401, headers=headers)

    assert (await bound.authorized(send)).status == 401  # type: ignore[attr-defined]
    assert len(asked) == 2
    assert binding.requests.total() == 1


async def test_what_is_given_by_hand_comes_first(bound: TokenRepository) -> None:
    """A nonce and a time of the caller's own are the proof's; headers of any kind do no harm."""
    seen: list[dict[str, Any]] = []

    async def send(token: Token) -> object:
        assert isinstance(token, DPoPToken)
        proof = token.headers("GET", "https://api.example/a", nonce="mine", at=5.0)["DPoP"]
        seen.append(json.loads(urlsafe_b64decode(proof.split(".")[1] + "===")))
        return SimpleNamespace(status=401, headers={1: 2, "dpop-nonce": 5, "www-authenticate": "DPoP x=use_dpop_nonce"})

    await bound.authorized(send)
    assert [(claims["nonce"], claims["iat"]) for claims in seen] == [("mine", 5)]


async def test_a_call_that_proves_nothing_is_left_alone(bound: TokenRepository) -> None:
    """Who does not ask the token for its headers gets what the server says of that."""
    calls = 0

    async def send(token: Token) -> object:
        nonlocal calls
        calls += 1
        return SimpleNamespace(
            status=401, headers={"www-authenticate": 'DPoP error="use_dpop_nonce"', "dpop-nonce": "n"}
        )

    assert (await bound.authorized(send)).status == 401  # type: ignore[attr-defined]
    assert calls == 1
