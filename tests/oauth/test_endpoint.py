"""The token endpoint: what is sent to it, and what is refused beforehand."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientResponse
from aioresponses import CallbackResult, aioresponses

from aio_token import (
    ClientSecretBasic,
    ClientSecretPost,
    ConfigurationError,
    Credential,
    PrivateKeyJWT,
    PublicClient,
    ServerUnavailable,
    SignInRequired,
    Token,
    TokenEndpoint,
)
from aio_token.grants import IssuedBy
from aio_token.oauth import ClientSecretJWT, Form, Transport
from aio_token.testing import AuthorizationServer, ManualClock
from tests.support.exposure import exposure
from tests.support.token_server import GRANTED, drops, says, sends, token_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aio_token import TokenError
    from tests.support.token_server import Answer

URL = "https://id.example/token"
CANARY = "canary-5ecret"
SECRETS = Form(refresh_token=CANARY, password=CANARY)


class Unwritten:
    """The writer of a request that was never written."""

    output_size = 0


class Replied(ClientResponse):
    """What aioresponses makes, given the argument that aiohttp 3.14 wants and it does not know."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        named["stream_writer"] = Unwritten()
        super().__init__(*arguments, **named)


@pytest.fixture
def faked() -> Iterator[aioresponses]:
    """Answer requests without a server."""
    with aioresponses() as fake:
        yield fake


async def test_the_grant_says_and_the_client_signs() -> None:
    """The body is the grant's, the header the client's, and extra parameters yield to the grant's own."""
    parameters = {"scope": "all", "resource": ["a", "b"], "tenant": "t"}
    async with token_server(says(GRANTED)) as server:
        endpoint = TokenEndpoint(server.url, ClientSecretBasic("bot", "s"), parameters=parameters)
        answer = await endpoint.request("client_credentials", Form(scope="some"))
    assert answer.failure() is None
    (sent,) = server.received
    assert sorted(sent.repeated) == [
        ("grant_type", "client_credentials"),
        ("resource", "a"),
        ("resource", "b"),
        ("scope", "some"),
        ("tenant", "t"),
    ]
    assert sent.headers["Authorization"] == "Basic Ym90OnM="
    assert sent.headers["Content-Type"] == "application/x-www-form-urlencoded"


async def test_a_token_is_timed_from_before_it_was_asked_for(faked: aioresponses) -> None:
    """Law D4: what the request took is part of the token's life."""
    clock = ManualClock()
    asked_at = clock.time()

    def slow(_url: object, **_named: object) -> CallbackResult:
        clock.advance(20)
        return CallbackResult(payload=GRANTED, response_class=Replied)

    faked.post(URL, callback=slow)
    read = (await TokenEndpoint(URL, PublicClient("bot"), clock=clock).request("password", Form())).credential(
        Credential()
    )
    assert read.obtained_at == asked_at
    assert read.token is not None
    assert read.token.expires_at == asked_at + 3600


async def test_an_error_answer_is_an_answer(faked: aioresponses) -> None:
    """The caller reads the code, as a device's poll must."""
    faked.post(URL, status=400, payload={"error": "authorization_pending"}, response_class=Replied)
    answer = await TokenEndpoint(URL, PublicClient("bot")).request("device", Form())
    assert answer.error == "authorization_pending"
    assert repr(answer) == "<Answer 400 of the token endpoint of https://id.example>"


@pytest.mark.parametrize("url", ["http://id.example/token", "https://bot:canary-5ecret@id.example", "id.example", ""])
@pytest.mark.parametrize("which", ["token", "authorization", "device authorization", "introspection", "revocation"])
def test_an_address_that_no_secret_may_go_to_is_refused_at_once(url: str, which: str) -> None:
    """Law A2: https for all addresses, checked when the endpoint is made, without showing what was given."""
    addresses: dict[str, Any] = {"url": URL, f"{which.replace(' ', '_')}_url": url}
    if which == "token":
        addresses = {"url": url}
    with pytest.raises(ConfigurationError, match=f"the address of the {which} endpoint") as caught:
        TokenEndpoint(
            **addresses,
            client=ClientSecretPost("bot", CANARY),
            transport=Transport(proxy=f"http://{CANARY}@p"),
            parameters={"a": CANARY},
        )
    assert CANARY not in exposure(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/token", "http://[::1]/token", "http://localhost/token"])
def test_loopback_needs_no_tls(url: str) -> None:
    """Law A2: what stays on this machine needs no https."""
    assert repr(TokenEndpoint(url, PublicClient("bot"))).endswith("for 'bot'>")


def test_plain_http_must_be_asked_for() -> None:
    """Law A2: an explicit argument with a name that makes one think."""
    endpoint = TokenEndpoint("http://id.example/t?key=canary", PublicClient("bot"), send_secrets_over_plain_http=True)
    assert repr(endpoint) == "<TokenEndpoint of http://id.example for 'bot'>"


def test_an_endpoint_knows_its_own() -> None:
    """Law E4: a credential of another endpoint or client is told apart; one without an issuer is taken."""
    endpoint = TokenEndpoint(URL, PublicClient("bot"))
    endpoint.check_issued_here(None)
    endpoint.check_issued_here(Credential())
    endpoint.check_issued_here(Credential(issued_by=endpoint.issued_by(scope="a", audience="b")))
    for other in (IssuedBy(token_endpoint=URL, client_id="b"), IssuedBy(token_endpoint=URL + "2", client_id="bot")):
        with pytest.raises(ConfigurationError, match="another token endpoint or to another client"):
            endpoint.check_issued_here(Credential(issued_by=other))


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([says({"error": "invalid_grant", "error_description": f"bad {CANARY}"}, status=400)], SignInRequired),
        ([says({"error": "invalid_client", "error_description": CANARY}, status=401)], ConfigurationError),
        ([says({"error": CANARY})], ServerUnavailable),
        ([sends(CANARY.encode(), status=502)], ServerUnavailable),
        ([sends(status=302, headers={"Location": f"/{CANARY}"})], ConfigurationError),
        ([sends(bytes((1 << 20) + 1))], ServerUnavailable),
        ([drops], ServerUnavailable),
        ([says({"access_token": f"{CANARY} "})], ServerUnavailable),
        ([says({"access_token": CANARY, "token_type": "DPoP"})], ConfigurationError),
        ([says([CANARY])], ServerUnavailable),
    ],
)
@pytest.mark.parametrize(
    "client", [ClientSecretBasic("bot", CANARY), ClientSecretPost("bot", CANARY), PublicClient("bot")]
)
async def test_no_failure_shows_a_secret(
    answers: list[Answer], kind: type[TokenError], client: ClientSecretBasic | PublicClient
) -> None:
    """Laws D6, D10 and G1: neither the text nor any frame of the error holds what was sent or what came."""
    async with token_server(*answers) as server:
        endpoint = TokenEndpoint(server.url, client, parameters={"api_key": CANARY})
        with pytest.raises(kind) as caught:
            (await endpoint.request("password", SECRETS)).credential(Credential(refresh_token=CANARY))
    assert CANARY not in exposure(caught.value)


async def test_a_request_that_cannot_be_written_or_signed_shows_no_secret() -> None:
    """Laws D6 and G1: text that is no text, and a key that is no key, are configuration errors."""
    for client, form in (
        (PublicClient("bot"), Form(password=CANARY + "\ud800")),
        (PublicClient("bot"), Form(password=[CANARY + "\ud800", "x"])),
        (PrivateKeyJWT("bot", CANARY), SECRETS),
    ):
        with pytest.raises(ConfigurationError) as caught:
            await TokenEndpoint(URL, client).request("password", form)
        assert CANARY not in exposure(caught.value)


@pytest.mark.parametrize(
    ("credential", "form"),
    [
        (
            Credential(refresh_token="r", token=Token(access_token="a")),
            {"token": "r", "token_type_hint": "refresh_token"},
        ),
        (Credential(token=Token(access_token="a")), {"token": "a", "token_type_hint": "access_token"}),
        (Credential(), None),
    ],
)
async def test_the_refresh_token_is_revoked(credential: Credential, form: dict[str, str] | None) -> None:
    """Law E3: the refresh token, or else the access token, goes to the revocation endpoint (RFC 7009)."""
    async with token_server(sends()) as server:
        endpoint = TokenEndpoint(URL, ClientSecretBasic("bot", "s"), revocation_url=f"{server.url}/revoke")
        await endpoint.revoke(credential)
    assert [sent.form for sent in server.received] == ([form] if form else [])
    assert all(sent.path == "/revoke" and "Authorization" in sent.headers for sent in server.received)


async def test_a_revocation_that_fails_says_so() -> None:
    """Law E3: an error of the server is typed as everywhere, and shows no secret."""
    async with token_server(says({"error": "invalid_client", "error_description": CANARY}, status=401)) as server:
        endpoint = TokenEndpoint(URL, PublicClient("bot"), revocation_url=server.url)
        with pytest.raises(ConfigurationError, match=r"^the revocation endpoint of http") as caught:
            await endpoint.revoke(Credential(refresh_token=CANARY))
    assert CANARY not in exposure(caught.value)


async def test_a_revocation_needs_an_address_and_a_credential_of_its_own() -> None:
    """Laws E3 and E4: nothing is sent without an address, and no foreign token is shown to a server."""
    with pytest.raises(ConfigurationError, match="pass revocation_url"):
        await TokenEndpoint(URL, PublicClient("bot")).revoke(Credential(refresh_token="r"))
    async with token_server(sends()) as server:
        endpoint = TokenEndpoint(URL, PublicClient("bot"), revocation_url=server.url)
        foreign = IssuedBy(token_endpoint=URL, client_id="other")
        with pytest.raises(ConfigurationError, match="another"):
            await endpoint.revoke(Credential(refresh_token="r", issued_by=foreign))
    assert server.received == []


async def test_a_repeated_request_is_signed_anew() -> None:
    """Laws D5 and D7: servers take a client's JWT once, so the repetition after a lost answer brings another one."""
    async with token_server(drops, says(GRANTED)) as server:
        client = ClientSecretJWT("bot", CANARY + "-of-more-than-32-letters")
        answer = await TokenEndpoint(server.url, client).request("refresh_token", Form(refresh_token="r"))
    assert answer.failure() is None
    assert {sent.form["refresh_token"] for sent in server.received} == {"r"}
    assert len({sent.form["client_assertion"] for sent in server.received}) == 2


async def test_many_requests_at_once_do_not_meet() -> None:
    """Law D1: each has a connection of its own."""
    async with token_server(says(GRANTED)) as server:
        endpoint = TokenEndpoint(server.url, PublicClient("bot"))
        answers = await asyncio.gather(*(endpoint.request("password", Form(username=str(n))) for n in range(20)))
    assert all(answer.failure() is None for answer in answers)
    assert {sent.form["username"] for sent in server.received} == {str(n) for n in range(20)}


async def test_a_token_is_introspected() -> None:
    """RFC 7662: the server says what it knows about a token, to a client that proves who it is."""
    async with AuthorizationServer() as server:
        client = ClientSecretBasic(server.client.client_id, server.client.secret or "")
        endpoint = TokenEndpoint(server.token_url, client, introspection_url=server.introspection_url)
        token = server.credential(scope="read").token
        assert token is not None
        told = await endpoint.introspect(token)
        server.revoke_all()
        assert await endpoint.introspect(token) == {"active": False}
    assert (told["active"], told["username"], told["scope"]) == (True, "ada", "read")


@pytest.mark.parametrize(
    ("answer", "error", "says_so"),
    [
        (says({"error": "invalid_client"}, status=401), ConfigurationError, "the introspection endpoint of"),
        (says({"active": "yes"}), ServerUnavailable, "did not say whether"),
        (sends(b"<html>"), ServerUnavailable, "did not say whether"),
    ],
)
async def test_an_introspection_that_fails_says_so(answer: Answer, error: type[Exception], says_so: str) -> None:
    """An answer without a clear yes or no is none, and no error shows the token."""
    async with token_server(answer) as server:
        endpoint = TokenEndpoint(URL, PublicClient("bot"), introspection_url=server.url)
        with pytest.raises(error, match=says_so) as caught:
            await endpoint.introspect(Token(access_token=CANARY))
    assert CANARY not in exposure(caught.value)
    with pytest.raises(ConfigurationError, match="pass introspection_url"):
        await TokenEndpoint(URL, PublicClient("bot")).introspect(Token(access_token=CANARY))
