"""Sessions that are bound to a key from their beginning: by a browser, in a web application, on a device."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientSession

from aio_token import (
    AuthorizationCodeGrant,
    DeviceGrant,
    Encrypted,
    GrantRefused,
    PublicClient,
    RefreshTokenGrant,
    TokenEndpoint,
    TokenRepository,
    Wish,
)
from aio_token.grants import WebSignIn
from aio_token.oauth import DPoP, DPoPToken, ProofKey
from aio_token.stores import EnvironmentKey, new_key
from aio_token.testing import AuthorizationServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from aio_token import Token
    from aio_token.grants import DevicePrompt

CALLBACK = "http://127.0.0.1:9/callback"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a key into the environment."""
    monkeypatch.setenv("COOKIE_KEY", new_key())


@pytest.fixture
async def server() -> AsyncIterator[AuthorizationServer]:
    """Run a server that binds tokens and wants a nonce."""
    async with AuthorizationServer(dpop=True, dpop_nonce="one", device_interval=1.0) as server:
        yield server


def endpoint_of(server: AuthorizationServer, **options: Any) -> TokenEndpoint:
    """Return the endpoint of a public client."""
    return TokenEndpoint(
        server.token_url,
        PublicClient("app"),
        authorization_url=server.authorization_url,
        device_authorization_url=server.device_authorization_url,
        **{"dpop": DPoP(), **options},
    )


def thumbprint_of(token: Token | None) -> str:
    """Return what the token is bound to."""
    assert isinstance(token, DPoPToken)
    return token.key.thumbprint


async def browsed(address: str) -> str:
    """Be the person's browser: return the query that it brings back."""
    async with ClientSession() as session, session.get(address, allow_redirects=False) as response:
        return urlsplit(response.headers["Location"]).query


async def test_a_code_is_for_the_key_that_its_request_named(server: AuthorizationServer) -> None:
    """RFC 9449 section 10: the address has the thumbprint, and the session is bound to that key."""
    asked: list[dict[str, list[str]]] = []

    async def show(address: str) -> None:
        asked.append(parse_qs(urlsplit(address).query))
        async with ClientSession() as session:
            await session.get(address)

    endpoint = endpoint_of(server)
    tokens = TokenRepository(RefreshTokenGrant(endpoint))
    token = await tokens.sign_in(AuthorizationCodeGrant(endpoint, show=show))
    assert asked[0]["dpop_jkt"] == [thumbprint_of(token)]
    assert thumbprint_of(await tokens.renew()) == thumbprint_of(token)
    assert server.bound_to((await tokens.token()).access_token) == thumbprint_of(token)


def sealing(endpoint: TokenEndpoint) -> WebSignIn:
    """Return a sign-in whose state may be in a cookie."""
    return WebSignIn(endpoint, CALLBACK, codec=Encrypted(EnvironmentKey("COOKIE_KEY")))


def keeping(endpoint: TokenEndpoint) -> WebSignIn:
    """Return a sign-in whose state the application keeps."""
    return WebSignIn(endpoint, CALLBACK)


@pytest.mark.parametrize("way", [sealing, keeping])
async def test_a_web_application_keeps_the_key_between_its_pages(
    server: AuthorizationServer, way: Callable[[TokenEndpoint], WebSignIn]
) -> None:
    """The key that the first page has made is the session's, whichever process serves the second one."""
    begun = await way(endpoint_of(server)).begin()
    grant = await way(endpoint_of(server)).finish(await browsed(begun.address), begun.state)
    credential = await grant.obtain(None, Wish())
    assert parse_qs(urlsplit(begun.address).query)["dpop_jkt"] == [thumbprint_of(credential.token)]


async def test_a_code_that_was_stolen_is_worth_nothing(server: AuthorizationServer) -> None:
    """RFC 9449 section 10: who has the code and the verifier, and another key, gets no token."""
    begun = await keeping(endpoint_of(server)).begin()
    stolen = json.dumps({**json.loads(begun.state), "key": ProofKey.new().jwk()})
    grant = await keeping(endpoint_of(server)).finish(await browsed(begun.address), stolen)
    with pytest.raises(GrantRefused):
        await grant.obtain(None, Wish())


async def test_a_state_with_another_key_is_none(server: AuthorizationServer) -> None:
    """What the application kept is not what it was given: there is no such sign-in."""
    begun = await keeping(endpoint_of(server)).begin()
    broken = json.dumps({**json.loads(begun.state), "key": {"kty": "EC"}})
    with pytest.raises(Exception, match="is not what it was given here"):
        await keeping(endpoint_of(server)).finish("code=1&state=2", broken)


async def test_nothing_is_said_where_nothing_is_bound(server: AuthorizationServer) -> None:
    """An endpoint without DPoP names no key, and keeps none."""
    begun = await keeping(endpoint_of(server, dpop=None)).begin()
    assert "dpop_jkt" not in begun.address
    assert "key" not in json.loads(begun.state)


async def test_a_device_proves_one_key_however_often_it_asks(server: AuthorizationServer) -> None:
    """Each poll has a proof of its own, by the key that the session is bound to in the end."""
    prompts: list[DevicePrompt] = []
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            server.approve(prompts[0].user_code)

    server.device_interval = 0.0
    grant = DeviceGrant(endpoint_of(server), show=prompts.append, wait=wait)
    credential = await grant.obtain(None)
    heads = {request.headers["DPoP"].split(".")[0] for request in server.seen}
    assert len(heads) == 1
    assert len(server.seen) == 3
    assert server.bound_to(str(credential.token and credential.token.access_token)) == thumbprint_of(credential.token)
