"""Authorization details (RFC 9396): asked for wherever a token is, kept with it, narrowed by a refresh."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession

from aio_token import (
    AuthorizationCodeGrant,
    ClientCredentialsGrant,
    ClientSecretBasic,
    ConfigurationError,
    DeviceGrant,
    FileTokenStore,
    JWTBearerGrant,
    Provider,
    PublicClient,
    RefreshTokenGrant,
    TokenEndpoint,
    TokenExchangeGrant,
    TokenRepository,
)
from aio_token.grants import WebSignIn
from aio_token.oauth import Form
from aio_token.oauth.details import types_in
from aio_token.testing import AuthorizationServer
from tests.support.token_server import GRANTED, says, token_server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aio_token import Token
    from aio_token.grants import DevicePrompt

ACCOUNTS = {"type": "account_information", "actions": ["list_accounts"], "locations": ["https://api.example"]}
PAYMENT = {"type": "payment_initiation", "instructedAmount": {"currency": "EUR", "amount": "123.50"}}
BOTH: Any = [ACCOUNTS, PAYMENT]
HERE = TokenEndpoint("https://id.example/token", PublicClient("app"))
GRANTS: list[Callable[..., object]] = [
    ClientCredentialsGrant,
    AuthorizationCodeGrant,
    DeviceGrant,
    RefreshTokenGrant,
    lambda endpoint, **asked: JWTBearerGrant(endpoint, "a.b.c", **asked),
    lambda endpoint, **asked: TokenExchangeGrant(endpoint, "a.b.c", **asked),
    lambda endpoint, **asked: WebSignIn(endpoint, "https://app.example/back", **asked),
]


def granted(token: Token) -> Any:
    """Return what a server says that it has granted."""
    return token.extra["authorization_details"]


async def visit(address: str) -> None:
    """Browse."""
    async with ClientSession() as session, session.get(address) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("pushed_only", [False, True])
async def test_a_person_agrees_to_them(tmp_path: Path, pushed_only: bool) -> None:
    """What was granted is kept between runs, goes on with each renewal, and a renewal may ask for less of it."""
    store = FileTokenStore(tmp_path / "person.json")
    async with AuthorizationServer(pushed_only=pushed_only) as server:
        endpoint = (await Provider.discover(server.issuer)).token_endpoint(PublicClient("app"))
        async with TokenRepository(RefreshTokenGrant(endpoint), store) as tokens:
            token = await tokens.sign_in(AuthorizationCodeGrant(endpoint, authorization_details=BOTH, show=visit))
            assert granted(token) == BOTH
            assert granted(await tokens.token(rejected=token)) == BOTH
        async with TokenRepository(RefreshTokenGrant(endpoint, authorization_details=[PAYMENT]), store) as tokens:
            token = await tokens.token()
            assert granted(token) == BOTH
            assert granted(await tokens.token(rejected=token)) == [PAYMENT]
        async with TokenRepository(RefreshTokenGrant(endpoint, authorization_details=[{"type": "x"}]), store) as tokens:
            with pytest.raises(ConfigurationError, match="ask for authorization details that the client may have"):
                await tokens.renew()


async def test_a_device_and_a_web_application_ask_for_them() -> None:
    """RFC 9396 section 3: wherever an authorization request is made."""
    async with AuthorizationServer() as server:
        endpoint = (await Provider.discover(server.issuer)).token_endpoint(PublicClient("app"))

        async def show(prompt: DevicePrompt) -> None:
            server.approve(prompt.user_code)

        async def soon(_seconds: float) -> None:
            """Wait no longer."""

        grant = DeviceGrant(endpoint, authorization_details=BOTH, show=show, wait=soon)
        async with TokenRepository(RefreshTokenGrant(endpoint)) as tokens:
            assert granted(await tokens.sign_in(grant)) == BOTH
            sign_in = WebSignIn(endpoint, "http://127.0.0.1:9/back", authorization_details=[ACCOUNTS])
            begun = await sign_in.begin()
            async with ClientSession() as session, session.get(begun.address, allow_redirects=False) as answer:
                back = answer.headers["Location"].partition("?")[2]
            assert granted(await tokens.sign_in(await sign_in.finish(back, begun.state))) == [ACCOUNTS]


async def test_a_service_asks_for_them() -> None:
    """At the token endpoint, where no person is (RFC 9396 section 6)."""
    async with AuthorizationServer() as server:
        bot = ClientSecretBasic("bot", server.client.secret or "")
        endpoint = (await Provider.discover(server.issuer)).token_endpoint(bot)
        async with TokenRepository(ClientCredentialsGrant(endpoint, authorization_details=BOTH)) as tokens:
            assert granted(await tokens.token()) == BOTH
        form = server.seen[-1].form
        assert form is not None
        assert json.loads(form["authorization_details"]) == BOTH
        wrong = await endpoint.request("client_credentials", Form(authorization_details="no JSON"))
        assert wrong.error == "invalid_authorization_details"


async def test_none_at_all_are_left_out() -> None:
    """An empty list asks for nothing, and the code is redeemed without them: what was agreed to counts."""
    async with token_server(says(GRANTED)) as server:
        endpoint = TokenEndpoint(f"{server.url}/token", PublicClient("app"))
        nothing: list[Any] = [None, []]
        for details in nothing:
            await ClientCredentialsGrant(endpoint, authorization_details=details).obtain(None)
    assert [("authorization_details" in received.form) for received in server.received] == [False, False]


@pytest.mark.parametrize("make", GRANTS)
@pytest.mark.parametrize(
    ("details", "kind", "said"),
    [
        ("[]", TypeError, "a list of mappings"),
        ({"type": "x"}, TypeError, "a list of mappings"),
        (["x"], ConfigurationError, "names its type"),
        ([{"actions": []}], ConfigurationError, "names its type"),
        ([{"type": 5}], ConfigurationError, "names its type"),
        ([{"type": ""}], ConfigurationError, "names its type"),
        ([{"type": "x", "amount": {1, 2}}], TypeError, "what JSON can say"),
    ],
)
def test_what_are_none_is_told_at_once(
    make: Callable[..., object], details: object, kind: type[Exception], said: str
) -> None:
    """By every grant that asks for some, in a sentence that shows nothing of them."""
    with pytest.raises(kind, match=said):
        make(HERE, authorization_details=details)


@pytest.mark.parametrize("granted", [None, "x", [], ["x", {"type": 5}, {}], {"type": "x"}])
def test_types_of_what_is_no_list_of_them(granted: object) -> None:
    """A server may say anything there."""
    assert types_in(granted) == []
