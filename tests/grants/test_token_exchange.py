"""Token exchange: what is sent, where the subject token comes from, and what is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aio_token import (
    ConfigurationError,
    Credential,
    PublicClient,
    StaticToken,
    TokenEndpoint,
    TokenExchangeGrant,
    TokenRepository,
)
from aio_token.grants import IssuedBy, Revocable
from aio_token.testing import ManualClock
from tests.support.exposure import exposure
from tests.support.token_server import GRANTED, says, token_server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.token_server import TokenServer

CLOCK = ManualClock()
ACCESS = "urn:ietf:params:oauth:token-type:access_token"
EXCHANGED = says({**GRANTED, "issued_token_type": ACCESS})
CANARY = "canary-5ecret"


def endpoint_of(server: TokenServer) -> TokenEndpoint:
    """Return the server's token endpoint."""
    return TokenEndpoint(f"{server.url}/token", PublicClient("bot"), revocation_url=f"{server.url}/revoke", clock=CLOCK)


async def later() -> str:
    """Return a token, as a function that has to wait for it does."""
    return "subject-1"


@pytest.mark.parametrize("subject", ["subject-1", lambda: "subject-1\n", StaticToken("subject-1"), later])
async def test_a_token_is_exchanged(
    subject: str | Callable[[], str] | Callable[[], Awaitable[str]] | StaticToken,
) -> None:
    """RFC 8693 section 2.1: the subject token is a text, a function's, or a source's; what was issued is named."""
    async with token_server(EXCHANGED) as server:
        credential = await TokenExchangeGrant(endpoint_of(server), subject).obtain(None)
    assert server.received[0].form == {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": "subject-1",
        "subject_token_type": ACCESS,
        "client_id": "bot",
    }
    assert credential.token
    assert credential.token.access_token == "access-1"
    assert credential.token.extra["issued_token_type"] == ACCESS


async def test_everything_that_can_be_asked_for_is_sent() -> None:
    """An actor, the types, scope, and audience and resource, which are a part of what a token is for."""
    async with token_server(EXCHANGED) as server:
        grant = TokenExchangeGrant(
            endpoint_of(server),
            "subject-1",
            subject_token_type="urn:x:subject",
            actor_token="actor-1",
            actor_token_type="urn:x:actor",
            requested_token_type=ACCESS,
            scope="read",
            audience="orders",
            resource="https://orders.example",
        )
        credential = await grant.obtain(None)
    form = server.received[0].form
    asked = {name: form[name] for name in form if name not in {"grant_type", "client_id"}}
    assert asked == {
        "subject_token": "subject-1",
        "subject_token_type": "urn:x:subject",
        "actor_token": "actor-1",
        "actor_token_type": "urn:x:actor",
        "requested_token_type": ACCESS,
        "scope": "read",
        "audience": "orders",
        "resource": "https://orders.example",
    }
    assert credential.issued_by == grant.issued_by
    assert (grant.issued_by.scope, grant.issued_by.audience) == ("read", "orders https://orders.example")


async def test_a_repository_s_token_is_exchanged_in_another() -> None:
    """Each renewal asks the source anew, so that the token that is exchanged is one that counts."""
    async with token_server(EXCHANGED) as server:
        grant = TokenExchangeGrant(endpoint_of(server), StaticToken("subject-1"), audience=["orders", "stock"])
        async with TokenRepository(grant, clock=CLOCK) as tokens:
            assert (await tokens.token()).access_token == "access-1"
    assert grant.issued_by.audience == "orders stock"


async def test_a_token_that_is_none_for_a_request_is_an_error() -> None:
    """RFC 8693 section 2.2.1: `N_A` says that what was issued cannot be sent to an API."""
    async with token_server(says({**GRANTED, "token_type": "N_A"})) as server:
        with pytest.raises(ConfigurationError, match="not of type Bearer"):
            await TokenExchangeGrant(endpoint_of(server), "subject-1").obtain(None)


async def test_neither_an_error_nor_the_grant_shows_a_token() -> None:
    """Law G1: the server may quote what it was sent."""
    quoting = says({"error": "invalid_grant", "error_description": f"{CANARY} and {CANARY}-2"}, status=400)
    async with token_server(quoting) as server:
        grant = TokenExchangeGrant(endpoint_of(server), CANARY, actor_token=f"{CANARY}-2")
        with pytest.raises(ConfigurationError, match="no person can help") as caught:
            await grant.obtain(Credential(failures=1))
    assert CANARY not in repr(grant)
    assert CANARY not in exposure(caught.value)


async def test_what_belongs_to_another_client_is_left_alone() -> None:
    """Law E4: nothing is sent, so nothing can be overwritten."""
    async with token_server(EXCHANGED) as server:
        grant = TokenExchangeGrant(endpoint_of(server), "subject-1")
        with pytest.raises(ConfigurationError):
            await grant.obtain(Credential(issued_by=IssuedBy(token_endpoint="https://other.example", client_id="bot")))
    assert server.received == []


async def test_it_can_be_revoked() -> None:
    """Signing out tells the server."""
    async with token_server(EXCHANGED, says({})) as server:
        grant = TokenExchangeGrant(endpoint_of(server), "subject-1")
        assert isinstance(grant, Revocable)
        await grant.revoke(await grant.obtain(None))
    assert server.received[1].form["token"] == "access-1"
