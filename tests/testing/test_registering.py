"""The kit's servers describe themselves, and take in programs that they have never met."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession

from aio_token.testing import AuthorizationServer, ManualClock, ProtectedAPI, RegisteredClient
from tests.support.token_server import says, token_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ASKED = {"redirect_uris": ["http://127.0.0.1:7000/back"], "client_name": "an agent"}


@pytest.fixture
async def web() -> AsyncIterator[ClientSession]:
    """Be a client."""
    async with ClientSession() as web:
        yield web


async def post(web: ClientSession, url: str, members: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Send JSON, and return the answer."""
    async with web.post(url, json=members) as response:
        return response.status, await response.json()


async def arrives(web: ClientSession, server: AuthorizationServer, client_id: str, redirect_uri: str) -> bool:
    """Whether a browser is sent back with a code."""
    asked = {"client_id": client_id, "redirect_uri": redirect_uri, "response_type": "code", "code_challenge": "c"}
    asked["code_challenge_method"] = "S256"
    async with web.get(server.authorization_url, params=asked, allow_redirects=False) as response:
        return response.headers.get("Location", "").startswith(f"{redirect_uri}?") and response.status == 302


async def test_a_program_registers(web: ClientSession) -> None:
    """RFC 7591 section 3.2.1: the answer repeats what was asked, with an id, and a secret if one is wanted."""
    async with AuthorizationServer(registration=True, client_secret_lifetime=60.0, clock=ManualClock()) as server:
        async with web.get(f"{server.url}/.well-known/oauth-authorization-server") as response:
            assert (await response.json())["registration_endpoint"] == server.registration_url
        status, said = await post(web, server.registration_url, ASKED)
        assert status == 201
        assert said == {**ASKED, **said}
        assert said["client_secret_expires_at"] == int(server.clock.time()) + 60
        client = server.clients[said["client_id"]]
        assert (client.secret, client.auth_methods) == (said["client_secret"], ("client_secret_basic",))
        status, said = await post(web, server.registration_url, {**ASKED, "token_endpoint_auth_method": "none"})
        assert (status, "client_secret" in said) == (201, False)
        server.client_secret_lifetime = None
        assert (await post(web, server.registration_url, ASKED))[1]["client_secret_expires_at"] == 0
        assert server.registrations == 3


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({}, "invalid_redirect_uri"),
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({**ASKED, "token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
    ],
)
async def test_what_is_not_registered(web: ClientSession, asked: dict[str, Any], error: str) -> None:
    """RFC 7591 section 3.2.2."""
    async with AuthorizationServer(registration=True) as server:
        assert await post(web, server.registration_url, asked) == (400, {"error": error})
        assert server.registrations == 0


async def test_without_the_rule_no_one_registers(web: ClientSession) -> None:
    """By default clients are known beforehand."""
    async with AuthorizationServer() as server:
        assert (await post(web, server.registration_url, ASKED))[0] == 404
        async with web.get(f"{server.url}/.well-known/oauth-authorization-server") as response:
            assert "registration_endpoint" not in await response.json()


@pytest.mark.parametrize(
    ("redirect_uri", "exactly", "loosely"),
    [
        ("http://127.0.0.1:7000/back", True, True),
        ("http://127.0.0.1:7001/back", False, True),
        ("http://127.0.0.1:7000/other", False, False),
        ("http://localhost:7000/back", False, False),
    ],
)
async def test_redirect_addresses_are_compared(
    web: ClientSession, redirect_uri: str, exactly: bool, loosely: bool
) -> None:
    """RFC 8252 section 7.3 spares the port; some servers do not."""
    async with AuthorizationServer() as server:
        server.register(RegisteredClient("agent", redirect_uris=ASKED["redirect_uris"]))
        assert await arrives(web, server, "agent", redirect_uri) is loosely
        server.exact_redirects = True
        assert await arrives(web, server, "agent", redirect_uri) is exactly


async def test_a_document_makes_a_client(web: ClientSession) -> None:
    """One that names itself, and is read once; any other makes none."""
    document: dict[str, Any] = {}
    async with AuthorizationServer(client_documents=True) as server, token_server(says(document)) as home:
        async with web.get(f"{server.url}/.well-known/oauth-authorization-server") as response:
            assert (await response.json())["client_id_metadata_document_supported"] is True
        url, back = f"{home.url}/client.json", "http://127.0.0.1:7000/back"
        assert not await arrives(web, server, url, back)
        document |= {"client_id": url, "redirect_uris": [back]}
        assert await arrives(web, server, url, back)
        assert await arrives(web, server, url, back)
        assert not await arrives(web, server, "agent", back)
        assert len(home.received) == 2


async def test_an_api_describes_itself(web: ClientSession) -> None:
    """RFC 9728: at one place, which its refusals name; `...` leaves a member out."""
    async with AuthorizationServer() as server, ProtectedAPI(server, resource="/mcp") as api:
        async with web.get(api.metadata_url) as response:
            said = await response.json()
        assert said == {
            "resource": f"{api.url}/mcp",
            "authorization_servers": [server.issuer],
            "bearer_methods_supported": ["header"],
        }
        api.metadata = {"scopes_supported": ["read"], "bearer_methods_supported": ...}
        async with web.get(api.metadata_url) as response:
            assert (await response.json()).keys() == {"resource", "authorization_servers", "scopes_supported"}
        async with web.get(f"{api.url}/.well-known/oauth-protected-resource") as response:
            assert response.status == 404
        pointer = f'resource_metadata="{api.metadata_url}"'
        async with web.get(api.resource_url) as response:
            assert response.headers["WWW-Authenticate"] == f'Bearer realm="api", {pointer}'
        api.resource = None
        async with web.get(api.resource_url) as response:
            assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'


async def test_a_token_for_another_resource_is_refused(web: ClientSession) -> None:
    """What it was asked for is known at the server, as long as it counts."""
    async with AuthorizationServer() as server, ProtectedAPI(server, resource="") as api:
        mine, other, any_ = (
            server._ledger.issue("app", "ada", None, audience, refreshable=False)["access_token"]
            for audience in (api.url, "https://other.example", None)
        )
        for token, status in ((mine, 200), (any_, 200), (other, 401)):
            async with web.get(api.url, headers={"Authorization": f"Bearer {token}"}) as response:
                assert response.status == status
        assert [server.audience_of(token) for token in (mine, any_, "x")] == [api.url, None, None]
