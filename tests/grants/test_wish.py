"""What is wished reaches the server by every grant, as far as the grant's request can say it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientSession

from aio_token import (
    AuthorizationCodeGrant,
    ClientCredentialsGrant,
    ClientSecretBasic,
    DeviceGrant,
    Grant,
    JWTBearerGrant,
    PasswordGrant,
    Provider,
    RefreshTokenGrant,
    SignInRequired,
    TokenExchangeGrant,
    Wish,
)
from aio_token.testing import AuthorizationServer
from aio_token.testing.registered_client import SECRET, RegisteredClient
from tests.support.token_server import GRANTED, says, token_server

if TYPE_CHECKING:
    from aio_token import TokenEndpoint
    from aio_token.grants import DevicePrompt

CLAIMS = '{"access_token":{"xms_cc":{"values":["cp1"]}}}'
RESOURCES = ("https://a.example/", "https://b.example/")
WISH = Wish(scope="wished", resource=RESOURCES, audience="api", claims=CLAIMS, acr_values="gold", max_age=0)


class Browser:
    """A person's browser, which remembers where it was sent."""

    def __init__(self) -> None:
        self.asked: dict[str, list[str]] = {}

    async def open(self, address: str) -> None:
        """Browse."""
        self.asked = parse_qs(urlsplit(address).query)
        async with ClientSession() as session, session.get(address):
            pass


async def endpoint_of(server: AuthorizationServer, client_id: str = "bot") -> TokenEndpoint:
    """Return the token endpoint of the kit's server, with what is beside it."""
    return (await Provider.discover(server.issuer)).token_endpoint(ClientSecretBasic(client_id, SECRET))


def sent(server: AuthorizationServer) -> dict[str, list[Any]]:
    """Return what a wish is written with, of the last token request."""
    form = server.seen[-1].form
    assert form is not None
    names = ("scope", "resource", "audience", "claims", "acr_values", "max_age")
    return {name: form.getall(name) for name in names if name in form}


def grants(endpoint: TokenEndpoint, server: AuthorizationServer) -> dict[str, Grant]:
    """Return each grant that says all in its token request, with a scope and more of its own."""
    own: dict[str, Any] = {"scope": "own", "audience": "mine", "resource": "https://own.example/"}
    token = server.credential().token
    assert token is not None
    return {
        "client_credentials": ClientCredentialsGrant(endpoint, **own),
        "token exchange": TokenExchangeGrant(endpoint, token.access_token, **own),
        "password": PasswordGrant(endpoint, "ada", "lovelace", scope="own"),
        "refresh": RefreshTokenGrant(endpoint, first=server.sign_in(scope="own wished"), scope="own"),
    }


@pytest.mark.parametrize("kind", ["client_credentials", "token exchange", "password", "refresh"])
async def test_a_token_request_says_what_is_wished(kind: str) -> None:
    """RFC 8707, RFC 8693: scope, resource, audience and claims, instead of the grant's own, for this once."""
    async with AuthorizationServer() as server:
        grant = grants(await endpoint_of(server), server)[kind]
        own = await grant.obtain(None, Wish())
        assert sent(server)["scope"] == ["own"]
        # A refresh token brings no person; who has one is told so, see below.
        wish = replace(WISH, acr_values=None, max_age=None) if kind == "refresh" else WISH
        credential = await grant.obtain(own if kind == "refresh" else None, wish)
        wished = sent(server)
    assert wished == {"scope": ["wished"], "resource": list(RESOURCES), "audience": ["api"], "claims": [CLAIMS]}
    assert credential.token is not None
    assert credential.token.scope == "wished"
    assert own.issued_by == grant.issued_by


@pytest.mark.parametrize(
    ("wish", "wanted"),
    [
        (Wish(acr_values="gold"), "with acr_values gold;"),
        (Wish(max_age=0), "no longer than 0 s ago;"),
        (WISH, "with acr_values gold no longer than 0 s ago;"),
    ],
)
async def test_no_refresh_token_is_spent_for_what_only_a_person_can_do(wish: Wish, wanted: str) -> None:
    """Law B9: the error names the sign-in that is wanted, and the server is not asked."""
    async with AuthorizationServer() as server:
        grant = RefreshTokenGrant(await endpoint_of(server), first=server.sign_in())
        with pytest.raises(SignInRequired, match=f"the API wants a sign-in {wanted} sign in again that way"):
            await grant.obtain(None, wish)
        assert server.refreshes == 0


@pytest.mark.parametrize("kind", ["client_credentials", "token exchange", "password"])
async def test_a_credential_tells_what_was_asked(kind: str) -> None:
    """Law E4: a token that was wished for another scope or audience is not taken for the grant's own."""
    async with AuthorizationServer() as server:
        endpoint = await endpoint_of(server)
        grant = grants(endpoint, server)[kind]
        credential = await grant.obtain(None, WISH)
    assert credential.issued_by == endpoint.issued_by(scope="wished", audience=" ".join(("api", *RESOURCES)))
    assert grant.issued_by is not None
    assert not grant.issued_by.covers(credential.issued_by)


async def test_a_wish_of_part_leaves_the_rest_to_the_grant() -> None:
    """What a wish does not mention is as the grant was made."""
    async with AuthorizationServer() as server:
        grant = ClientCredentialsGrant(await endpoint_of(server), scope="own", audience="mine")
        credential = await grant.obtain(None, Wish(audience="api"))
        assert sent(server) == {"scope": ["own"], "audience": ["api"]}
    assert credential.issued_by is not None
    assert (credential.issued_by.scope, credential.issued_by.audience) == ("own", "api")


async def test_a_refreshed_session_stays_what_it_was_granted_for() -> None:
    """A wish narrows one token; the refresh token goes on for the scope that was agreed to."""
    async with AuthorizationServer() as server:
        grant = RefreshTokenGrant(await endpoint_of(server))
        stored = server.credential(scope="own wished")
        narrowed = await grant.obtain(stored, Wish(scope="wished"))
    assert narrowed.issued_by == stored.issued_by
    assert narrowed.token is not None
    assert narrowed.token.scope == "wished"


async def test_an_assertion_is_presented_with_what_is_wished() -> None:
    """RFC 7523: the same members stand beside the assertion."""
    async with token_server(says(GRANTED)) as server:
        client = ClientSecretBasic("bot", SECRET)
        endpoint = Provider(server.url, {"token_endpoint": f"{server.url}/token"}).token_endpoint(client)
        await JWTBearerGrant(endpoint, "assertion", scope="own").obtain(None, Wish(scope="wished", claims=CLAIMS))
    form = server.received[0].form
    assert (form["scope"], form["claims"], form["assertion"]) == ("wished", CLAIMS, "assertion")


async def test_a_device_asks_for_what_is_wished() -> None:
    """RFC 8628 section 3.1: the first request says it, and the poll repeats nothing of it."""
    async with AuthorizationServer(device_interval=0.01) as server:
        endpoint = await endpoint_of(server)

        def agree(prompt: DevicePrompt) -> None:
            server.approve(prompt.user_code)

        grant = DeviceGrant(endpoint, scope="own", audience="mine", show=agree, wait=no_pause)
        credential = await grant.obtain(None, WISH)
        assert sent(server) == {}
    assert credential.token is not None
    assert credential.token.scope == "wished"
    assert credential.issued_by == endpoint.issued_by(scope="wished", audience=" ".join(("api", *RESOURCES)))


async def no_pause(_seconds: float) -> None:
    """Wait for nothing."""


async def test_a_person_is_sent_with_what_is_wished() -> None:
    """RFC 9470: the address says how and how recently to sign in; RFC 8707: resources are named twice."""
    browser = Browser()
    async with AuthorizationServer() as server:
        endpoint = await endpoint_of(server)
        grant = AuthorizationCodeGrant(endpoint, scope="own", parameters={"audience": "mine"}, show=browser.open)
        credential = await grant.obtain(None, WISH)
        assert sent(server) == {"resource": list(RESOURCES)}
    names = ("scope", "resource", "audience", "claims", "acr_values", "max_age")
    assert {name: browser.asked[name] for name in names} == {
        "scope": ["wished"],
        "resource": list(RESOURCES),
        "audience": ["api"],
        "claims": [CLAIMS],
        "acr_values": ["gold"],
        "max_age": ["0"],
    }
    assert credential.token is not None
    assert credential.token.scope == "wished"
    assert credential.issued_by == endpoint.issued_by(scope="wished", audience=" ".join(("api", *RESOURCES)))


async def test_a_person_is_sent_for_the_grants_own_resources() -> None:
    """RFC 8707 section 2: they stand in the address and in the token request, and an empty wish adds nothing."""
    browser = Browser()
    async with AuthorizationServer() as server:
        server.register(RegisteredClient("bot", SECRET))
        grant = AuthorizationCodeGrant(await endpoint_of(server), resource=RESOURCES, show=browser.open)
        credential = await grant.obtain(None)
        assert sent(server) == {"resource": list(RESOURCES)}
    assert browser.asked["resource"] == list(RESOURCES)
    assert not {"scope", "claims", "acr_values", "max_age"} & set(browser.asked)
    assert credential.issued_by == grant.issued_by
    assert grant.issued_by.audience == " ".join(RESOURCES)
